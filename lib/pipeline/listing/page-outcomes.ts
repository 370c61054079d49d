import * as z from 'zod';
import { chainPage } from '../../core/listing/chain.ts';
import { isWithinTotal, numberedPage } from '../../core/listing/listing.ts';
import type { Reason } from '../../core/response/judge.ts';
import { atNode, type Invocation } from '../invocation.ts';
import { readKeptPage } from '../records/kept-page.ts';
import { type PageContent, readRecords } from '../records/read-records.ts';
import { askedOf, fetchPage, streamAsked } from '../requests/fetch-page.ts';
import { type FetchedPage, type PageRefusal, refusePage, unsentRefusal } from '../requests/fetched-page.ts';
import { parentOf } from '../store/sync-keys.ts';
import { type Listing, tailOf } from '../store/sync-state.ts';
import { attemptsExhausted, WORKER_DIED } from '../tasks/outcome.ts';
import { readPageEntry } from '../tree/read-parts.ts';
import { REFUSED_PAGE_STATUSES, splitWindow } from '../tree/replace-listing.ts';
import { type BlockRun, PAGE_PATIENCE, type PageOutcome } from './reading.ts';

/** Fetches pages, each when its slot has come. */
export async function fetchOutcomes(run: BlockRun): Promise<Map<number, PageOutcome>> {
  const fetched = [...run.tasks].map(async ([page, task]): Promise<[number, PageOutcome]> => {
    if (attemptsExhausted(run, task)) return [page, { is: 'refused', refusal: unsentRefusal(WORKER_DIED) }]; // R38
    return [page, await fetchOne(run, page, task.task.refusals)];
  });
  // All are waited for: one that still waits for an answer holds a lane, and would never give it back.
  await Promise.allSettled(fetched);
  const outcomes = new Map(await Promise.all(fetched));
  return run.block.look ? outcomes : treatMissingAsEnd(run, dropRepeatedPages(outcomes));
}

