import { LONGEST_BACKOFF } from '../../core/backoff.ts';
import { refOf, type TaskOf } from '../../core/tasks.ts';
import { atNode, forSync, type Invocation, type SyncContext } from '../invocation.ts';
import { remapNodeItem } from '../listing/remap-records.ts';
import type { Item } from '../ports.ts';
import { createNode } from '../store/node.ts';
import { expiryOf, phaseOf, rootPath, syncKey } from '../store/sync-keys.ts';
import { inPhase, type SyncState } from '../store/sync-state.ts';
import type { ReceivedTask, TaskOutcome } from '../tasks/outcome.ts';
import { failedPages, retryItemAt } from '../tree/retry-node.ts';
import { gotEverything } from './failures.ts';
import { beginSync, readStream, readSync, SYNC_DEADLINE } from './start-sync.ts';

/**
 * Sets only shrink: what failed is never opened again where it failed. A closed sync is asked for again in a new *phase*: a root of its
 * own beside the earlier ones, which inherits how far the listing was read and opens the failed pages first. One conditional
 * write begins it; the close then puts a new revision of the receipt beside the old one. What a phase asks for is derived from the closed tree, so all
 * who ask for the same phase ask for the same.
 */
export async function redriveFailures(
  invocation: Invocation,
  { task, receives }: ReceivedTask<TaskOf<'redrive'>>,
): Promise<TaskOutcome> {
  const context = forSync(invocation, refOf(task));
  const { ref } = context;
  const sync = await readSync(context);
  if (sync === undefined) return 'done';
  // A phase that only read again what moved has asked for nothing that failed.
  if (sync.revised > task.phase) {
    // Begun, perhaps by this message's last receiver, who died before the tasks were out.
    if (receives > 1 && sync.status === 'open') await beginSync(context); // R59
    return 'done';
  }
  if (sync.status !== 'closed') return { later: LONGEST_BACKOFF }; // R58
  if (sync.superseded !== undefined) return 'done';
  const later = gotEverything(await readStream(context), ref.sync, sync);
  if (task.what === 'pages' && later !== undefined && later !== ref.sync) {
    invocation.log.info('failures are obsolete: a later sync got everything', { ...ref, later });
    return 'done';
  }
  const root =
    task.what === 'pages'
      ? await retryItemAt(context, sync.phase, '', failedPages(task.pages))
      : await remapNodeItem(context, sync.phase);
  if (root === undefined) return 'done';
  await openPhase(context, sync, root, { from: 'closed', revision: sync.revision + 1, repairs: 0 });
  return 'done';
}

/**
 * A task that lay in the failures queue and was sent back: it asks for everything of its sync that failed, once that is closed, unless a later
 * phase has. Until then it waits, even if its page is still open: the worker that set that aside is about to write it down.
 */
export function redriveReturnedTask(
  invocation: Invocation,
  received: ReceivedTask<TaskOf<'pages'> | TaskOf<'chain'>>,
): Promise<TaskOutcome> {
  const { v, node } = received.task;
  const task = { v, kind: 'redrive', ...refOf(received.task), phase: phaseOf(node), what: 'pages' } as const;
  return redriveFailures(invocation, { ...received, task });
}

/** The root is there before the sync knows its phase, and the sync knows it before its tasks are out. */
export async function openPhase(
  context: SyncContext,
  sync: SyncState,
  root: Item,
  {
    from,
    revision,
    repairs,
    sample,
  }: Pick<SyncState, 'revision' | 'repairs'> & { readonly from: SyncState['status']; readonly sample?: number },
): Promise<void> {
  const { syncs, connector, clock, log } = context;
  const now = clock.now();
  const phase = sync.phase + 1;
  await createNode(atNode(context, rootPath(phase)), root); // R57
  const opened = await syncs.update(
    syncKey(connector.name, context.ref),
    {
      set: {
        status: 'open',
        phase,
        revision,
        repairs,
        ...(revision === sync.revision ? {} : { revised: phase }),
        ...(sample === undefined ? {} : { sample }),
        live: connector.name,
        deadline: now + SYNC_DEADLINE,
        rounds: 0,
        roundAt: 0,
        ...expiryOf(now),
      },
    },
    [{ equal: ['status', from] }, inPhase(sync.phase)],
  );
  if (opened.item?.phase !== phase) return;
  if (opened.ok) log.info('sync opened again', { ...context.ref, phase });
  await beginSync(context);
}
