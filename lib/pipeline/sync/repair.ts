import { REPAIR_ROUNDS } from '../../core/listing/edges.ts';
import { FEW_PAGES, sampleSize } from '../../core/verdict/second-look.ts';
import type { SyncContext } from '../invocation.ts';
import type { SyncState } from '../store/sync-state.ts';
import { pagesToCheck, retryItemAt } from '../tree/retry-node.ts';
import { openPhase } from './redrive.ts';
import type { SyncSum } from './sum-sync.ts';

/**
 * Asks for pages again, in a phase of its own, before there is a receipt: those that do not agree with their neighbours, those of a second look, and those
 * between which it found that records moved. Says whether it does. Whether it
 * does is derived from the closed tree, so all who close come to the same.
 */
export async function repairMovedPages(
  context: SyncContext,
  sync: SyncState,
  { judged, unopened }: Pick<SyncSum, 'judged' | 'unopened'>,
): Promise<boolean> {
  const round = sync.repairs + 1;
  const { moved, repaired } = judged.movement;
  const { wanted, lacking } = judged;
  // What failed is asked for first: its phase looks as well.
  if (round > REPAIR_ROUNDS || unopened || (moved === repaired && (wanted.pages === 0 || lacking))) return false;
  const sample = Math.min(1, sampleSize(wanted.pages, wanted.hasTotal) / Math.max(1, wanted.pages));
  const share = wanted.pages <= FEW_PAGES ? 1 : sample;
  const root = await retryItemAt(context, sync.phase, '', pagesToCheck(context, { round, sample: share }));
  if (root === undefined) return false;
  await openPhase(context, sync, root, { from: 'closing', revision: sync.revision, repairs: round, sample: share });
  return true;
}
