import type { Stream } from '../../core/connector/connector.ts';
import { dateMark } from '../../core/connector/since.ts';
import { chainTask, type SyncRef, TASK_VERSION, type TaskOf } from '../../core/tasks.ts';
import { DAY, HOUR, span } from '../../core/time.ts';
import { knownMark, nextSyncWindow } from '../../core/verdict/watermark.ts';
import { connectionState } from '../credentials/account.ts';
import { readIdentity } from '../credentials/account-identity.ts';
import {
  atNode,
  forConnection,
  forSync,
  type Invocation,
  mayBeginPages,
  type SyncContext,
  streamOf,
} from '../invocation.ts';
import { readNode } from '../store/node.ts';
import { expiryOf, freshPartition, rootPath, streamKey, syncKey } from '../store/sync-keys.ts';
import { type StreamState, type SyncState, streamState, syncState } from '../store/sync-state.ts';
import { sendTasks } from '../tasks/send-tasks.ts';
import { createRoot } from '../tree/root-node.ts';
import { advanceNode } from '../tree/tree.ts';
import { listingShape } from './supersede.ts';
import { withAccount } from './with-account.ts';

/** So long after its start, or its last phase's, a sync is looked at: one that makes progress lives longer (core/verdict/deadline.ts). */
export const SYNC_DEADLINE = 24 * HOUR;

/** For how long a page limit that was found out is believed. APIs change, and a page that failed for another reason may have looked like one. */
const LIMIT_KNOWN = 30 * DAY;

/** How many connections a tick starts between two looks at the clock. */
const PORTION = 100;

/** A scheduled tick: starts the stream's sync for each active connection. What does not fit the time goes into a tick that goes on. */
export async function startDueSyncs(invocation: Invocation, task: TaskOf<'tick'>): Promise<void> {
  const { connections, connector } = invocation;
  // Schedules give seconds with or without fractions; an id must not depend on it.
  const at = new Date(task.at).toISOString();
  let portion: TaskOf<'start'>[] = [];
  for await (const item of connections.query(connector.name, '', task.after)) {
    // One whose item cannot be read has a sync as well: its receipt says so, and the others do not wait for it.
    if (connectionState.safeParse(item).data?.status === 'paused') continue;
    portion.push({ v: TASK_VERSION, kind: 'start', connection: item.sk, stream: task.stream, at });
    if (portion.length < PORTION) continue;
    await sendTasks(invocation, portion);
    portion = [];
    if (!mayBeginPages(invocation)) return sendTasks(invocation, [{ ...task, after: item.sk }]);
  }
  await sendTasks(invocation, portion);
}

/** The id of the sync that a scheduled time starts: `20261122T173000000Z`. */
export const syncId = (at: string): string => at.replace(/[-:.]/g, '');

/**
 * Starts a sync, unless one of this stream is running or this tick came before. One write takes the stream; whatever else a sync needs
 * is derived from the stream as it then stands, so a worker that finds it taken can go on with the start.
 */
export async function startSync(invocation: Invocation, task: TaskOf<'start'>): Promise<void> {
  const { syncs, connector, log } = invocation;
  const ref: SyncRef = { connection: task.connection, stream: task.stream, sync: syncId(task.at) };
  const context = forSync(invocation, ref);
  if (streamOf(invocation, task.stream) === undefined) return;
  const claimed = await syncs.upsert(
    streamKey(connector.name, ref),
    {
      set: {
        ...{ current: ref.sync, at: task.at, lastTick: task.at, live: connector.name },
        fresh: freshPartition(connector.name, ref.stream),
        ...(task.asked === undefined ? {} : { asked: task.asked }),
      },
    },
    [
      { absent: 'current' }, // R44
      { either: [{ absent: 'lastTick' }, { less: ['lastTick', task.at] }] }, // R43
    ],
  );
  const found = streamState.parse(claimed.item ?? {});
  if (found.current !== ref.sync) return skip(context, found, task.at); // R45
  if (found.freshAt === undefined) await noteFirst(context);
  const stream = await pinAccount(context, found);
  await createSync(context, task.at, stream);
  log.info('sync started', { ...ref });
  await beginSync(context);
}

/**
 * Holds what a stream knows against the account that its connection is now. What it knows of another one is forgotten: this sync asks for everything.
 */
async function pinAccount(context: SyncContext, stream: StreamState): Promise<StreamState> {
  const { syncs, connector, ref } = context;
  const account = await readIdentity(forConnection(context, ref.connection));
  if (account === undefined || account === stream.account) return stream; // R90
  const another = stream.account !== undefined;
  const pinned = await syncs.update(
    streamKey(connector.name, ref),
    {
      set: { account, ...(another ? { accountSync: ref.sync } : {}) },
      ...(another ? { remove: KNOWN_OF_ACCOUNT } : {}),
    },
    [{ equal: ['current', ref.sync] }],
  );
  return streamState.parse(pinned.item ?? {});
}

