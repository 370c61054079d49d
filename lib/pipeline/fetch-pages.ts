import { backoff } from '../core/backoff.ts';
import type { Stream } from '../core/connector.ts';
import type { Reason } from '../core/judge.ts';
import { hasRecords, numberedPage, runs, TASK_PAGES, tellsOf } from '../core/listing.ts';
import { exceeds, keepsWindow } from '../core/slice.ts';
import { pagesTask, refOf, type SyncRef, type TaskOf } from '../core/tasks.ts';
import { SECOND } from '../core/time.ts';
import { type Account, metersOf } from './account.ts';
import { type FetchedPage, fetchPage, type Refusal, refusePage, requestsOf, type Setup, unsent } from './fetch-page.ts';
import { cut, type Instead, limitOf, listInstead, NO_SUCH_PAGE } from './instead.ts';
import type { Invocation } from './invocation.ts';
import { keepKinds } from './keep-answer.ts';
import { readKept } from './kept-page.ts';
import type { MeterPlace } from './meters.ts';
import { attemptOf, DIED, isSuspicious, type Outcome, type Received } from './outcome.ts';
import { LONGEST_DELAY, type Portion, postpone } from './postpone.ts';
import { readEntry } from './read-parts.ts';
import { type PageContent, readRecords } from './read-records.ts';
import { setAside } from './set-aside.ts';
import { setupOf } from './setup.ts';
import { type Listed, listed } from './slices.ts';
import { PART_BYTES, storePart, waitingBytes } from './store-part.ts';
import { type Block, expires, type Listing, parentOf, partKey, type SyncState, tailOf } from './sync-state.ts';
import { failPage, readNode, send, settle, updateNode } from './tree.ts';

type PagesTask = Received<TaskOf<'pages'>>;

/** How far ahead a page's slot may be for the page to wait for it here, in milliseconds. A longer wait must cost nothing. */
const PATIENCE = 2 * SECOND;

/** What the pages of one block's tasks have in common. */
type BlockRun = {
  readonly ref: SyncRef;
  readonly path: string;
  readonly account: Account | Reason;
  readonly meters: readonly MeterPlace[];
  readonly block: Block;
  readonly listing: Listing;
  readonly listed: Listed;
  readonly sync: SyncState;
  readonly setup: Setup;
};

/** What became of one page. */
type PageOutcome =
  | { readonly is: 'content'; readonly content: PageContent; readonly page: FetchedPage }
  | { readonly is: 'refused'; readonly refusal: Refusal };

