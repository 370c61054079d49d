import { REPAIR_ROUNDS } from '../../core/listing/edges.ts';
import type { SyncContext } from '../invocation.ts';
import type { SyncState } from '../store/sync-state.ts';
import { movedPages, retryItemAt } from '../tree/retry-node.ts';
import { openPhase } from './redrive.ts';
import type { SyncSum } from './sum-sync.ts';

/**
 * Reads pages again that do not agree with their neighbours, in a phase of its own, before there is a receipt; says whether it does. Whether it
 * does is derived from the closed tree, so all who close come to the same.
 */
export async function repairMovedPages(
  context: SyncContext,
  sync: SyncState,
  { judged, unopened }: Pick<SyncSum, 'judged' | 'unopened'>,
): Promise<boolean> {
  const round = sync.repairs + 1;
  const { moved, repaired } = judged.movement;
  if (round > REPAIR_ROUNDS || unopened || moved === repaired) return false;
  const root = await retryItemAt(context, sync.phase, '', movedPages(context, round));
  if (root === undefined) return false;
  await openPhase(context, sync, root, { from: 'closing', revision: sync.revision, repairs: round });
  return true;
}
