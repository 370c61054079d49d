import { backoff } from '../../core/backoff.ts';
import { readTrail } from '../../core/listing/chain-end.ts';
import { chainTask, type TaskOf } from '../../core/tasks.ts';
import { SECOND } from '../../core/time.ts';
import { atNode, type Invocation, mayBeginPages } from '../invocation.ts';
import { holdMemory } from '../limits/memory-budget.ts';
import { setPageAside } from '../records/set-aside.ts';
import { bufferedBytes, PART_BYTES } from '../records/store-part.ts';
import { type PageRefusal, requestsOf, unsentRefusal } from '../requests/fetched-page.ts';
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
  type ClaimedWalk,
  type PreparedContext,
} from './reading.ts';
import { decideRefusal, noteRefusals } from './refused-pages.ts';

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
  prepared: PreparedContext,
  received: ReceivedTask<TaskOf<'chain'>>,
): Promise<TaskOutcome> {
  const { task } = received;
  const context = atNode(prepared, task.node);
  const seen = await readNode(context);
  // Others are listed in its place. The worker that put them there may have died of it.
  if (seen?.kind === 'group') await advanceNode(context, seen, true); // R34
  if (seen?.kind !== 'chain') return 'done';
  // New, and of an earlier step: the worker that moved the chain has sent a message that goes on, or its own comes back.
  if (!wasRedelivered(context, received) && task.step < seen.step && seen.ended === undefined) return 'done'; // R23
  const how = { node: seen, patience: CHAIN_PATIENCE, asks: seen.ended === undefined };
  const walk: ChainWalk = {
    ...(await beginReading(context, how)),
    received,
    owner: context.random.id(),
  };
  const now = walk.clock.now();
  const claimed = await updateNode(walk, { set: { owner: walk.owner, lease: now + walk.remaining() + LEASE_MARGIN } }, [
    { absent: 'ended' },
    { equal: ['step', seen.step] },
    { either: [{ absent: 'lease' }, { less: ['lease', now] }] }, // R22
  ]);
  if (claimed.item?.kind !== 'chain') return 'done';
  if (!claimed.ok) return onLeaseLost(walk, claimed.item);
  const isBehind = task.step < claimed.item.step;
  // What killed before was another page. The attempts at this one begin anew.
  if (isBehind && mustRunIsolated(received)) return continueLater(walk, claimed.item); // R26
  const from = claimed.item;
  if (attemptsExhausted(walk, received)) return onPageFailure({ ...walk, from }, from, unsentRefusal(WORKER_DIED));
  // A chain without an owner before this one cannot have a part yet.
  const isFresh = seen.owner === undefined;
  const stands = isFresh ? from : await adoptCommitted(walk, from);
  return readPages({ ...walk, from }, stands);
}

/**
 * Another worker has the chain, or it has ended. The owner holds a message of its own, which comes back if it dies, so a
 * message that is new has nothing to add. One that has come back may be the owner's, and waits until the lease is over.
 */
async function onLeaseLost(walk: ChainWalk, chain: Chain): Promise<TaskOutcome> {
  if (chain.ended !== undefined) {
    await advanceNode(walk, chain, true);
    return 'done';
  }
  if (!wasRedelivered(walk, walk.received)) return 'done'; // R24
  return { later: Math.max(0, chain.lease - walk.clock.now()) + SECOND };
}

async function releaseLease(walk: ChainWalk): Promise<TaskOutcome> {
  await updateNode(walk, { remove: ['lease'] }, [{ equal: ['owner', walk.owner] }]);
  return 'done';
}

