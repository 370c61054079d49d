import type { Paging } from '../connector/paging.ts';
import { SECOND } from '../time.ts';

/**
 * A numbered listing is read in blocks of pages. Pages are indexed from 0, whatever the API calls them. Blocks grow
 * by doubling up to 100 pages, so that the end of a listing of unknown length is overshot by little, and a known one
 * is soon read in large blocks.
 */

/** The largest block, in pages. */
export const BLOCK_PAGES = 100;
/** The most pages one task carries. */
export const TASK_PAGES = 10;
/** Pages in a block after the announced ones: only few records were added meanwhile, or left out of the total. */
const OVERSHOOT_PAGES = { pages: 1, offsets: 2 } as const;

/** First and last page index, both included. */
export type PageRange = { readonly from: number; readonly to: number };

/** What is known of a numbered listing. */
export type ListingExtent = {
  /** How many blocks have been opened. */
  readonly opened: number;
  /** How many of them are still open. */
  readonly outstanding: number;
  /** How many pages the opened blocks cover. */
  readonly covered: number;
  /** Pages that an earlier reading left; each range is a block, and these come first. */
  readonly again?: readonly PageRange[];
  /** How many pages the first page's total announced. */
  readonly announced?: number | undefined;
  /** More pages are not asked for, because the API does not let them be read. */
  readonly limited?: boolean;
  /** The greatest index of a page that came with records, where an earlier one was short or empty. */
  readonly filled?: number | undefined;
  /** The least index of a page that came with fewer records than asked for. */
  readonly end?: number | undefined;
  /** A page failed for good. */
  readonly broken: boolean;
  /** Nothing more is to be opened. */
  readonly stopped: boolean;
};

/** How much of a listing may be open at once, and how much of it one task carries. */
export type DispatchWindow = {
  /** Blocks, and pages in the largest of them. */
  readonly blocks: number;
  readonly blockPages: number;
  readonly taskPages: number;
};

/** A listing has at most this many milliseconds of slots dispatched: with more, other listings under the same limits would starve. */
const DISPATCHED = 8 * SECOND;
/** A task carries no more pages than may leave in so many milliseconds: what does not fit has to come back. */
const TASK_TIME = 2 * SECOND;

/**
 * The window of a listing. `spacing`: milliseconds between two of its requests, as its limits have it; 0: nothing limits them but the workers,
 * of which at most `concurrency` run at once. A new block is opened when one is done, so half of the window is always dispatched.
 * `answerTime`: milliseconds that a page is in flight, without blocking others. Workers may differ about it, so it decides how many blocks are
 * open, and never which pages are in them.
 */
export function dispatchWindowOf(spacing: number, concurrency: number, answerTime = 0): DispatchWindow {
  const blocks = 2 * concurrency;
  if (spacing === 0) return { blocks, blockPages: BLOCK_PAGES, taskPages: TASK_PAGES };
  const pages = Math.max(2, Math.min(DISPATCHED / spacing, blocks * BLOCK_PAGES));
  const blockPages = Math.min(BLOCK_PAGES, Math.floor(pages / 2));
  const underWay = (2 * answerTime) / spacing;
  return {
    blocks: Math.floor((pages + underWay) / blockPages),
    blockPages,
    taskPages: Math.max(1, Math.min(TASK_PAGES, Math.floor(TASK_TIME / spacing))),
  };
}

export type ListingStep = { readonly open: PageRange } | 'wait' | 'done';

/**
 * What a numbered listing does next. Within the announced pages up to a window's blocks are open at once. Where nothing
 * announces the end (no total, or one whose last page was full), one block at a time is opened until a short page has been
 * seen and, where no total announced it, a page after it too.
 */
export function nextListingStep(
  kind: 'pages' | 'offsets',
  extent: ListingExtent,
  { blocks, blockPages }: DispatchWindow,
): ListingStep {
  const { opened, outstanding, covered, again = [], announced, broken, stopped } = extent;
  if (stopped) return outstanding > 0 ? 'wait' : 'done';
  const left = again[opened];
  if (left !== undefined) return outstanding >= blocks ? 'wait' : { open: left };
  if (announced !== undefined && covered < announced) {
    if (outstanding >= blocks) return 'wait';
    return { open: { from: covered, to: Math.min(covered + Math.min(blockSize(opened), blockPages), announced) - 1 } };
  }
  if (outstanding > 0) return 'wait';
  if (broken || endIsSeen(kind, extent)) return 'done';
  const size = announced === undefined ? Math.min(blockSize(opened), blockPages) : OVERSHOOT_PAGES[kind];
  return { open: { from: covered, to: covered + size - 1 } };
}

/** So many pages that failed in blocks of which nothing came say something about the listing, and not about themselves. */
const FAILING_PAGES = 100;

/**
 * Whether a listing is not worth reading on: most pages that were asked for failed, block after block, though a total announced them. Some totals are
 * invented (the largest integer), or are more than the API lets be read. `barren`: pages of blocks of which none came.
 */
export const isMostlyFailing = ({ barren, covered }: { readonly barren: number; readonly covered: number }): boolean =>
  barren >= FAILING_PAGES && 2 * barren > covered;

