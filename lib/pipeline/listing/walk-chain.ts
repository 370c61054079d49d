import { backoff } from '../../core/backoff.ts';
import { chainTask, refOf, type TaskOf } from '../../core/tasks.ts';
import { SECOND } from '../../core/time.ts';
import { type Invocation, mayBeginPages } from '../invocation.ts';
import { setPageAside } from '../records/set-aside.ts';
import { bufferedBytes, PART_BYTES } from '../records/store-part.ts';
import { type PageRefusal, requestsOf, unsentRefusal } from '../requests/fetched-page.ts';
import { keepSamples } from '../requests/keep-answer.ts';
import { readNode, updateNode } from '../store/node.ts';
import type { Chain } from '../store/sync-state.ts';
import {
  attemptOf,
  attemptsExhausted,
  mustRunIsolated,
  type ReceivedTask,
  type TaskOutcome,
  WORKER_DIED,
  wasRedelivered,
} from '../tasks/outcome.ts';
import { postponeTasks } from '../tasks/postpone.ts';
import { sendTasks } from '../tasks/send-tasks.ts';
import { replaceListing } from '../tree/replace-listing.ts';
import { advanceNode } from '../tree/tree.ts';
import { adoptCommitted, commitChain } from './move-chain.ts';
import { readNextPage } from './read-next.ts';
import {
  type BufferedPages,
  beginReading,
  CHAIN_PATIENCE,
  type ChainBlocked,
  type ChainWalk,
  type PreparedTask,
} from './reading.ts';

/** A chain commits at least this often, so that a crash costs little: pages, and milliseconds since the last commit. */
const COMMIT_PAGES = 100;
const COMMIT_AFTER = 10 * SECOND;
/** A lease outlives the invocation that took it by this long. */
const LEASE_MARGIN = 10 * SECOND;

/**
 * Walks a chain for as long as the time allows, and sends the task that goes on from there. The task's step is a hint: the node
 * knows where the chain stands. A lease keeps two from walking at once; that no page counts twice rests on the part items,
 * which are put if absent under the step they begin at.
 */
export async function walkChain(
  invocation: Invocation,
  received: ReceivedTask<TaskOf<'chain'>>,
  given: PreparedTask,
): Promise<TaskOutcome> {
  const { task } = received;
  const ref = refOf(task);
  const seen = await readNode(invocation, ref, task.node);
  // Others are listed in its place. Whoever put them there may have died of it.
  if (seen?.kind === 'group') await advanceNode(invocation, ref, task.node, seen, true);
  if (seen?.kind !== 'chain') return 'done';
  // New, and behind: whoever moved the chain has sent a message that goes on, or will come back himself.
  if (!wasRedelivered(invocation, received) && task.step < seen.step && seen.ended === undefined) return 'done';
  const how = { node: seen, patience: CHAIN_PATIENCE, asks: seen.ended === undefined };
  const walk: ChainWalk = {
    ...(await beginReading(invocation, ref, task.node, given, how)),
    owner: invocation.random.id(),
  };
  const now = invocation.clock.now();
  const claimed = await updateNode(
    invocation,
    walk.ref,
    walk.path,
    { set: { owner: walk.owner, lease: now + invocation.remaining() + LEASE_MARGIN } },
    [{ absent: 'ended' }, { equal: ['step', seen.step] }, { either: [{ absent: 'lease' }, { less: ['lease', now] }] }],
  );
  if (claimed.item?.kind !== 'chain') return 'done';
  // A write that is repeated because its answer was lost fails against its own effect.
  const mine = claimed.ok || claimed.item.owner === walk.owner;
  if (!mine) return onLeaseLost(invocation, walk, received, claimed.item);
  const isBehind = task.step < claimed.item.step;
  // What killed before was another page. The attempts at this one begin anew.
  if (isBehind && mustRunIsolated(received)) return continueLater(invocation, walk, claimed.item, 0, 0);
  if (attemptsExhausted(invocation, received))
    return onPageFailure(invocation, walk, received, claimed.item, claimed.item, unsentRefusal(WORKER_DIED));
  // Where nobody held the chain before, nobody can have put a part of it.
  const isFresh = seen.owner === undefined;
  const stands = isFresh ? claimed.item : await adoptCommitted(invocation, walk, claimed.item);
  return readPages(invocation, walk, received, claimed.item, stands);
}

/**
 * Somebody else has the chain, or it has ended. Whoever has it holds a message of his own, which comes back if he dies, so a
 * message that is new has nothing to add. One that has come back may be his own, and waits until his lease is over.
 */
async function onLeaseLost(
  invocation: Invocation,
  walk: ChainWalk,
  received: ReceivedTask<TaskOf<'chain'>>,
  chain: Chain,
): Promise<TaskOutcome> {
  if (chain.ended !== undefined) {
    await advanceNode(invocation, walk.ref, walk.path, chain, true);
    return 'done';
  }
  if (!wasRedelivered(invocation, received)) return 'done';
  return { later: Math.max(0, chain.lease - invocation.clock.now()) + SECOND };
}

async function releaseLease(invocation: Invocation, walk: ChainWalk): Promise<TaskOutcome> {
  await updateNode(invocation, walk.ref, walk.path, { remove: ['lease'] }, [{ equal: ['owner', walk.owner] }]);
  return 'done';
}