/** Reads on from where the chain stands until it ends, stumbles, or the time is over. */
async function readPages(walk: ClaimedWalk, stands: Chain | undefined): Promise<TaskOutcome> {
  let chain = stands;
  let ahead = emptyBuffer(walk, chain);
  let obstacle: ChainBlocked | undefined;
  using holding = holdMemory(walk);
  while (chain !== undefined && chain.ended === undefined && !ahead.ended && mayBeginPages(walk)) {
    const insists = attemptOf(walk.received) > 1 && ahead.contents.length === 0 && !hasMoved(walk, chain);
    obstacle = await readNextPage(walk, { chain, insists, holding }, ahead);
    if (obstacle !== undefined) break;
    // The id of a job that was just started is written down before anything else: who loses it starts another.
    // R92
    if (chain.maps || ahead.job || isFull(walk, ahead)) {
      chain = await commitChain(walk, chain, ahead);
      ahead = { ...emptyBuffer(walk, chain), file: ahead.file };
    }
  }
  if (obstacle?.instead !== undefined && chain !== undefined && chain.ended === undefined) {
    // What was just read counts no more than the rest of it.
    const requests = obstacle.requests + requestsOf(ahead.contents);
    await replaceListing(walk, { node: chain, of: walk.listed.of, requests }, obstacle.instead);
    return 'done';
  }
  if (chain !== undefined && ahead.contents.length > 0) chain = await commitChain(walk, chain, ahead);
  if (chain === undefined) return { later: SECOND };
  if (obstacle?.refusal !== undefined && chain.ended === undefined) return onPageFailure(walk, chain, obstacle.refusal);
  return continueLater(walk, chain);
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
  trail: readTrail(chain?.trail),
  ...{ job: false, file: undefined },
});

const isFull = (invocation: Invocation, { contents, since }: BufferedPages): boolean =>
  contents.length >= COMMIT_PAGES ||
  bufferedBytes(contents) >= PART_BYTES ||
  invocation.clock.now() - since >= COMMIT_AFTER;

/** Whether the chain has gone on since its message came. */
const hasMoved = ({ received, from }: ClaimedWalk, { step }: Chain): boolean =>
  step > Math.max(from.step, received.task.step);

/** The next page did not come. It is tried again later, from a fresh message if the chain has moved, or is set aside. */
async function onPageFailure(walk: ClaimedWalk, chain: Chain, refusal: PageRefusal): Promise<TaskOutcome> {
  const moved = hasMoved(walk, chain);
  const attempt = moved ? 1 : attemptOf(walk.received);
  const decision = decideRefusal(refusal, attempt, walk.settings.ATTEMPTS);
  const { requests = 0, throttled = 0 } = (await noteRefusals(walk, [refusal])) ?? {};
  const add = { requests, throttled, retried: decision.is === 'final' || refusal.waits ? 0 : 1 };
  switch (decision.is) {
    case 'excused':
      if (requests > 0) await updateNode(walk, { add });
      return continueLater(walk, chain, { attempts: attempt - 1, wait: decision.wait });
    case 'retry': {
      const wait = backoff(attempt, walk.random.number(), decision.advised);
      if (moved) {
        await updateNode(walk, { add });
        return continueLater(walk, chain, { attempts: attempt, wait });
      }
      await updateNode(walk, { add, remove: ['lease'] }, [{ equal: ['owner', walk.owner] }]);
      return { later: wait };
    }
    case 'final': {
      const { step } = chain;
      await setPageAside(walk, { ...walk.received.task, step }, { page: step, refusal, attempts: attempt });
      const failed = await updateNode(walk, { add, set: { ended: 'failed' } }, [
        { equal: ['step', step] },
        { absent: 'ended' },
      ]);
      if (failed.item !== undefined) await advanceNode(walk, failed.item);
      return 'done';
    }
  }
}

/**
 * Gives the lease back, then sends the task that goes on from here. In this order the new message finds the chain free, and a
 * death in between leaves this message, which comes back and goes on. `attempts`: those at the next page so far.
 */
async function continueLater(
  walk: ChainWalk,
  chain: Chain,
  { attempts, wait }: { readonly attempts: number; readonly wait: number } = { attempts: 0, wait: 0 },
): Promise<TaskOutcome> {
  if (chain.ended !== undefined) {
    await advanceNode(walk, chain);
    return 'done';
  }
  await releaseLease(walk);
  const task = chainTask(walk.ref, walk.path, chain.step, attempts);
  if (wait === 0) await sendTasks(walk, [task]);
  else await postponeTasks(walk, { limiters: walk.meters, tasks: [{ task, requests: 1 }], least: wait });
  return 'done';
}
