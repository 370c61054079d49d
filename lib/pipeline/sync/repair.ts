import { REPAIR_ROUNDS } from '../../core/listing/edges.ts';
import type { SyncRef } from '../../core/tasks.ts';
import type { Invocation } from '../invocation.ts';
import type { SyncState } from '../store/sync-state.ts';
import { movedPages, retryItemAt } from '../tree/retry-node.ts';
import { openPhase } from './redrive.ts';
import type { SyncSum } from './sum-sync.ts';

/**
 * Reads pages again that do not agree with their neighbours, in a phase of its own, before there is a receipt; says whether it does. Whether it
 * does is derived from the closed tree, so all who close come to the same.
 */
export async function repairMovedPages(
  invocation: Invocation,
  ref: SyncRef,
  sync: SyncState,
  { judged, unopened }: Pick<SyncSum, 'judged' | 'unopened'>,
): Promise<boolean> {
  const round = sync.repairs + 1;
  const { moved, repaired } = judged.movement;
  if (round > REPAIR_ROUNDS || unopened || moved === repaired) return false;
  const root = await retryItemAt(invocation, ref, sync.phase, '', movedPages(invocation, ref, round));
  if (root === undefined) return false;
  await openPhase(invocation, ref, sync, root, { from: 'closing', revision: sync.revision, repairs: round });
  return true;
}
