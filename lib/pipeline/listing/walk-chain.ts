import { backoff } from '../../core/backoff.ts';
import { chainTask, refOf, type TaskOf } from '../../core/tasks.ts';
import { SECOND } from '../../core/time.ts';
import { type Invocation, mayBegin } from '../invocation.ts';
import { setAside } from '../records/set-aside.ts';
import { PART_BYTES, waitingBytes } from '../records/store-part.ts';
import { type Refusal, requestsOf, unsent } from '../requests/fetched-page.ts';
import { keepKinds } from '../requests/keep-answer.ts';
import { readNode, updateNode } from '../store/node.ts';
import type { Chain } from '../store/sync-state.ts';
import { attemptOf, cameBack, DIED, isHopeless, isSuspicious, type Outcome, type Received } from '../tasks/outcome.ts';
import { postpone } from '../tasks/postpone.ts';
import { send } from '../tasks/send-tasks.ts';
import { listInstead } from '../tree/replace-listing.ts';
import { settle } from '../tree/tree.ts';
import { adopt, commit } from './move-chain.ts';
import { readNext } from './read-next.ts';
import { type Ahead, beginReading, CHAIN_PATIENCE, type Given, type Obstacle, type Walk } from './reading.ts';

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
  received: Received<TaskOf<'chain'>>,
  given: Given,
): Promise<Outcome> {
  const { task } = received;
  const ref = refOf(task);
  const seen = await readNode(invocation, ref, task.node);
  // Others are listed in its place. Whoever put them there may have died of it.
  if (seen?.kind === 'group') await settle(invocation, ref, task.node, seen, true);
  if (seen?.kind !== 'chain') return 'done';
  // New, and behind: whoever moved the chain has sent a message that goes on, or will come back himself.
  if (!cameBack(invocation, received) && task.step < seen.step && seen.ended === undefined) return 'done';
  const how = { node: seen, patience: CHAIN_PATIENCE, asks: seen.ended === undefined };
  const walk: Walk = {
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
  if (!mine) return beaten(invocation, walk, received, claimed.item);
  const isBehind = task.step < claimed.item.step;
  // What killed before was another page. The attempts at this one begin anew.
  if (isBehind && isSuspicious(received)) return goOn(invocation, walk, claimed.item, 0, 0);
  if (isHopeless(invocation, received))
    return stumble(invocation, walk, received, claimed.item, claimed.item, unsent(DIED));
  // Where nobody held the chain before, nobody can have put a part of it.
  const isFresh = seen.owner === undefined;
  const stands = isFresh ? claimed.item : await adopt(invocation, walk, claimed.item);
  return advance(invocation, walk, received, claimed.item, stands);
}

/**
 * Somebody else has the chain, or it has ended. Whoever has it holds a message of his own, which comes back if he dies, so a
 * message that is new has nothing to add. One that has come back may be his own, and waits until his lease is over.
 */
async function beaten(
  invocation: Invocation,
  walk: Walk,
  received: Received<TaskOf<'chain'>>,
  chain: Chain,
): Promise<Outcome> {
  if (chain.ended !== undefined) {
    await settle(invocation, walk.ref, walk.path, chain, true);
    return 'done';
  }
  if (!cameBack(invocation, received)) return 'done';
  return { later: Math.max(0, chain.lease - invocation.clock.now()) + SECOND };
}

async function release(invocation: Invocation, walk: Walk): Promise<Outcome> {
  await updateNode(invocation, walk.ref, walk.path, { remove: ['lease'] }, [{ equal: ['owner', walk.owner] }]);
  return 'done';
}

/** Reads on from where the chain stands until it ends, stumbles, or the time is over. `from`: as it was claimed. */
async function advance(
  invocation: Invocation,
  walk: Walk,
  received: Received<TaskOf<'chain'>>,
  from: Chain,
  stands: Chain | undefined,
): Promise<Outcome> {
  let chain = stands;
  let ahead = startAhead(invocation, chain);
  let obstacle: Obstacle | undefined;
  while (chain !== undefined && chain.ended === undefined && !ahead.ended && mayBegin(invocation)) {
    const isAgain = attemptOf(received) > 1 && ahead.contents.length === 0 && !hasMoved(received, from, chain);
    obstacle = await readNext(invocation, walk, chain, ahead, isAgain);
    if (obstacle !== undefined) break;
    if (chain.maps || isFull(invocation, ahead)) {
      chain = await commit(invocation, walk, chain, ahead);
      ahead = startAhead(invocation, chain);
    }
  }
  if (obstacle?.instead !== undefined && chain !== undefined && chain.ended === undefined) {
    // What was just read counts no more than the rest of it.
    const { listed, ref, path } = walk;
    const requests = obstacle.requests + requestsOf(ahead.contents);
    await listInstead(invocation, ref, path, { node: chain, of: listed.of }, obstacle.instead, requests);
    return 'done';
  }
  if (chain !== undefined && ahead.contents.length > 0) chain = await commit(invocation, walk, chain, ahead);
  if (chain === undefined) return { later: SECOND };
  if (obstacle?.refusal !== undefined && chain.ended === undefined)
    return stumble(invocation, walk, received, from, chain, obstacle.refusal);
  return goOn(invocation, walk, chain, 0, 0);
}

const startAhead = (invocation: Invocation, chain: Chain | undefined): Ahead => ({
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

const isFull = (invocation: Invocation, { contents, since }: Ahead): boolean =>
  contents.length >= COMMIT_PAGES ||
  waitingBytes(contents) >= PART_BYTES ||
  invocation.clock.now() - since >= COMMIT_AFTER;

/** Whether the chain has gone on since its message came. */
const hasMoved = ({ task }: Received<TaskOf<'chain'>>, from: Chain, { step }: Chain): boolean =>
  step > Math.max(from.step, task.step);

/** The next page did not come. It is tried again later, from a fresh message if the chain has moved, or is set aside. */
async function stumble(
  invocation: Invocation,
  walk: Walk,
  received: Received<TaskOf<'chain'>>,
  from: Chain,
  chain: Chain,
  refusal: Refusal,
): Promise<Outcome> {
  const moved = hasMoved(received, from, chain);
  const attempt = moved ? 1 : attemptOf(received);
  const { excused } = refusal;
  const heals = refusal.heals && (excused !== undefined || attempt < invocation.settings.ATTEMPTS);
  const add = {
    requests: requestsOf([refusal]),
    throttled: refusal.throttled ? 1 : 0,
    retried: heals ? 1 : 0,
  };
  await keepKinds(invocation, walk.ref, [refusal]);
  const { code, message } = refusal.reason;
  if (add.requests > 0) invocation.log.info('pages refused', { ...walk.ref, pages: 1, code, reason: message });
  if (excused !== undefined) {
    if (add.requests > 0) await updateNode(invocation, walk.ref, walk.path, { add });
    return goOn(invocation, walk, chain, attempt - 1, excused);
  }
  if (heals) {
    const wait = backoff(attempt, invocation.random.number(), refusal.wait);
    if (moved) {
      await updateNode(invocation, walk.ref, walk.path, { add });
      return goOn(invocation, walk, chain, attempt, wait);
    }
    await updateNode(invocation, walk.ref, walk.path, { add, remove: ['lease'] }, [{ equal: ['owner', walk.owner] }]);
    return { later: wait };
  }
  await setAside(invocation, { ...received.task, step: chain.step }, chain.step, refusal, attempt);
  const failed = await updateNode(invocation, walk.ref, walk.path, { add, set: { ended: 'failed' } }, [
    { equal: ['step', chain.step] },
    { absent: 'ended' },
  ]);
  if (failed.item !== undefined) await settle(invocation, walk.ref, walk.path, failed.item);
  return 'done';
}

/**
 * Gives the lease back, then sends the task that goes on from here. In this order the new message finds the chain free, and a
 * death in between leaves this message, which comes back and goes on.
 */
async function goOn(
  invocation: Invocation,
  walk: Walk,
  chain: Chain,
  attempts: number,
  wait: number,
): Promise<Outcome> {
  if (chain.ended !== undefined) {
    await settle(invocation, walk.ref, walk.path, chain);
    return 'done';
  }
  await release(invocation, walk);
  const task = chainTask(walk.ref, walk.path, chain.step, attempts);
  if (wait === 0) await send(invocation, [task]);
  else await postpone(invocation, walk.ref, walk.meters, [{ task, requests: 1 }], wait);
  return 'done';
}
