import { TASK_VERSION } from '../../core/tasks.ts';
import type { SyncContext } from '../invocation.ts';
import { syncKey } from '../store/sync-keys.ts';
import { inPhase } from '../store/sync-state.ts';
import { closeSync } from './close-sync.ts';
import { readSync } from './start-sync.ts';

/**
 * Accepts what a closed sync lacks: a person knows that it will never come, or that nothing is missing. The sync is closed once more, from the same
 * tree, in a new revision of its receipt that says who was content with what; its verdict stays, but its watermark moves. Says why not, if
 * there is nothing to accept.
 */
export async function acceptSync(context: SyncContext, reason: string): Promise<string | undefined> {
  const { syncs, connector, clock } = context;
  const sync = await readSync(context);
  if (sync === undefined) return `there is no sync ${context.ref.sync} of this stream, or it is no longer kept`;
  if (sync.superseded !== undefined)
    return `the sync ${context.ref.sync} was superseded: the one that follows it asks for everything it did not`;
  if (sync.status !== 'closed') return `the sync ${context.ref.sync} is not closed yet`;
  if (sync.accepted !== undefined) return `what the sync ${context.ref.sync} lacks was accepted already`;
  const { revision, phase } = sync;
  const set = {
    status: 'closing',
    revision: revision + 1,
    accepted: reason,
    acceptedAt: clock.now(),
    live: connector.name,
  };
  const taken = await syncs.update(syncKey(connector.name, context.ref), { set }, [
    { equal: ['status', 'closed'] },
    inPhase(phase),
    revision === 1 ? { absent: 'revision' } : { equal: ['revision', revision] },
  ]);
  if (!taken.ok) return `the sync ${context.ref.sync} was opened again meanwhile`;
  await closeSync(context, { id: 'accept', task: { v: TASK_VERSION, kind: 'close', ...context.ref }, receives: 1 });
  return undefined;
}
