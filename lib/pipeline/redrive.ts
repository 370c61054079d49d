import { LONGEST_BACKOFF } from '../core/backoff.ts';
import { refOf, type SyncRef, type TaskOf } from '../core/tasks.ts';
import { againNode } from './again.ts';
import type { Invocation } from './invocation.ts';
import { mapAgainNode } from './map-again.ts';
import type { Outcome, Received } from './outcome.ts';
import type { Item } from './ports.ts';
import { readTree } from './read-tree.ts';
import { begin, DEADLINE, readStream, readSync } from './start-sync.ts';
import { expires, inPhase, phaseOf, rootOf, type SyncState, syncKey } from './sync-state.ts';
import { createNode, readNode } from './tree.ts';

/**
 * Sets only shrink: what failed is never opened again where it failed. A closed sync is asked for again in a new *phase*: a root of its
 * own beside the earlier ones, which inherits how far the listing was read and opens the failed pages first. One conditional
 * write begins it; the close then puts a new revision of the receipt beside the old one. What a phase asks for is derived from the closed tree, so all
 * who ask for the same phase ask for the same.
 */
export async function redrive(
  invocation: Invocation,
  { task, receives }: Received<TaskOf<'redrive'>>,
): Promise<Outcome> {
  const ref = refOf(task);
  const sync = await readSync(invocation, ref);
  if (sync === undefined) return 'done';
  if (sync.phase > task.phase) {
    // Begun, perhaps by this message's last receiver, who died before the tasks were out.
    if (receives > 1 && sync.status === 'open') await begin(invocation, ref);
    return 'done';
  }
  if (sync.status !== 'closed') return { later: LONGEST_BACKOFF };
  if (sync.superseded !== undefined) return 'done';
  const { lastCommitted = '' } = await readStream(invocation, ref);
  if (task.what === 'pages' && lastCommitted > ref.sync) {
    invocation.log.info('failures are obsolete: a later sync got everything', { ...ref, later: lastCommitted });
    return 'done';
  }
  const root =
    task.what === 'pages'
      ? againNode(await readTree(invocation, ref, sync.phase), '')
      : await mapAgainNode(invocation, ref, sync.phase);
  if (root === undefined) return 'done';
  await openPhase(invocation, ref, sync, root, { from: 'closed', revision: sync.revision + 1, repairs: 0 });
  return 'done';
}

/**
 * A task that lay in the failures queue and was sent back. While its sync is open it may still be wanted as it is; once the sync is closed, it
 * asks for everything of it that failed, unless a later phase has.
 */
export async function sentBack(
  invocation: Invocation,
  received: Received<TaskOf<'pages'> | TaskOf<'chain'>>,
): Promise<Outcome | 'wanted'> {
  const { task } = received;
  const ref = refOf(task);
  const phase = phaseOf(task.node);
  const sync = await readSync(invocation, ref);
  if (sync?.status === 'open' && sync.phase === phase && (await isWanted(invocation, task))) return 'wanted';
  return redrive(invocation, { ...received, task: { v: task.v, kind: 'redrive', ...ref, phase, what: 'pages' } });
}

/** It was set aside, but whoever did has not come to write it down. */
async function isWanted(invocation: Invocation, task: TaskOf<'pages'> | TaskOf<'chain'>): Promise<boolean> {
  const node = await readNode(invocation, refOf(task), task.node);
  if (task.kind === 'pages') return node?.kind === 'block' && node.open.has(String(task.from));
  return node?.kind === 'chain' && node.ended === undefined;
}

/** The root is there before the sync knows its phase, and the sync knows it before its tasks are out. */
export async function openPhase(
  invocation: Invocation,
  ref: SyncRef,
  sync: SyncState,
  root: Item,
  {
    from,
    revision,
    repairs,
  }: { readonly from: SyncState['status']; readonly revision: number; readonly repairs: number },
): Promise<void> {
  const { syncs, connector, clock, log } = invocation;
  const now = clock.now();
  const phase = sync.phase + 1;
  await createNode(invocation, ref, rootOf(phase), root);
  const opened = await syncs.update(
    syncKey(connector.name, ref),
    {
      set: {
        status: 'open',
        phase,
        revision,
        repairs,
        live: connector.name,
        deadline: now + DEADLINE,
        rounds: 0,
        roundAt: 0,
        ...expires(now),
      },
    },
    [{ equal: ['status', from] }, inPhase(sync.phase)],
  );
  if (opened.item?.phase !== phase) return;
  if (opened.ok) log.info('sync opened again', { ...ref, phase });
  await begin(invocation, ref);
}