/** Fetches the pages of some tasks of one block, commits them together, and says what becomes of each message. */
export async function fetchPages(
  invocation: Invocation,
  received: readonly PagesTask[],
  given: Pick<BlockRun, 'account' | 'sync'>,
): Promise<Map<string, Outcome>> {
  const [first] = received;
  if (first === undefined) return new Map();
  const { node: path } = first.task;
  const ref = refOf(first.task);
  const block = await readNode(invocation, ref, path);
  const up = parentOf(path);
  const listing = up && (await readNode(invocation, ref, up.parent));
  if (block?.kind === 'block' && listing?.kind === 'group' && up !== undefined) {
    // Others are listed in this listing's place. Whoever put them there may have died of it.
    await settle(invocation, ref, up.parent, listing, true);
    return allDone(received);
  }
  if (block?.kind !== 'block' || listing?.kind !== 'listing') return allDone(received);

  const tasks = ownerOfPages(received, block);
  const what = listed(invocation, ref, listing);
  const meters = metersOf(given.account, what.name);
  const slots = { meters, patience: PATIENCE };
  const setup: Setup =
    tasks.size > 0 ? await setupOf(invocation, ref, what, given.account, slots) : { value: undefined };
  const run: BlockRun = { ...given, meters, ref, path, block, listing, listed: what, setup };
  if (isSuspicious(first) && tasks.size > 1) return splitUp(invocation, first, tasks.keys());
  const outcomes = await withoutRepeatsBehind(invocation, run, await fetchAll(invocation, run, tasks));
  const instead = listedInstead(invocation, run, tasks, outcomes);
  if (instead !== undefined && up !== undefined) {
    const requests = requestsOf(
      [...outcomes.values()].map((each) => (each.is === 'content' ? each.content : each.refusal)),
    );
    await listInstead(invocation, ref, up.parent, { node: listing, of: what.of }, instead, requests);
    return allDone(received);
  }
  const heal = received.some(({ receives }) => receives > 1) || tasks.size === 0;
  const after = await conclude(invocation, run, block, tasks, outcomes);
  await settle(invocation, ref, path, after, heal);
  return reportBack(invocation, run, received, tasks, outcomes);
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

/** Fetches pages, each when its slot has come. */
async function fetchAll(
  invocation: Invocation,
  run: BlockRun,
  tasks: ReadonlyMap<number, PagesTask>,
): Promise<Map<number, PageOutcome>> {
  const fetched = [...tasks].map(async ([page, task]): Promise<[number, PageOutcome]> => {
    if (attemptOf(task) > invocation.settings.ATTEMPTS) return [page, { is: 'refused', refusal: unsent(DIED) }];
    return [page, await fetchOne(invocation, run, page, task.task.refusals)];
  });
  // Nobody is left behind: whoever still waits for an answer holds a lane, and would never give it back.
  await Promise.allSettled(fetched);
  return endedBefore(invocation, run, withoutRepeats(new Map(await Promise.all(fetched))));
}

/** A page that is the one before it over again is none: some APIs repeat their last page for whoever asks beyond it. */
function withoutRepeats(outcomes: ReadonlyMap<number, PageOutcome>): Map<number, PageOutcome> {
  return new Map(
    [...outcomes].map(([index, outcome]) => {
      const before = outcomes.get(index - 1);
      if (outcome.is !== 'content' || before?.is !== 'content' || !isSame(before.content, outcome.content))
        return [index, outcome];
      return [index, { is: 'refused', refusal: refusePage(outcome.page, REPEATED) }];
    }),
  );
}

/**
 * Behind the pages that a total announces, an API may repeat the last one: then there is nothing behind it. Only here, where the total agrees, is
 * that known; anywhere else the API may just let nobody read on.
 */
async function withoutRepeatsBehind(
  invocation: Invocation,
  run: BlockRun,
  outcomes: ReadonlyMap<number, PageOutcome>,
): Promise<Map<number, PageOutcome>> {
  const { listing, path, ref } = run;
  const behind = listing.announced;
  const found = behind === undefined ? undefined : outcomes.get(behind);
  if (behind === undefined || found?.is !== 'content' || found.content.fetched === 0) return new Map(outcomes);
  const [, fetched, first, last] =
    (await readEntry(invocation, ref, parentOf(path)?.parent ?? '', listing, behind - 1)) ?? [];
  const repeats = fetched === found.content.fetched && first === found.content.first && last === found.content.last;
  return repeats
    ? new Map(outcomes).set(behind, readPage(invocation, run, behind, nothing(invocation, found.page)))
    : new Map(outcomes);
}

/** Behind a page that is not full nothing is left, and an API may as well say that there is no such page. */
function endedBefore(
  invocation: Invocation,
  run: BlockRun,
  outcomes: ReadonlyMap<number, PageOutcome>,
): Map<number, PageOutcome> {
  const { paging } = run.listed.stream;
  const full = run.listing.size ?? ('size' in paging ? paging.size : 1);
  const short = [...outcomes].flatMap(([index, each]) =>
    each.is === 'content' && each.content.fetched < full ? index : [],
  );
  const end = Math.min(run.listing.end ?? Number.POSITIVE_INFINITY, ...short);
  // One that begins with the last record is refused because it lies too far, as long as nothing was deleted. Narrower slices show it.
  const tooFar = cut(run.listed, run.listing) === undefined ? undefined : run.block.first;
  return new Map(
    [...outcomes].map(([index, each]) =>
      each.is === 'refused' && index > end && index !== tooFar && isNoPage(each.refusal)
        ? [index, readPage(invocation, run, index, nothing(invocation, each.refusal))]
        : [index, each],
    ),
  );
}

const isNoPage = ({ heals, exchange }: Refusal): boolean => !heals && NO_SUCH_PAGE.has(exchange?.status ?? 0);

const isSame = (a: PageContent, b: PageContent): boolean =>
  b.fetched > 0 && a.fetched === b.fetched && a.first === b.first && a.last === b.last;

const REPEATED: Reason = { code: 'repeated-page', message: 'the page is the one before it over again' };

async function fetchOne(invocation: Invocation, run: BlockRun, index: number, refusals: number): Promise<PageOutcome> {
  const { listed, account, meters, block, listing, setup } = run;
  const { stream, slice } = listed;
  const at = numberedPage(stream.paging, index, listing.size, tailOf(block));
  const owes = (total: number | undefined): boolean => owesRecords(stream, listing, index, total);
  const kept = await readKept(invocation, run.ref, parentOf(run.path)?.parent ?? run.path, index, { stream, owes });
  const outcome = kept && readPage(invocation, run, index, kept);
  if (outcome?.is === 'content') return outcome;
  const result = await fetchPage(invocation, {
    ...{ account, stream, slice, setup, meters, patience: PATIENCE },
    ...{ first: index === 0, refusals, at, owes },
  });
  if ('refusal' in result && !isBehind(listing, index, result.refusal))
    return { is: 'refused', refusal: result.refusal };
  return readPage(invocation, run, index, 'refusal' in result ? nothing(invocation, result.refusal) : result.page);
}

function readPage(invocation: Invocation, { listed }: BlockRun, index: number, page: FetchedPage): PageOutcome {
  const overlaps = listed.stream.paging.kind === 'offsets' && index > 0;
  const content = readRecords(page, index, { listed, mode: invocation.settings.SCHEMA_MODE, overlaps });
  return 'code' in content ? { is: 'refused', refusal: refusePage(page, content) } : { is: 'content', content, page };
}

/** Behind the pages that a total announces, an API may as well say that there is no such page. */
const isBehind = ({ announced }: Listing, index: number, refusal: Refusal): boolean =>
  announced !== undefined && index >= announced && isNoPage(refusal);

/** A page without records, by a refusal that says so. */
const nothing = ({ clock, connector }: Invocation, { exchange }: Pick<Refusal, 'exchange'>): FetchedPage => ({
  reply: { status: 204, header: () => undefined, body: undefined },
  ...{ records: [], total: undefined, estimate: undefined, ambiguous: new Map(), empty: true, url: '' },
  answeredAt: clock.now(),
  exchange: exchange ?? {
    ...{ request: '', asked: '', answer: undefined, status: undefined, requests: 0, evidence: () => '' },
    redaction: { secrets: [], paths: connector.redact },
  },
});

/** An empty page is no end while a total says that records belong on it: the page's own total, else the one announced. */
function owesRecords({ paging }: Stream, listing: Listing, index: number, total: number | undefined): boolean {
  if (paging.kind !== 'pages' && paging.kind !== 'offsets') return false;
  if (total !== undefined) return hasRecords(paging.kind, listing.size ?? paging.size, index, total);
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
  await keepKinds(
    invocation,
    run.ref,
    refused.map(({ refusal }) => refusal),
  );
  const final = refused.filter(({ task, refusal }) => task !== undefined && isFinal(invocation, task, refusal));
  const answered = refused.filter(({ refusal }) => refusal.exchange !== undefined);
  if (answered.length > 0) after = await count(invocation, run, after, answered, refused.length - final.length);
  for (const { page, refusal, task } of final) {
    if (task !== undefined) await setAside(invocation, task.task, page, refusal, attemptOf(task));
    const failed = await failPage(invocation, run.ref, run.path, page);
    if (failed.item?.kind === 'block') after = failed.item;
  }
  return after;
}

/** What APIs give for a page that they do not let be read, if they do not refuse it. */
const BEYOND: ReadonlySet<string> = new Set(['empty-page', 'repeated-page']);

/**
 * Whether other slices have to be listed in this one's place: it is longer than the API lets be read, by what the first page tells or by how a
 * later page is refused.
 */
function listedInstead(
  invocation: Invocation,
  { listed, listing, block, sync }: BlockRun,
  tasks: ReadonlyMap<number, PagesTask>,
  outcomes: ReadonlyMap<number, PageOutcome>,
): Instead | undefined {
  const narrower = cut(listed, listing);
  if (narrower === undefined) return undefined;
  const first = outcomes.get(0);
  if (first?.is === 'content') {
    const { total, estimate, fetched } = first.content;
    const length = { stated: total ?? estimate, read: fetched, endsFull: false };
    return exceeds(limitOf(listed, sync), length) && keepsWindow(listed.slice, first.content) ? narrower : undefined;
  }
  const beyond = [...outcomes].filter(([index, outcome]) => {
    const task = tasks.get(index);
    if (outcome.is !== 'refused' || index === 0 || task === undefined) return false;
    const { refusal } = outcome;
    const refused = NO_SUCH_PAGE.has(refusal.exchange?.status ?? 0) || BEYOND.has(refusal.reason.code);
    return refused && isFinal(invocation, task, refusal);
  });
  if (beyond.length === 0) return undefined;
  const { paging } = listed.stream;
  const size = listing.size ?? ('size' in paging ? paging.size : 1);
  const tail = tailOf(block) ?? { first: 0, offset: 0 };
  return { ...narrower, limit: tail.offset + (Math.min(...beyond.map(([index]) => index)) - tail.first) * size };
}

/** Whether a refusal ends a page: it cannot heal, or had every chance to. */
const isFinal = ({ settings }: Invocation, task: PagesTask, { heals, excused }: Refusal): boolean =>
  !heals || (excused === undefined && attemptOf(task) >= settings.ATTEMPTS);

/**
 * Tells the listing what these pages show of its extent: how many pages the first one's total announces, and where a short page
 * was seen. Only a page that is committed says so: what a read that came to nothing saw may be long out of date. If who reads dies
 * before it, whoever opens the next pages reads it from the part.
 */
async function noteExtent(invocation: Invocation, run: BlockRun, contents: readonly PageContent[]): Promise<void> {
  const { paging } = run.listed.stream;
  if (paging.kind !== 'pages' && paging.kind !== 'offsets') return;
  const path = parentOf(run.path)?.parent ?? '';
  const first = contents.find(({ index }) => index === 0);
  const told = first && tellsOf(paging, first);
  if (first !== undefined && told !== undefined) {
    const stray = keepsWindow(run.listed.slice, first) ? {} : { stray: true };
    // Only as long as nothing else is open: pages that were asked for by another size would not fit.
    await updateNode(invocation, run.ref, path, { set: { told: true, ...told, ...stray } }, [{ equal: ['opened', 1] }]);
    if (told.announced !== undefined)
      invocation.log.info('planned', { ...run.ref, pages: told.announced, records: first.total ?? 0 });
  }
  const size = (told ?? run.listing).size ?? paging.size;
  const short = contents.filter(({ fetched }) => fetched < size).map(({ index }) => index);
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
    { delete: { open: new Set(pages) }, add: { parts: new Set([part.id]), requests: requestsOf(rest) } },
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
    requests: requestsOf(refused.map(({ refusal }) => refusal)),
    throttled: refused.filter(({ refusal }) => refusal.throttled).length,
    retried,
  };
  const written = await updateNode(invocation, run.ref, run.path, { add });
  return written.item?.kind === 'block' ? written.item : block;
}