/** A page that is the one before it over again is none: some APIs repeat their last page for requests beyond it. */
function dropRepeatedPages(outcomes: ReadonlyMap<number, PageOutcome>): Map<number, PageOutcome> {
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
 * After the pages that a total announces, an API may repeat the last one: then there is nothing after it. Only here, where the total agrees, is
 * that known; anywhere else the API may just not let a client read on.
 */
export async function dropRepeatedTail(
  run: BlockRun,
  outcomes: ReadonlyMap<number, PageOutcome>,
): Promise<Map<number, PageOutcome>> {
  if (run.block.look) return new Map(outcomes);
  const { listing, path } = run;
  const past = listing.announced;
  const found = past === undefined ? undefined : outcomes.get(past);
  if (past === undefined || found?.is !== 'content' || found.content.fetched === 0) return new Map(outcomes);
  const [, fetched, first, last] =
    (await readPageEntry(atNode(run, parentOf(path)?.parent ?? ''), listing, past - 1)) ?? [];
  const repeats = fetched === found.content.fetched && first === found.content.first && last === found.content.last;
  return repeats ? new Map(outcomes).set(past, readPage(run, past, emptyPage(run, found.page))) : new Map(outcomes);
}

/** After a page that is not full nothing is left, and an API may as well say that there is no such page. */
function treatMissingAsEnd(run: BlockRun, outcomes: ReadonlyMap<number, PageOutcome>): Map<number, PageOutcome> {
  const { paging } = run.listed.stream;
  const full = run.listing.size ?? ('size' in paging ? paging.size : 1);
  const short = [...outcomes].flatMap(([index, each]) =>
    each.is === 'content' && each.content.fetched < full ? index : [],
  );
  const end = Math.min(run.listing.end ?? Number.POSITIVE_INFINITY, ...short);
  // One that begins with the last record is refused because it lies too far, as long as nothing was deleted. Narrower slices show it.
  const tooFar = splitWindow(run.listed, run.listing) === undefined ? undefined : run.block.first;
  return new Map(
    [...outcomes].map(([index, each]) =>
      each.is === 'refused' && index > end && index !== tooFar && isNoPage(each.refusal) // R18
        ? [index, readPage(run, index, emptyPage(run, each.refusal))]
        : [index, each],
    ),
  );
}

const isNoPage = ({ heals, exchange }: PageRefusal): boolean =>
  !heals && REFUSED_PAGE_STATUSES.has(exchange?.status ?? 0);

const isSame = (a: PageContent, b: PageContent): boolean =>
  b.fetched > 0 && a.fetched === b.fetched && a.first === b.first && a.last === b.last;

const REPEATED: Reason = { code: 'repeated-page', message: 'the page is the one before it over again' };

async function fetchOne(run: BlockRun, index: number, refusals: number): Promise<PageOutcome> {
  if (run.block.look) return lookAt(run, index, refusals);
  const { listed, account, meters, block, listing, setup, holding } = run;
  const { stream, slice } = listed;
  const at = numberedPage(stream.paging, index, listing.size, tailOf(block));
  const owes = (total: number | undefined): boolean => owesRecords(run, index, total);
  const kept = await readKeptPage(atNode(run, parentOf(run.path)?.parent ?? run.path), index, {
    stream: streamAsked(stream, askedOf(stream, slice, at)),
    owes,
  });
  const outcome = kept && readPage(run, index, kept);
  if (outcome?.is === 'content') return outcome;
  const result = await fetchPage(run, {
    ...{ account, stream, slice, setup, meters, patience: PAGE_PATIENCE },
    ...{ first: index === 0, refusals, at, owes, holding },
  });
  if (!('refusal' in result)) return readPage(run, index, result.page);
  const { refusal } = result;
  if (!isPastAnnouncedEnd(listing, index, refusal) && !isMissingPage(listing, index, refusal))
    return { is: 'refused', refusal };
  return readPage(run, index, { ...emptyPage(run, refusal), missing: refusal.exchange?.status });
}

/** Asks for a page again, to compare what it holds. Whatever it is, it speaks of the listing: an empty one, too. */
async function lookAt(run: BlockRun, index: number, refusals: number): Promise<PageOutcome> {
  const { listed, account, meters, listing, setup, holding } = run;
  const { stream, slice } = listed;
  const cursor = listing.cursors === undefined ? undefined : cursorsOf(listing.cursors)[index];
  const isNumbered = stream.paging.kind === 'pages' || stream.paging.kind === 'offsets';
  const result = await fetchPage(run, {
    ...{ account, stream, slice, setup, meters, patience: PAGE_PATIENCE, first: index === 0, refusals, holding },
    at: isNumbered ? numberedPage(stream.paging, index, listing.size) : chainPage(stream, cursor),
    ...(stream.paging.kind === 'links' && cursor !== undefined ? { url: cursor } : {}),
  });
  if ('refusal' in result) return { is: 'refused', refusal: result.refusal };
  const outcome = readPage(run, index, result.page);
  return outcome.is === 'content' ? { ...outcome, content: { ...outcome.content, look: true } } : outcome;
}

const cursorsOf = (text: string): Readonly<Record<string, string>> =>
  z.record(z.string(), z.string()).parse(JSON.parse(text));

function readPage(run: BlockRun, index: number, page: FetchedPage): PageOutcome {
  const overlaps = run.listed.stream.paging.kind === 'offsets' && index > 0;
  const content = readRecords(page, index, {
    ...{ listed: run.listed, mode: run.settings.SCHEMA_MODE, overlaps, startedAt: run.sync.to },
  });
  return 'code' in content ? { is: 'refused', refusal: refusePage(page, content) } : { is: 'content', content, page };
}

/** After the pages that a total announces, an API may as well say that there is no such page. */
const isPastAnnouncedEnd = ({ announced }: Listing, index: number, refusal: PageRefusal): boolean =>
  announced !== undefined && index >= announced && isNoPage(refusal);

/** Where no total tells the extent, a page that the API says does not exist is the end. One before pages with records is a hole, and the receipt says so. */
const isMissingPage = ({ announced }: Listing, index: number, { exchange }: PageRefusal): boolean =>
  announced === undefined && index > 0 && MISSING_PAGE_STATUSES.has(exchange?.status ?? 0);

/** Not Found and Gone (RFC 9110 sections 15.5.5, 15.5.11). */
const MISSING_PAGE_STATUSES: ReadonlySet<number> = new Set([404, 410]);

/** A page without records, by a refusal that says so. */
const emptyPage = ({ connector }: Invocation, { exchange }: Pick<PageRefusal, 'exchange'>): FetchedPage => ({
  reply: { status: 204, header: () => undefined, body: undefined },
  ...{ records: [], total: undefined, estimate: undefined, ambiguous: new Map(), empty: true, url: '' },
  lag: 0,
  exchange: exchange ?? {
    ...{ request: '', asked: '', answer: undefined, status: undefined, requests: 0, keptText: () => '' },
    redaction: { secrets: [], paths: connector.redact },
  },
});

/** An empty page is no end while a total says that records belong on it: the page's own total, else the one announced. */
function owesRecords({ listed, listing }: BlockRun, index: number, total: number | undefined): boolean {
  const { paging } = listed.stream;
  if (paging.kind !== 'pages' && paging.kind !== 'offsets') return false;
  if (total !== undefined) return isWithinTotal(paging.kind, listing.size ?? paging.size, index, total);
  return listing.announced !== undefined && index < listing.announced - 1;
}