/** What a stream knows of one account only. */
const KNOWN_OF_ACCOUNT = ['watermark', 'marked', 'limit', 'limitAt', 'lastFullAt', 'fullRecords', 'shrunkTo'];

/** From its first sync on a stream can grow stale, whether that sync ever comes to an end or not. */
async function noteFirst({ syncs, connector, clock, ref }: SyncContext): Promise<void> {
  await syncs.update(streamKey(connector.name, ref), { set: { freshAt: clock.now() } }, [{ absent: 'freshAt' }]);
}

/** Puts the tree's root and its first task; what is there already stays. The root of a later phase is put by the worker that opens it. */
export async function beginSync(context: SyncContext): Promise<void> {
  const sync = await readSync(context);
  if (sync === undefined) return;
  if (sync.phase === 0) await createRoot(context, sync, await onlyParent(context, sync));
  const path = rootPath(sync.phase);
  const root = await readNode(atNode(context, path));
  if (root?.kind === 'chain') await sendTasks(context, [chainTask(context.ref, path, root.step)]);
  else if (root !== undefined) await advanceNode(atNode(await withAccount(context, sync), path), root, true);
}

/** The parent that the connection's parameters name. Parameters that do not fit are found out by the first request. */
async function onlyParent(context: SyncContext, sync: SyncState): Promise<unknown> {
  const each = streamOf(context, context.ref.stream)?.each;
  if (each?.only === undefined) return undefined;
  const { account } = await withAccount(context, sync);
  return 'params' in account ? each.only({ params: account.params }) : undefined;
}

/** Where a sync begins to ask for changes: at the watermark, or where an operator said. A full one asks for everything. */
const startOf = ({ asked }: StreamState, known: string | undefined, fullDue: boolean): string | undefined =>
  asked === 'full' || (asked === undefined && fullDue) ? undefined : (asked ?? known);

/** Everything that the sync's requests depend on is fixed here. While the stream is taken, no other sync moves its watermark. */
async function createSync(context: SyncContext, at: string, stream: StreamState): Promise<void> {
  const { syncs, connector, clock } = context;
  const now = clock.now();
  const declared = streamOf(context, context.ref.stream);
  const since = declared?.since;
  const known = knownMark(since, stream);
  const start = startOf(stream, known, isFullDue(declared, stream, now));
  // A date that an operator asks from is neither a number nor a token.
  const mark = since === undefined || 'field' in since || stream.asked !== undefined ? undefined : start;
  const window = nextSyncWindow(dateMark(since), start, now, stream.zoneless);
  const { from, to } = window;
  const mode = mark === undefined ? window.mode : 'incremental';
  const limit = now - stream.limitAt < LIMIT_KNOWN ? stream.limit : undefined;
  await syncs.create(syncKey(connector.name, context.ref), {
    status: 'open',
    live: connector.name,
    declared: connector.revision,
    shape: listingShape(connector, context.ref.stream),
    at,
    mode,
    from,
    to,
    startedAt: now,
    ...(stream.account === undefined ? {} : { account: stream.account }),
    ...(stream.accountSync === context.ref.sync ? { otherAccount: true } : {}),
    deadline: now + SYNC_DEADLINE,
    rounds: 0,
    roundAt: 0,
    ...(known === undefined ? {} : { watermark: known }),
    ...(mark === undefined ? {} : { mark }),
    ...(stream.asked === undefined ? {} : { asked: stream.asked }),
    ...(limit === undefined ? {} : { limit }),
    ...(stream.fullRecords === undefined ? {} : { fullRecords: stream.fullRecords }),
    ...(stream.shrunkTo === undefined ? {} : { shrunkTo: stream.shrunkTo }),
    ...expiryOf(now),
  });
}

/** Whether an incremental stream is to ask for everything again, as it does every so often. */
function isFullDue(declared: Stream | undefined, { lastFullAt = 0 }: StreamState, now: number): boolean {
  return declared?.full !== undefined && now - lastFullAt >= span(declared.full);
}

/** A tick that finds a sync running is noted; one that comes again is not. */
async function skip(context: SyncContext, stream: StreamState, at: string): Promise<void> {
  if ((stream.lastTick ?? '') >= at) return;
  const { syncs, connector, log } = context;
  const noted = await syncs.update(
    streamKey(connector.name, context.ref),
    { set: { lastTick: at }, add: { skipped: 1 } },
    [{ less: ['lastTick', at] }],
  );
  if (noted.ok) log.warn('tick skipped: a sync is running', { ...context.ref, running: stream.current ?? '' });
}

export async function readStream(context: SyncContext): Promise<StreamState> {
  return streamState.parse((await context.syncs.get(streamKey(context.connector.name, context.ref))) ?? {});
}

/** The sync of a reference, if there is one. */
export async function readSync(context: SyncContext): Promise<SyncState | undefined> {
  const item = await context.syncs.get(syncKey(context.connector.name, context.ref));
  return item === undefined ? undefined : syncState.parse(item);
}