/**
 * What becomes of each message. It is done when none of its pages is left to it. Pages that failed and may heal bring it back when
 * its visibility ends. Pages that had no slot, or no time, go on in fresh copies, which carry the attempts on and add
 * none; then those that failed do as well, so that no page is asked for by two messages.
 */
async function reportBack(
  invocation: Invocation,
  run: BlockRun,
  received: readonly PagesTask[],
  owners: ReadonlyMap<number, PagesTask>,
  outcomes: ReadonlyMap<number, PageOutcome>,
): Promise<Map<string, Outcome>> {
  const reported = new Map<string, Outcome>(received.map(({ id }) => [id, 'done'] as const));
  const excused: Left[] = [];
  for (const each of received) {
    const left = [...outcomes].flatMap(([page, outcome]): Left[] =>
      outcome.is === 'refused' && owners.get(page) === each && !isFinal(invocation, each, outcome.refusal)
        ? [{ page, owner: each, refusal: outcome.refusal }]
        : [],
    );
    const failed = left.filter(({ refusal }) => refusal.excused === undefined);
    // One draw for the message: the longest of several would be no full jitter.
    const advised = Math.max(0, ...failed.map(({ refusal }) => refusal.wait ?? 0));
    const wait = backoff(attemptOf(each), invocation.random.number(), advised);
    if (failed.length === left.length) {
      if (failed.length > 0) reported.set(each.id, { later: wait });
      continue;
    }
    excused.push(...left.filter((one) => !failed.includes(one)));
    if (failed.length > 0) {
      const tasks = copies(run, failed, (task) => ({ ...task, attempts: attemptOf(each) }));
      await postpone(invocation, run.ref, run.meters, tasks, Math.min(wait, LONGEST_DELAY));
    }
  }
  for (const group of Map.groupBy(excused, ({ owner, refusal }) => `${owner.id} ${refusal.throttled}`).values()) {
    const [first] = group;
    if (first === undefined) continue;
    const { owner, refusal } = first;
    const carried = { attempts: attemptOf(owner) - 1, refusals: refusal.throttled ? owner.task.refusals + 1 : 0 };
    const tasks = copies(run, group, (task) => ({ ...task, ...carried }));
    await postpone(invocation, run.ref, run.meters, tasks, Math.max(...group.map((one) => one.refusal.excused ?? 0)));
  }
  return reported;
}

/** A page that is left to be asked for again, by whoever asked for it. */
type Left = { readonly page: number; readonly owner: PagesTask; readonly refusal: Refusal };

const copies = (
  { ref, path }: BlockRun,
  left: readonly Left[],
  carry: (task: TaskOf<'pages'>) => TaskOf<'pages'>,
): Portion[] =>
  runs(
    left.map(({ page }) => page),
    TASK_PAGES,
  ).map((range) => ({
    task: carry(pagesTask(ref, path, range)),
    requests: range.to - range.from + 1,
  }));
