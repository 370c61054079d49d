import { backoff } from '../core/backoff.ts';
import type { Stream } from '../core/connector.ts';
import type { Reason } from '../core/judge.ts';
import { announcedPages, hasRecords, numberedPage } from '../core/listing.ts';
import { refOf, type SyncRef, type TaskOf } from '../core/tasks.ts';
import type { Account } from './account.ts';
import { fetchPage, type Refusal, refusePage, unsent } from './fetch-page.ts';
import { type Invocation, mayBegin } from './invocation.ts';
import { attemptOf, DIED, isSuspicious, type Outcome, type Received } from './outcome.ts';
import { type PageContent, readRecords } from './read-records.ts';
import { setAside } from './set-aside.ts';
import { type Listed, listed } from './slices.ts';
import { PART_BYTES, storePart, waitingBytes } from './store-part.ts';
import { type Block, expires, type Listing, parentOf, partKey } from './sync-state.ts';
import { failPage, readNode, send, settle, updateNode } from './tree.ts';

type PagesTask = Received<TaskOf<'pages'>>;

/** How many requests an invocation has under way at once. */
const IN_FLIGHT = 10;

/** What the pages of one block's tasks have in common. */
type BlockRun = {
  readonly ref: SyncRef;
  readonly path: string;
  readonly account: Account | Reason;
  readonly listing: Listing;
  readonly listed: Listed;
};

/** What became of one page. */
type PageOutcome =
  | { readonly is: 'content'; readonly content: PageContent }
  | { readonly is: 'refused'; readonly refusal: Refusal }
  | { readonly is: 'unread' };

/** Fetches the pages of some tasks of one block, commits them together, and says what becomes of each message. */
export async function fetchPages(
  invocation: Invocation,
  received: readonly PagesTask[],
  given: Pick<BlockRun, 'account'>,
): Promise<Map<string, Outcome>> {
  const [first] = received;
  if (first === undefined) return new Map();
  const { node: path } = first.task;
  const ref = refOf(first.task);
  const block = await readNode(invocation, ref, path);
  const up = parentOf(path);
  const listing = up && (await readNode(invocation, ref, up.parent));
  if (block?.kind !== 'block' || listing?.kind !== 'listing') return allDone(received);

  const run: BlockRun = { ...given, ref, path, listing, listed: listed(invocation, ref, listing) };
  const tasks = ownerOfPages(received, block);
  if (isSuspicious(first) && tasks.size > 1) return splitUp(invocation, first, tasks.keys());
  const outcomes = await fetchAll(invocation, run, tasks);
  const heal = received.some(({ receives }) => receives > 1) || tasks.size === 0;
  const after = await conclude(invocation, run, block, tasks, outcomes);
  await settle(invocation, ref, path, after, heal);
  return reportBack(invocation, received, outcomes);
}

/** One of these pages may be what kills: each gets a task of its own, so that it takes no neighbour with it. */
async function splitUp(
  invocation: Invocation,
  each: PagesTask,
  pages: Iterable<number>,
): Promise<Map<string, Outcome>> {
  const attempts = attemptOf(each) - 1;
  await send(
    invocation,
    [...pages].map((page) => ({ ...each.task, from: page, to: page, attempts })),
  );
  return new Map([[each.id, 'done']]);
}

const allDone = (received: readonly PagesTask[]): Map<string, Outcome> =>
  new Map(received.map(({ id }) => [id, 'done'] as const));

/** Each open page that a task asks for, once, with a task that does. */
function ownerOfPages(received: readonly PagesTask[], block: Block): Map<number, PagesTask> {
  const owners = new Map<number, PagesTask>();
  for (const each of received) {
    for (let page = each.task.from; page <= each.task.to; page++)
      if (block.open.has(String(page))) owners.set(page, each);
  }
  return owners;
}

