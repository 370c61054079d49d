import type { Connector } from '../../core/connector/connector.ts';
import { TASK_VERSION } from '../../core/tasks.ts';
import type { Receipt } from '../../core/verdict/receipt.ts';
import { type SyncContext, streamOf } from '../invocation.ts';
import { syncKey } from '../store/sync-keys.ts';
import { inPhase, type SyncState } from '../store/sync-state.ts';
import { sendTasks } from '../tasks/send-tasks.ts';
import { readTrees } from '../tree/read-tree.ts';

/**
 * A sync is read by one declaration from its first page to its last. When a deployment changes the connector's `revision` under it, or takes
 * its stream away, what was read no longer says what it said: the sync closes as superseded, delivers nothing, leaves the watermark where it
 * was, and another begins from there.
 */

/**
 * How a stream and those of its parents are listed. A tree that was begun in one way cannot be read in another, be the connector's `revision` raised or
 * forgotten.
 */
export function listingShape(connector: Connector, name: string): string {
  const stream = connector.streams[name];
  if (stream === undefined) return '';
  const { kind, ...how } = stream.paging;
  const size = 'size' in how ? ` by ${how.size}` : '';
  const first = 'first' in how ? ` from ${how.first}` : '';
  const above = stream.each === undefined ? '' : ` of ${listingShape(connector, stream.each.of)}`;
  return `${name}: ${kind}${size}${first}${above}`;
}

/** Why a sync cannot go on as it was begun; `undefined` if it can. What follows a published receipt only adds to what was delivered, and goes on. */
export function whySuperseded(context: SyncContext, sync: SyncState): string | undefined {
  const { connector } = context;
  if (streamOf(context, context.ref.stream) === undefined)
    return `the connector has no stream "${context.ref.stream}" any more: nothing of this sync is delivered`;
  // A second look, and a repair, come before the first receipt: what they read is one with what was read before.
  const isPublished = sync.revision > 1;
  const shape = listingShape(connector, context.ref.stream);
  if (!isPublished && sync.declared === connector.revision && (sync.shape ?? shape) !== shape)
    return 'the stream is listed in another way than when the sync began: nothing of it is delivered, and another has begun';
  if (sync.declared === connector.revision || isPublished) return undefined; // R61
  return `the connector's revision changed from ${sync.declared} to ${connector.revision} meanwhile: nothing of this sync is delivered, and another has begun`;
}

/** Ends a sync that cannot go on. What others still do for it counts for nothing. */
export const supersedeSync = (context: SyncContext, sync: SyncState, why: string): Promise<void> =>
  end(context, sync, 'open', why);

/**
 * Ends a sync whose tree is done, but whose close never comes to its end, because what it needs is gone, or cannot be read. Another sync gets what this
 * one got.
 */
export const giveUpClose = (context: SyncContext, sync: SyncState): Promise<void> =>
  end(
    context,
    sync,
    'closing',
    'its close came to no end, why is in the log: nothing of this sync is delivered, and another has begun',
  );

async function end(
  context: SyncContext,
  sync: SyncState,
  from: SyncState['status'],
  superseded: string,
): Promise<void> {
  const { syncs, connector, log } = context;
  await syncs.update(syncKey(connector.name, context.ref), { set: { status: 'closing', superseded } }, [
    { equal: ['status', from] },
    inPhase(sync.phase),
  ]);
  log.warn('sync superseded', { ...context.ref, reason: superseded });
  await sendTasks(context, [{ v: TASK_VERSION, kind: 'close', ...context.ref }]);
}

/** Begins another sync in the place of a superseded one, unless its stream is gone. */
export async function startReplacement(context: SyncContext, { asked }: SyncState): Promise<void> {
  if (streamOf(context, context.ref.stream) === undefined) return;
  const at = new Date(context.clock.now()).toISOString();
  await sendTasks(context, [
    {
      ...{ v: TASK_VERSION, kind: 'start', connection: context.ref.connection, stream: context.ref.stream, at },
      ...(asked === undefined ? {} : { asked }), // R93
    },
  ]);
}

/** What a superseded sync did, without a look at what it read. */
export async function countRequests(
  context: SyncContext,
  sync: SyncState,
): Promise<Pick<Receipt, 'expected' | 'pages' | 'records' | 'requests' | 'movement'>> {
  const requests = { sent: 0, throttled: 0, retried: 0 };
  for await (const { nodes } of readTrees(context, sync.phase)) {
    for (const node of nodes.values()) {
      requests.sent += node.requests;
      requests.throttled += node.throttled;
      requests.retried += node.retried;
    }
  }
  return {
    expected: { records: null, source: null },
    pages: { planned: 0, fetched: 0, failed: 0 },
    records: { fetched: 0, delivered: 0, quarantined: 0, repeated: 0 },
    requests,
    movement: { checked: 0, moved: 0, repaired: 0 },
  };
}