const blockSize = (index: number): number => Math.min(2 ** index, BLOCK_PAGES);

function endIsSeen(
  kind: 'pages' | 'offsets',
  { announced, covered, end, filled = -2, limited }: ListingExtent,
): boolean {
  if (limited) return true;
  // A page with records after the last announced one shows that the total is wrong.
  if (kind === 'pages' && announced !== undefined && covered > announced) return true;
  if (end === undefined) return false; // R15
  // The end of offsets is proved by a page that begins with the last record.
  if (announced !== undefined) return true;
  return covered > filled + 1 && covered > (kind === 'offsets' && end > 0 ? end : end + 1);
}

/** The pages that a total announces. There is always a first page: it is the one that told the total. */
export function announcedPages(kind: 'pages' | 'offsets', size: number, total: number): number {
  return Math.max(1, Math.ceil(total / pageStride(kind, size)));
}

/** What the first page of a numbered listing tells of all of them. */
export type FirstPageInfo = {
  readonly announced?: number;
  readonly limited?: boolean;
  /** How many records a page has, where the first one has fewer than were asked for, and is not known to be the last. */
  readonly size?: number;
};

/** `max` of a paging: how many records the API lets be read. */
export function readFirstPage(
  { kind, size, max }: { kind: 'pages' | 'offsets'; size: number; max?: number | undefined },
  { fetched, total }: { fetched: number; total: number | undefined },
): FirstPageInfo {
  const short = fetched < size && fetched > 1 && (total === undefined || total > fetched);
  const most = max === undefined ? Number.POSITIVE_INFINITY : Math.ceil(max / size);
  const announced = total === undefined ? undefined : announcedPages(kind, short ? fetched : size, total);
  return {
    ...(short ? { size: fetched } : {}),
    ...(announced === undefined ? {} : { announced: Math.min(most, announced) }),
    ...(announced !== undefined && most < announced ? { limited: true } : {}),
  };
}

/** From the first record of a page to the first of the next. Offsets overlap by one record. */
export const pageStride = (kind: 'pages' | 'offsets', size: number): number => (kind === 'offsets' ? size - 1 : size);

/** Whether a total says that page `index` has records of its own. */
export const isWithinTotal = (kind: 'pages' | 'offsets', size: number, index: number, total: number): boolean =>
  index * pageStride(kind, size) < total;

/** Page indexes as runs of neighbours, each at most `longest` pages. */
export function toPageRanges(pages: Iterable<number>, longest: number): PageRange[] {
  const found: { from: number; to: number }[] = [];
  for (const page of [...pages].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last !== undefined && last.to === page - 1 && page - last.from < longest) last.to = page;
    else found.push({ from: page, to: page });
  }
  return found;
}

/** The most ranges that are written down: as text they stay under 4 KB. */
const WRITTEN_RANGES = 250;

/** Page ranges as a text, `3,17-20`, for an item that can hold no list. What is beyond its bound waits for the next time. */
export const writeRanges = (ranges: readonly PageRange[]): string =>
  ranges
    .slice(0, WRITTEN_RANGES)
    .map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`))
    .join(',');

export const readRanges = (text: string): PageRange[] =>
  text
    .split(',')
    .filter((range) => range !== '')
    .map((range) => {
      const [from = 0, to = from] = range.split('-').map(Number);
      return { from, to };
    });

/** How many indexes some ranges hold. */
export const rangeLength = (ranges: readonly PageRange[]): number =>
  ranges.reduce((all, { from, to }) => all + to - from + 1, 0);

/** `count` of the indexes that some ranges hold, after the first `skip`. */
export function indexesOf(ranges: readonly PageRange[], skip: number, count: number): number[] {
  const found: number[] = [];
  let passed = 0;
  for (const { from, to } of ranges) {
    const length = to - from + 1;
    for (let index = from + Math.max(0, skip - passed); index <= to && found.length < count; index++) found.push(index);
    passed += length;
  }
  return found;
}

/**
 * What a request is told about page `index`. `size`: how many records a page has, where the API gives fewer than it is asked for. `tail`: from
 * which page on, and from where, the offsets are counted, if not from the beginning.
 */
export function numberedPage(
  paging: Paging<unknown>,
  index: number,
  size?: number,
  tail: { readonly first: number; readonly offset: number } = { first: 0, offset: 0 },
): unknown {
  if (paging.kind === 'pages') return { number: paging.first + index, size: paging.size };
  if (paging.kind === 'offsets')
    return {
      offset: tail.offset + (index - tail.first) * pageStride('offsets', size ?? paging.size),
      size: paging.size,
    };
  throw new Error(`A listing by ${paging.kind} has no numbered pages.`);
}

/** Whether a listing that is done left pages unasked, because it was stopped or broke where its extent was unknown. */
export const isCutShort = ({ announced, covered, end, broken, stopped }: Omit<ListingExtent, 'outstanding'>): boolean =>
  (announced === undefined && end === undefined && broken) ||
  (stopped && (announced === undefined || covered < announced));
