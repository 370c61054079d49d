import { LONGEST_BACKOFF } from '../../core/backoff.ts';
import type { Reason } from '../../core/response/judge.ts';
import { chainTask, pagesTask, type SyncRef, TASK_VERSION } from '../../core/tasks.ts';
import { HOUR, SECOND } from '../../core/time.ts';
import { syncDeadline } from '../../core/verdict/deadline.ts';
import { keepAuthorised } from '../credentials/keep-authorised.ts';
import { atNode, forSync, type Invocation, mayBeginPages, type NodeContext, type SyncContext } from '../invocation.ts';
import { setPageAside } from '../records/set-aside.ts';
import { type PageRefusal, unsentRefusal } from '../requests/fetched-page.ts';
import { createNode, readNode, updateNode } from '../store/node.ts';
import {
  childPath,
  parsePartition,
  ROOT_PATH,
  rootPath,
  STREAM_SORT_KEY,
  streamKey,
  syncKey,
} from '../store/sync-keys.ts';
import { type Block, type Chain, type Node, type SyncState, streamState } from '../store/sync-state.ts';
import { isWaitingForLimits, requestsApart } from '../tasks/dispatch.ts';
import { sendOpenPages, sendTasks } from '../tasks/send-tasks.ts';
import { readTrees } from '../tree/read-tree.ts';
import { advanceNode, failPage } from '../tree/tree.ts';
import { measureConnector } from './measure.ts';
import { beginSync, readSync } from './start-sync.ts';
import { giveUpClose, supersedeSync, whySuperseded } from './supersede.ts';
import { withAccount } from './with-account.ts';

/** How often what is open without progress is sent again before it is given up. */
const ROUNDS = 3;
/** A sync that is still being closed this long after its deadline is closed without what it read. */
const LONGEST_CLOSE = 6 * HOUR;
/** How many syncs are looked at at once. */
const AT_ONCE = 10;

/** `idle`: milliseconds without progress after which a sync is taken up; for a caller that knows that no worker is left. */
export type HousekeepingOptions = { readonly idle?: number | undefined };

/**
 * Takes up each sync that makes no progress: messages may be lost, dead-lettered or never sent, and all of them can be rebuilt
 * from the tree. What is open is sent again, at most three times without progress; what is then still open is given up as lost,
 * so that every sync ends with a receipt. While a sync's limits leave no room its silence proves nothing: it may wait for its turn.
 */
