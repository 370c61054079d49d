import { withoutKey } from '../core/authorise.ts';
import { backoff } from '../core/backoff.ts';
import { chainPage, detectLoop, nextCursor } from '../core/chain.ts';
import type { Stream } from '../core/connector.ts';
import type { Reason } from '../core/judge.ts';
import { exceeds, keepsWindow } from '../core/slice.ts';
import { chainTask, refOf, type SyncRef, type TaskOf } from '../core/tasks.ts';
import { SECOND, span } from '../core/time.ts';
import { type Account, metersOf } from './account.ts';
import { type FetchedPage, fetchPage, type Refusal, refusePage, requestsOf, type Setup, unsent } from './fetch-page.ts';
import { again, cut, type Instead, limitOf, listInstead, NO_SUCH_PAGE } from './instead.ts';
import { type Invocation, mayBegin } from './invocation.ts';
import { keepKinds } from './keep-answer.ts';
import { readKept } from './kept-page.ts';
import { mapAgain } from './map-again.ts';
import type { MeterPlace } from './meters.ts';
import { attemptOf, DIED, type Outcome, type Received } from './outcome.ts';
import { postpone } from './postpone.ts';
import { type PageContent, readRecords } from './read-records.ts';
import { setAside } from './set-aside.ts';
import { setupOf } from './setup.ts';
import { type Listed, listed } from './slices.ts';
import { PART_BYTES, storePart, waitingBytes } from './store-part.ts';
import { type Chain, expires, type Part, partKey, partState, type SyncState } from './sync-state.ts';
import { readNode, send, settle, updateNode } from './tree.ts';

/** A chain commits at least this often, so that a crash costs little: pages, and milliseconds since the last commit. */
const COMMIT_PAGES = 100;
const COMMIT_AFTER = 10 * SECOND;
/** A lease outlives the invocation that took it by this long. */
const LEASE_MARGIN = 10 * SECOND;
/**
 * How far ahead a page's slot may be for the walk to wait for it, in milliseconds. More than a numbered page has, so that listings
 * that book as far ahead as they may leave room for a chain, which books for one page at a time.
 */
const PATIENCE = 4 * SECOND;

type Walk = {
  readonly ref: SyncRef;
  readonly path: string;
  readonly account: Account | Reason;
  readonly meters: readonly MeterPlace[];
  readonly listed: Listed;
  readonly sync: SyncState;
  readonly setup: Setup;
  readonly owner: string;
};

/** Pages that were read but are not committed yet, and where the chain stands behind them. */
type Ahead = {
  readonly contents: PageContent[];
  readonly since: number;
  cursor: string | undefined;
  remembered: string | undefined;
  ended: boolean;
  /** Records of the chain up to here. */
  records: number;
  stray: boolean;
};

/** Why a chain does not go on: its next page was refused, or other slices have to be listed in its place. */
type Obstacle =
  | { readonly refusal: Refusal; readonly instead?: undefined }
  | { readonly instead: Instead; readonly requests: number; readonly refusal?: undefined };

/**
 * Walks a chain for as long as the time allows, and sends the task that goes on from there. The task's step is a hint: the node
 * knows where the chain stands. A lease keeps two from walking at once; that no page counts twice rests on the part items,
 * which are put if absent under the step they begin at.
 */
export async function walkChain(
  invocation: Invocation,
  received: Received<TaskOf<'chain'>>,
  given: Pick<Walk, 'account' | 'sync'>,
): Promise<Outcome> {
  const { task } = received;
  const ref = refOf(task);
  const seen = await readNode(invocation, ref, task.node);
  // Others are listed in its place. Whoever put them there may have died of it.
  if (seen?.kind === 'group') await settle(invocation, ref, task.node, seen, true);
  if (seen?.kind !== 'chain') return 'done';
  const what = listed(invocation, ref, seen);
  // New, and behind: whoever moved the chain has sent a message that goes on, or will come back himself.
  if (received.receives === 1 && task.step < seen.step && seen.ended === undefined) return 'done';
  const meters = metersOf(given.account, what.name);
  const slots = { meters, patience: PATIENCE };
  const setup: Setup =
    seen.ended === undefined ? await setupOf(invocation, ref, what, given.account, slots) : { value: undefined };
  const walk: Walk = {
    ...{ ...given, ref, path: task.node, listed: what, setup },
    meters,
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
  const died = attemptOf(received) > invocation.settings.ATTEMPTS && task.step === claimed.item.step;
  if (died) return stumble(invocation, walk, received, claimed.item, claimed.item, unsent(DIED));
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
  if (received.receives === 1) return 'done';
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
    obstacle = await readNext(invocation, walk, chain, ahead);
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
  ended: false,
  records: chain?.records ?? 0,
  stray: chain?.stray ?? false,
});