/** Fetches pages, a bounded number at once; those for which the time is too short stay unread. */
async function fetchAll(
  invocation: Invocation,
  run: BlockRun,
  tasks: ReadonlyMap<number, PagesTask>,
): Promise<Map<number, PageOutcome>> {
  const outcomes = new Map<number, PageOutcome>();
  const queue = tasks.entries();
  const lane = async (): Promise<void> => {
    for (const [page, task] of queue) {
      if (attemptOf(task) > invocation.settings.ATTEMPTS) outcomes.set(page, { is: 'refused', refusal: unsent(DIED) });
      else outcomes.set(page, mayBegin(invocation) ? await fetchOne(invocation, run, page) : { is: 'unread' });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return outcomes;
}

async function fetchOne(invocation: Invocation, run: BlockRun, index: number): Promise<PageOutcome> {
  const { listed, account, listing } = run;
  const { stream, slice } = listed;
  const at = numberedPage(stream.paging, index);
  const owes = (total: number | undefined): boolean => owesRecords(stream, listing, index, total);
  const result = await fetchPage(invocation, { account, stream, slice, at, owes });
  if ('refusal' in result) return { is: 'refused', refusal: result.refusal };
  const { page } = result;
  const overlaps = stream.paging.kind === 'offsets' && index > 0;
  const content = readRecords(page, index, { listed, mode: invocation.settings.SCHEMA_MODE, overlaps });
  return 'code' in content ? { is: 'refused', refusal: refusePage(page, content, false) } : { is: 'content', content };
}

/** An empty page is no end while a total says that records belong on it: the page's own total, else the one announced. */
function owesRecords({ paging }: Stream, listing: Listing, index: number, total: number | undefined): boolean {
  if (paging.kind !== 'pages' && paging.kind !== 'offsets') return false;
  if (total !== undefined) return hasRecords(paging.kind, paging.size, index, total);
  return listing.announced !== undefined && index < listing.announced - 1;
}

/** Writes down what was fetched, what failed for good and what was counted; gives the block as it then stands. */
async function conclude(
  invocation: Invocation,
  run: BlockRun,
  block: Block,
  tasks: ReadonlyMap<number, PagesTask>,
  outcomes: ReadonlyMap<number, PageOutcome>,
): Promise<Block> {
  const contents = [...outcomes.values()].flatMap((each) => (each.is === 'content' ? each.content : []));
  let after = block;
  for (const portion of portionsBySize(contents)) {
    const { block: left, committed } = await commit(invocation, run, after, portion);
    await noteExtent(invocation, run, committed);
    after = left;
  }

  const refused = [...outcomes].flatMap(([page, each]) =>
    each.is === 'refused' ? { page, refusal: each.refusal, task: tasks.get(page) } : [],
  );
  const final = refused.filter(({ task, refusal }) => task !== undefined && isFinal(invocation, task, refusal));
  if (refused.length > 0) after = await count(invocation, run, after, refused, refused.length - final.length);
  for (const { page, refusal, task } of final) {
    if (task !== undefined) await setAside(invocation, task.task, page, refusal, attemptOf(task));
    const failed = await failPage(invocation, run.ref, run.path, page);
    if (failed.item?.kind === 'block') after = failed.item;
  }
  return after;
}

/** Whether a refusal ends a page: it cannot heal, or had every chance to. */
const isFinal = ({ settings }: Invocation, task: PagesTask, { heals }: Refusal): boolean =>
  !heals || attemptOf(task) >= settings.ATTEMPTS;

/**
 * Tells the listing what these pages show of its extent: how many pages the first one's total announces, and where a short page
 * was seen. Only a page that is committed says so: what a read that came to nothing saw may be long out of date. Who dies
 * before it leaves a listing of unknown extent, which is read on until its end is seen.
 */
async function noteExtent(invocation: Invocation, run: BlockRun, contents: readonly PageContent[]): Promise<void> {
  const { paging } = run.listed.stream;
  if (paging.kind !== 'pages' && paging.kind !== 'offsets') return;
  const path = parentOf(run.path)?.parent ?? '';
  const total = contents.find(({ index }) => index === 0)?.total;
  if (total !== undefined) {
    const announced = announcedPages(paging.kind, paging.size, total);
    await updateNode(invocation, run.ref, path, { set: { announced } });
    invocation.log.info('planned', { ...run.ref, pages: announced, records: total });
  }
  const short = contents.filter(({ fetched }) => fetched < paging.size).map(({ index }) => index);
  if (short.length === 0) return;
  const end = Math.min(...short);
  if (run.listing.end !== undefined && run.listing.end <= end) return;
  await updateNode(invocation, run.ref, path, { set: { end } }, [
    { either: [{ absent: 'end' }, { greater: ['end', end] }] },
  ]);
}

function portionsBySize(contents: readonly PageContent[]): PageContent[][] {
  const portions: PageContent[][] = [];
  for (const content of contents) {
    const last = portions.at(-1);
    if (last !== undefined && waitingBytes(last) < PART_BYTES) last.push(content);
    else portions.push([content]);
  }
  return portions;
}

/**
 * Stores pages as a part and takes them out of the open set, in one write that holds only if all of them are open. Where
 * somebody was quicker with some of them, the rest is stored as a part of its own: no page is in two parts that count.
 */
async function commit(
  invocation: Invocation,
  run: BlockRun,
  block: Block,
  contents: readonly PageContent[],
): Promise<{ block: Block; committed: readonly PageContent[] }> {
  const { ref, path } = run;
  const rest = contents.filter(({ index }) => block.open.has(String(index)));
  if (rest.length === 0) return { block, committed: [] };
  const part = await storePart(invocation, ref, path, run.listed, rest);
  const key = partKey(invocation.connector.name, ref, `${path}@${part.id}`);
  await invocation.syncs.create(key, { ...part.item, ...expires(invocation.clock.now()) });
  const pages = rest.map(({ index }) => String(index));
  const written = await updateNode(
    invocation,
    ref,
    path,
    { delete: { open: new Set(pages) }, add: { parts: new Set([part.id]), requests: rest.length } },
    pages.map((page) => ({ contains: ['open', page] })),
  );
  if (written.item?.kind !== 'block') return { block, committed: [] };
  // A write that is repeated because its answer was lost fails against its own effect.
  const mine = written.ok || written.item.parts.has(part.id);
  if (!mine) return commit(invocation, run, written.item, rest);
  const records = rest.reduce((sum, { fetched }) => sum + fetched, 0);
  invocation.log.info('pages fetched', { ...ref, pages: rest.length, records });
  return { block: written.item, committed: rest };
}

/** Counts requests that brought no page. `retried`: how many of the pages are asked for again. */
async function count(
  invocation: Invocation,
  run: BlockRun,
  block: Block,
  refused: readonly { readonly refusal: Refusal }[],
  retried: number,
): Promise<Block> {
  const [first] = refused;
  if (first !== undefined) {
    const { code, message: reason } = first.refusal.reason;
    invocation.log.info('pages refused', { ...run.ref, pages: refused.length, code, reason });
  }
  const add = {
    requests: refused.filter(({ refusal }) => refusal.request !== undefined).length,
    throttled: refused.filter(({ refusal }) => refusal.throttled).length,
    retried,
  };
  const written = await updateNode(invocation, run.ref, run.path, { add });
  return written.item?.kind === 'block' ? written.item : block;
}

/** A message is done when none of its pages is left to it; a task that nobody had time for goes back as a fresh copy. */
async function reportBack(
  invocation: Invocation,
  received: readonly PagesTask[],
  outcomes: ReadonlyMap<number, PageOutcome>,
): Promise<Map<string, Outcome>> {
  const reported = new Map<string, Outcome>();
  for (const each of received) {
    const mine = [...outcomes]
      .filter(([page]) => page >= each.task.from && page <= each.task.to)
      .map(([, outcome]) => outcome);
    const wait = longestWait(invocation, each, mine);
    if (wait !== undefined) {
      reported.set(each.id, { later: wait });
      continue;
    }
    if (mine.some(({ is }) => is === 'unread'))
      await send(invocation, [{ ...each.task, attempts: attemptOf(each) - 1 }]);
    reported.set(each.id, 'done');
  }
  return reported;
}

/** Milliseconds until a task's pages that may heal are tried again; `undefined` if there are none. */
function longestWait(invocation: Invocation, task: PagesTask, outcomes: readonly PageOutcome[]): number | undefined {
  const waits = outcomes.flatMap((each) =>
    each.is === 'refused' && !isFinal(invocation, task, each.refusal)
      ? backoff(attemptOf(task), invocation.random.number(), each.refusal.wait)
      : [],
  );
  return waits.length > 0 ? Math.max(...waits) : undefined;
}