export async function housekeep(
  invocation: Invocation,
  { idle = idleTime(invocation) }: HousekeepingOptions = {},
): Promise<void> {
  const { connector, syncs, log } = invocation;
  const paused = await keepAuthorised(invocation);
  const live = await Array.fromAsync(syncs.live(connector.name));
  const queue = live.values();
  const broken: unknown[] = [];
  const lane = async (): Promise<void> => {
    for (const { pk, sk } of queue) {
      const place = parsePartition(connector.name, pk);
      if (place === undefined) continue;
      if (!mayBeginPages(invocation)) return log.warn('housekeeping ran out of time', { next: pk });
      try {
        if (sk === STREAM_SORT_KEY)
          await finishStart(invocation, place); // R46
        else
          await resumeSync(
            forSync(invocation, { ...place, sync: sk.slice('SYNC#'.length) }),
            idle,
            paused.get(place.connection),
          );
      } catch (error) {
        broken.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  await measureConnector(invocation, live.filter(({ sk }) => sk !== STREAM_SORT_KEY).length);
  // One sync that cannot be mended does not keep the others from it, but an operator must hear of it.
  if (broken.length > 0) throw broken[0];
}

/** A stream that is taken, but whose sync is not there: its start died half-way, and is sent again. */
async function finishStart(invocation: Invocation, place: Omit<SyncRef, 'sync'>): Promise<void> {
  const { connector, syncs } = invocation;
  const { current, at } = streamState.parse((await syncs.get(streamKey(connector.name, place))) ?? {});
  if (current === undefined || at === undefined) return;
  if ((await readSync(forSync(invocation, { ...place, sync: current }))) !== undefined) return;
  await sendTasks(invocation, [{ v: TASK_VERSION, kind: 'start', ...place, at }]);
}

/** Longer than a message can be silent: in work, waiting for its visibility to end, or for its next attempt. */
const idleTime = ({ settings }: Invocation): number => {
  const visibility = settings.VISIBILITY_TIMEOUT_SECONDS * SECOND;
  return visibility + Math.max(visibility, LONGEST_BACKOFF);
};

async function resumeSync(context: SyncContext, idle: number, paused: string | undefined): Promise<void> {
  const { connector, syncs, clock, log } = context;
  const now = clock.now();
  const sync = await readSync(context);
  if (sync === undefined || sync.status === 'closed') return;
  if (sync.status === 'closing' && sync.superseded === undefined && now >= sync.deadline + LONGEST_CLOSE)
    return giveUpClose(context, sync);
  // What was found superseded stays so, also where the deployment was rolled back before the close was asked for.
  const superseded = sync.superseded ?? whySuperseded(context, sync); // R63
  if (superseded !== undefined) return supersedeSync(context, sync, superseded);
  // What is young, or waits for its time, needs no look at its tree.
  const waits = sync.status === 'open' ? sync.parkedUntil : undefined;
  const due = waits ?? Math.max(sync.startedAt, sync.roundAt) + idle;
  if (now < due && now < sync.deadline) return;
  const nodes = await openNodes(atNode(context, rootPath(sync.phase)));
  const progress = Math.max(sync.startedAt, ...nodes.map(({ node }) => node.at));
  if (now >= sync.deadline && sync.status === 'open') {
    const deadline = await deadlineOf(context, sync, nodes);
    if (now >= deadline)
      return giveUp(context, sync, { open: nodes, reason: paused === undefined ? OVERDUE : pausedFor(paused) });
    await syncs.update(syncKey(connector.name, context.ref), { set: { deadline } }, [
      { equal: ['deadline', sync.deadline] },
    ]);
  }
  // Its tasks are done with: what is open is sent again when the connection is active again.
  if (paused !== undefined && sync.status === 'open') return;
  if (sync.parkedUntil !== undefined && sync.status === 'open') return unpark(context, sync, nodes); // R49
  if (now - Math.max(progress, sync.roundAt) < idle) return;
  const rounds =
    (progress > sync.roundAt ? 0 : sync.rounds) +
    ((await isWaitingForLimits(await withAccount(context, sync))) ? 0 : 1);
  if (rounds > ROUNDS && sync.status === 'open') return giveUp(context, sync, { open: nodes, reason: LOST }); // R48

  const taken = await syncs.update(syncKey(connector.name, context.ref), { set: { rounds, roundAt: now } }, [
    { equal: ['roundAt', sync.roundAt] },
  ]);
  if (!taken.ok) return;
  log.warn('sync taken up', { ...context.ref, round: rounds, open: nodes.length, silent: now - progress });
  await resendOpenWork(context, sync, nodes); // R47
}

/**
 * When a sync is given up: a day after pages of it came last, or as late as its limits need for what is known to be left of it. The whole tree tells when
 * pages came, and is read once a day at most.
 */
async function deadlineOf(context: SyncContext, sync: SyncState, open: readonly OpenSync[]): Promise<number> {
  const { limiters } = await withAccount(context, sync);
  let progressAt = sync.startedAt;
  for await (const { nodes } of readTrees(context, sync.phase))
    for (const { came } of nodes.values()) progressAt = Math.max(progressAt, came);
  return syncDeadline({
    ...{ startedAt: sync.startedAt, progressAt, parkedUntil: sync.parkedUntil },
    spacing: requestsApart(limiters),
    left: open.reduce((sum, { node }) => sum + pagesLeft(node), 0),
  });
}

/** Pages of a node that are known, and have not come. */
function pagesLeft(node: Node): number {
  if (node.kind === 'block') return node.open.size;
  if (node.kind === 'listing') return Math.max(0, (node.announced ?? node.covered) - node.covered);
  return 1;
}

/** The wait of a parked sync is over: what is open is sent again. That is no round, as nothing was lost. */
async function unpark(context: SyncContext, sync: SyncState, nodes: readonly OpenSync[]): Promise<void> {
  const { connector, syncs, clock, log } = context;
  const { parkedUntil } = sync;
  if (parkedUntil === undefined || clock.now() < parkedUntil) return;
  await resendOpenWork(context, sync, nodes);
  // Last: who dies before it is followed by somebody who sends again, and what comes twice counts once.
  await syncs.update(syncKey(connector.name, context.ref), { set: { roundAt: clock.now() }, remove: ['parkedUntil'] }, [
    { equal: ['parkedUntil', parkedUntil] },
  ]);
  log.info('sync goes on', { ...context.ref, open: nodes.length });
}

type OpenSync = { readonly path: string; readonly node: Node };

/** A node and what is open below it, the root first: each opens only a bounded number of children at once. */
async function openNodes(context: NodeContext): Promise<OpenSync[]> {
  const node = await readNode(context);
  if (node === undefined) return [];
  const found: OpenSync[] = [{ path: context.path, node }];
  if (node.kind === 'listing' || node.kind === 'group')
    for (const name of node.open) found.push(...(await openNodes(atNode(context, childPath(context.path, name)))));
  return found;
}

/** Sends what is open, and passes on what is done. A lease of this age protects no worker. */
async function resendOpenWork(context: SyncContext, sync: SyncState, nodes: readonly OpenSync[]): Promise<void> {
  if (nodes.length === 0) return beginSync(context);
  const dispatching = await withAccount(context, sync);
  for (const { path, node } of nodes) {
    if (node.kind === 'block' && node.open.size > 0) {
      await sendOpenPages(atNode(dispatching, path), node);
    } else if (node.kind === 'chain' && node.ended === undefined) {
      // Only if there is one: a write counts as progress.
      await updateNode(atNode(context, path), { remove: ['lease'] }, [
        { equal: ['step', node.step] },
        { present: 'lease' },
      ]);
      await sendTasks(context, [chainTask(context.ref, path, node.step)]);
    } else {
      await advanceNode(atNode(dispatching, path), node, true);
    }
  }
}

const LOST: Reason = {
  code: 'lost',
  message: 'no progress, although it was sent again three times',
};
const OVERDUE: Reason = { code: 'deadline', message: 'the sync made no progress for a day' };

const pausedFor = (why: string): Reason => ({
  code: 'paused',
  message: `the connection was paused until the deadline: ${why}`,
});

/** Moves what is open to the failed, and asks for nothing more: a sync always ends. */
async function giveUp(
  context: SyncContext,
  sync: SyncState,
  { open, reason }: { readonly open: readonly OpenSync[]; readonly reason: Reason },
): Promise<void> {
  const refusal = unsentRefusal(reason);
  const nodes = open.length > 0 ? open : await createEmptyRoot(context);
  for (const { path, node } of nodes) {
    if (node.kind === 'listing' || node.kind === 'group')
      await updateNode(atNode(context, path), { set: { stopped: true } });
    else if (node.kind === 'chain') await giveUpChain(atNode(context, path), node, refusal);
    else await giveUpBlock(atNode(context, path), node, refusal);
  }
  const dispatching = await withAccount(context, sync);
  for (const { path } of nodes) {
    const node = await readNode(atNode(context, path));
    if (node !== undefined) await advanceNode(atNode(dispatching, path), node, true);
  }
}

/** A sync that could not even be begun has nothing to be given up: a root that stands for all of it. */
async function createEmptyRoot(context: SyncContext): Promise<OpenSync[]> {
  await createNode(atNode(context, ROOT_PATH), { kind: 'chain', step: 0, from: 0, to: 0 });
  return openNodes(atNode(context, ROOT_PATH));
}

async function giveUpChain(context: NodeContext, { step, ended }: Chain, refusal: PageRefusal): Promise<void> {
  if (ended !== undefined) return;
  await setPageAside(context, chainTask(context.ref, context.path, step), { page: step, refusal, attempts: 0 });
  await updateNode(context, { set: { ended: 'failed' } }, [{ equal: ['step', step] }, { absent: 'ended' }]);
}

async function giveUpBlock(context: NodeContext, { open }: Block, refusal: PageRefusal): Promise<void> {
  for (const page of [...open].map(Number)) {
    await setPageAside(context, pagesTask(context.ref, context.path, { from: page, to: page }), {
      page,
      refusal,
      attempts: 0,
    });
    await failPage(context, page);
  }
}