const isFull = (invocation: Invocation, { contents, since }: Ahead): boolean =>
  contents.length >= COMMIT_PAGES ||
  waitingBytes(contents) >= PART_BYTES ||
  invocation.clock.now() - since >= COMMIT_AFTER;

/** Fetches the next page and moves `ahead` behind it, or says why it cannot be taken. */
async function readNext(invocation: Invocation, walk: Walk, chain: Chain, ahead: Ahead): Promise<Obstacle | undefined> {
  if (chain.maps) return mapNext(invocation, walk, chain, ahead);
  const { listed, account, meters, setup, sync } = walk;
  const { stream, slice } = listed;
  const index = chain.step + ahead.contents.length;
  const { stray } = ahead;
  if (hasExpired(invocation, stream, chain)) return expired(listed, chain, unsent(EXPIRED));
  const url = stream.paging.kind === 'links' ? ahead.cursor : undefined;
  if (ahead.contents.length === 0) {
    const kept = await readKept(invocation, walk.ref, walk.path, index, { stream });
    if (kept !== undefined && takePage(invocation, walk, kept, index, ahead) === undefined) return undefined;
  }
  const result = await fetchPage(invocation, {
    ...{ account, stream, slice, setup, meters, patience: PATIENCE },
    ...{ first: index === 0, at: chainPage(stream, ahead.cursor), url },
  });
  if ('refusal' in result) {
    const { refusal } = result;
    if (index > 0 && refusal.expired) return expired(listed, chain, refusal);
    const narrower = index > 0 && isBeyond(refusal) ? cut(listed, { byKey: chain.byKey, stray }) : undefined;
    return narrower === undefined
      ? { refusal }
      : { instead: { ...narrower, limit: ahead.records }, requests: requestsOf([refusal]) };
  }
  const { page } = result;
  const refusal = takePage(invocation, walk, page, index, ahead);
  if (refusal !== undefined) return { refusal };
  const endsFull = ahead.ended && 'size' in stream.paging && page.records.length >= stream.paging.size;
  const length = { stated: page.total ?? page.estimate, read: ahead.records, endsFull };
  if (!exceeds(limitOf(listed, sync), length)) return undefined;
  const narrower = cut(listed, { byKey: chain.byKey, stray: ahead.stray });
  return narrower && { instead: { ...narrower, ...(endsFull ? { limit: ahead.records } : {}) }, requests: 0 };
}

/** Moves `ahead` behind a page, or says why it cannot be taken. */
function takePage(
  invocation: Invocation,
  { listed }: Walk,
  page: FetchedPage,
  index: number,
  ahead: Ahead,
): Refusal | undefined {
  const content = readRecords(page, index, { listed, mode: invocation.settings.SCHEMA_MODE, overlaps: false });
  if ('code' in content) return refusePage(page, content);
  const refusal = follow(invocation, listed, page, content, ahead);
  if (refusal !== undefined) return refusal;
  ahead.records += content.fetched;
  ahead.stray ||= !keepsWindow(listed.slice, content);
  return undefined;
}

/** Statuses by which APIs say that there is no such page. */
const isBeyond = ({ heals, exchange }: Refusal): boolean => !heals && NO_SUCH_PAGE.has(exchange?.status ?? 0);

const EXPIRED: Reason = { code: 'expired', message: 'what leads to the next page has expired' };

function hasExpired({ clock }: Invocation, { paging }: Stream, { began }: Chain): boolean {
  const lifetime = 'expires' in paging && paging.expires !== undefined ? span(paging.expires) : undefined;
  return lifetime !== undefined && began !== undefined && clock.now() - began >= lifetime;
}

/** A chain whose cursor has expired begins again, unless it has done so too often. */
function expired(listed: Listed, chain: Chain, refusal: Refusal): Obstacle {
  const instead = again(listed, chain);
  return instead === undefined ? { refusal } : { instead, requests: requestsOf([refusal]) };
}

/** The next part that has quarantined records. */
async function mapNext(
  invocation: Invocation,
  { ref, path }: Walk,
  { step }: Chain,
  ahead: Ahead,
): Promise<Obstacle | undefined> {
  const mapped = await mapAgain(invocation, ref, path, step);
  if ('reason' in mapped) return { refusal: unsent(mapped.reason) };
  ahead.contents.push(mapped.content);
  ahead.ended = mapped.last;
  return undefined;
}

const DENIED: Reason = {
  code: 'empty-page',
  message: 'the API says that there is nothing here, though the page before led here',
};

