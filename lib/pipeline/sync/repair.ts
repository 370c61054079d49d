import { REPAIRS } from '../../core/listing/drift.ts';
import type { SyncRef } from '../../core/tasks.ts';
import type { Invocation } from '../invocation.ts';
import type { SyncState } from '../store/sync-state.ts';
import { againAt, movedPages } from '../tree/again.ts';
import { openPhase } from './redrive.ts';
import type { Sum } from './sum-sync.ts';

/**
 * Reads pages again that do not agree with their neighbours, in a phase of its own, before there is a receipt; says whether it does. Whether it
 * does is derived from the closed tree, so all who close come to the same.
 */
export async function repair(
  invocation: Invocation,
  ref: SyncRef,
  sync: SyncState,
  { judged, unopened }: Pick<Sum, 'judged' | 'unopened'>,
): Promise<boolean> {
  const round = sync.repairs + 1;
  const { moved, repaired } = judged.drift;
  if (round > REPAIRS || unopened || moved === repaired) return false;
  const root = await againAt(invocation, ref, sync.phase, '', movedPages(invocation, ref, round));
  if (root === undefined) return false;
  await openPhase(invocation, ref, sync, root, { from: 'closing', revision: sync.revision, repairs: round });
  return true;
}