/** Reads on from where the chain stands until it ends, stumbles, or the time is over. `from`: as it was claimed. */
async function readPages(
  invocation: Invocation,
  walk: ChainWalk,
  received: ReceivedTask<TaskOf<'chain'>>,
  from: Chain,
  stands: Chain | undefined,
): Promise<TaskOutcome> {
  let chain = stands;
  let ahead = emptyBuffer(invocation, chain);
  let obstacle: ChainBlocked | undefined;
  while (chain !== undefined && chain.ended === undefined && !ahead.ended && mayBeginPages(invocation)) {
    const isAgain = attemptOf(received) > 1 && ahead.contents.length === 0 && !hasMoved(received, from, chain);
    obstacle = await readNextPage(invocation, walk, chain, ahead, isAgain);
    if (obstacle !== undefined) break;
    if (chain.maps || isFull(invocation, ahead)) {
      chain = await commitChain(invocation, walk, chain, ahead);
      ahead = emptyBuffer(invocation, chain);
    }
  }
  if (obstacle?.instead !== undefined && chain !== undefined && chain.ended === undefined) {
    // What was just read counts no more than the rest of it.
    const { listed, ref, path } = walk;
    const requests = obstacle.requests + requestsOf(ahead.contents);
    await replaceListing(invocation, ref, path, { node: chain, of: listed.of }, obstacle.instead, requests);
    return 'done';
  }
  if (chain !== undefined && ahead.contents.length > 0) chain = await commitChain(invocation, walk, chain, ahead);
  if (chain === undefined) return { later: SECOND };
  if (obstacle?.refusal !== undefined && chain.ended === undefined)
    return onPageFailure(invocation, walk, received, from, chain, obstacle.refusal);
  return continueLater(invocation, walk, chain, 0, 0);
}

const emptyBuffer = (invocation: Invocation, chain: Chain | undefined): BufferedPages => ({
  contents: [],
  since: invocation.clock.now(),
  cursor: chain?.cursor,
  remembered: chain?.remembered,
  seen: chain?.seen,
  ties: chain?.ties,
  ended: false,
  records: chain?.records ?? 0,
  stray: chain?.stray ?? false,
});

const isFull = (invocation: Invocation, { contents, since }: BufferedPages): boolean =>
  contents.length >= COMMIT_PAGES ||
  bufferedBytes(contents) >= PART_BYTES ||
  invocation.clock.now() - since >= COMMIT_AFTER;

/** Whether the chain has gone on since its message came. */
const hasMoved = ({ task }: ReceivedTask<TaskOf<'chain'>>, from: Chain, { step }: Chain): boolean =>
  step > Math.max(from.step, task.step);

/** The next page did not come. It is tried again later, from a fresh message if the chain has moved, or is set aside. */
async function onPageFailure(
  invocation: Invocation,
  walk: ChainWalk,
  received: ReceivedTask<TaskOf<'chain'>>,
  from: Chain,
  chain: Chain,
  refusal: PageRefusal,
): Promise<TaskOutcome> {
  const moved = hasMoved(received, from, chain);
  const attempt = moved ? 1 : attemptOf(received);
  const { excused } = refusal;
  const heals = refusal.heals && (excused !== undefined || attempt < invocation.settings.ATTEMPTS);
  const add = {
    requests: requestsOf([refusal]),
    throttled: refusal.throttled ? 1 : 0,
    retried: heals ? 1 : 0,
  };
  await keepSamples(invocation, walk.ref, [refusal]);
  const { code, message } = refusal.reason;
  if (add.requests > 0) invocation.log.info('pages refused', { ...walk.ref, pages: 1, code, reason: message });
  if (excused !== undefined) {
    if (add.requests > 0) await updateNode(invocation, walk.ref, walk.path, { add });
    return continueLater(invocation, walk, chain, attempt - 1, excused);
  }
  if (heals) {
    const wait = backoff(attempt, invocation.random.number(), refusal.wait);
    if (moved) {
      await updateNode(invocation, walk.ref, walk.path, { add });
      return continueLater(invocation, walk, chain, attempt, wait);
    }
    await updateNode(invocation, walk.ref, walk.path, { add, remove: ['lease'] }, [{ equal: ['owner', walk.owner] }]);
    return { later: wait };
  }
  await setPageAside(invocation, { ...received.task, step: chain.step }, chain.step, refusal, attempt);
  const failed = await updateNode(invocation, walk.ref, walk.path, { add, set: { ended: 'failed' } }, [
    { equal: ['step', chain.step] },
    { absent: 'ended' },
  ]);
  if (failed.item !== undefined) await advanceNode(invocation, walk.ref, walk.path, failed.item);
  return 'done';
}

/**
 * Gives the lease back, then sends the task that goes on from here. In this order the new message finds the chain free, and a
 * death in between leaves this message, which comes back and goes on.
 */
async function continueLater(
  invocation: Invocation,
  walk: ChainWalk,
  chain: Chain,
  attempts: number,
  wait: number,
): Promise<TaskOutcome> {
  if (chain.ended !== undefined) {
    await advanceNode(invocation, walk.ref, walk.path, chain);
    return 'done';
  }
  await releaseLease(invocation, walk);
  const task = chainTask(walk.ref, walk.path, chain.step, attempts);
  if (wait === 0) await sendTasks(invocation, [task]);
  else await postponeTasks(invocation, walk.ref, walk.meters, [{ task, requests: 1 }], wait);
  return 'done';
}