function follow(
  { connector }: Invocation,
  { stream, slice }: Listed,
  page: FetchedPage,
  content: PageContent,
  ahead: Ahead,
): Refusal | undefined {
  // A parent may vanish while its children are listed. Elsewhere the page before has said that there is more.
  if (page.empty && content.index > 0 && slice.parents === undefined)
    return { ...refusePage(page, DENIED), heals: true };
  let next: ReturnType<typeof nextCursor>;
  try {
    next = page.empty ? 'end' : nextCursor(stream, page.reply, page.records, page.url);
  } catch (error) {
    next = {
      stuck: `the next cursor is not where the stream looks for it: ${error instanceof Error ? error.message : error}`,
    };
  }
  if (typeof next === 'object' && 'stuck' in next)
    return { ...refusePage(page, { code: 'stuck', message: next.stuck }), heals: page.records.length === 0 };
  if (next === 'end') {
    ahead.ended = true;
    ahead.cursor = undefined;
  } else {
    const cursor = stream.paging.kind === 'links' ? withoutKey(connector.auth, next.next) : next.next;
    const { loop, remember } = detectLoop(content.index + 1, cursor, ahead.remembered);
    if (loop) return refusePage(page, { code: 'loop', message: 'the next cursor is one that was followed before' });
    ahead.cursor = cursor;
    ahead.remembered = remember;
  }
  ahead.contents.push(content);
  return undefined;
}

/** A part that begins at this step was put by somebody who then died: its pages are read, only the node does not know. */
async function adopt(invocation: Invocation, walk: Walk, chain: Chain): Promise<Chain | undefined> {
  const item = await invocation.syncs.get(stepKey(invocation, walk, chain.step));
  return item === undefined ? chain : move(invocation, walk, chain, partState.parse(item), 0);
}

const stepId = (walk: Walk, step: number): string => `${walk.path}@${step}`;
const stepKey = (invocation: Invocation, walk: Walk, step: number) =>
  partKey(invocation.connector.name, walk.ref, stepId(walk, step));

/** Stores what was read as a part, then moves the chain behind it. Whoever put this step's part first is right. */
async function commit(invocation: Invocation, walk: Walk, chain: Chain, ahead: Ahead): Promise<Chain | undefined> {
  const stored = await storePart(invocation, walk.ref, walk.path, walk.listed, ahead.contents);
  const part = await invocation.syncs.create(stepKey(invocation, walk, chain.step), {
    ...stored.item,
    ...expires(invocation.clock.now()),
    ...(ahead.cursor === undefined ? {} : { next: ahead.cursor }),
    ...(ahead.remembered === undefined ? {} : { remembered: ahead.remembered }),
    last: ahead.ended,
    ...(ahead.stray ? { stray: true } : {}),
  });
  if (part.item === undefined) return undefined;
  const moved = await move(invocation, walk, chain, partState.parse(part.item), requestsOf(ahead.contents));
  if (part.ok && moved !== undefined) {
    const records = ahead.contents.reduce((sum, { fetched }) => sum + fetched, 0);
    invocation.log.info('pages fetched', { ...walk.ref, pages: ahead.contents.length, records });
  }
  return moved;
}

/** Moves the chain behind a part; `undefined`: somebody else did, and goes on from there. */
async function move(
  invocation: Invocation,
  walk: Walk,
  chain: Chain,
  part: Part,
  requests: number,
): Promise<Chain | undefined> {
  const where = {
    ...(part.next === undefined ? {} : { cursor: part.next }),
    ...(part.remembered === undefined ? {} : { remembered: part.remembered }),
  };
  const step = chain.step + part.pages.length;
  const began = chain.step === 0 ? { began: invocation.clock.now() } : {};
  const stray = part.stray ? { stray: true } : {};
  const written = await updateNode(
    invocation,
    walk.ref,
    walk.path,
    {
      set: { step, ...where, ...began, ...stray, ...(part.last ? { ended: 'end' } : {}) },
      add: { requests, records: part.fetched },
    },
    [{ equal: ['step', chain.step] }, { absent: 'ended' }],
  );
  if (written.item?.kind !== 'chain') return undefined;
  const { item } = written;
  return written.ok || (item.owner === walk.owner && item.step === step) ? item : undefined;
}

/** The next page did not come. It is tried again later, from a fresh message if the chain has moved, or is set aside. */
async function stumble(
  invocation: Invocation,
  walk: Walk,
  received: Received<TaskOf<'chain'>>,
  from: Chain,
  chain: Chain,
  refusal: Refusal,
): Promise<Outcome> {
  const moved = chain.step > Math.max(from.step, received.task.step);
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
