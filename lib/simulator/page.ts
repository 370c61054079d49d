import { cursorText } from './cursor-text.ts';
import { type Answer, type Received, refusal } from './exchange.ts';
import { cursorOf, indexAt, type Listing, listingOf, startOf } from './listing.ts';
import type { replyMaker } from './reply-form.ts';
import type { Asked } from './request-form.ts';
import type { Holdings, Way } from './stream-model.ts';
import type { PageTwist, Twist } from './trouble.ts';

/** Where the next URL of a chain of links points. */
export const NEXT_PATH = '/next-page';

/** 200 with a page, or 400 for one that there cannot be. The last page of a million records costs what the first one does. */
export function answerPage(
  held: Holdings,
  { paging, more, last }: Way,
  asked: Asked,
  { url }: Received,
  twist: Twist,
): Answer {
  const listing = listingOf(held, asked, twist);
  if (listing === undefined) return twist.vanished?.answer ?? NO_PARENT;
  const { cap = Number.POSITIVE_INFINITY } = twist;
  const size = Math.max(1, Math.min('size' in paging ? paging.size : listing.total, cap));
  const start = startOf(held, { paging, size }, listing, asked);
  const { most, refuses } = limitOf(paging, twist);
  if (start === undefined || (refuses && start >= most))
    return refusal(400, 'invalid_page', `This listing has no page "${asked.page}".`);

  const { instead, shows, back } = twist.page?.(pageAt(paging, size, start)) ?? {};
  if (instead !== undefined) return instead;
  // A page that reaches over the limit is given whole where the pages after it are refused.
  const full = Math.max(0, Math.min(size, listing.total - start, refuses ? size : most - start));
  const end = start + partOf(full, cursorOf(held, asked)?.past ? undefined : shows);
  const rows = Array.from({ length: end - start }, (_, at) => held.records.record(recordAt(held, listing, start + at)));
  const told = { records: rows, total: twist.total === undefined ? listing.total : twist.total(listing.total) };
  if (end >= Math.min(listing.total, refuses ? listing.total : most))
    return { status: 200, ...last({ ...told, next: '' }) };

  const next = {
    stream: held.name,
    ...listing,
    start: recordAt(held, listing, back ? Math.min(size, listing.total - 1) : end),
    past: end === start,
  };
  const link = `${url.origin}${NEXT_PATH}?cursor=${encodeURIComponent(cursorText(next))}`;
  return { status: 200, ...more({ ...told, next: paging.kind === 'links' ? link : cursorText(next) }) };
}

/** What is answered about a job. */
export type JobReplies = Readonly<Record<'started' | 'ready', ReturnType<typeof replyMaker>>> & {
  readonly waits: ReturnType<typeof replyMaker> | undefined;
};

/**
 * Starts a job, or says where its file lies. Its id is the cursor of the listing that it is to write: so nothing has to be remembered. The file is what a link leads to.
 */
export function answerJob(
  held: Holdings,
  { started, waits, ready }: JobReplies,
  asked: Asked,
  { url }: Received,
  twist: Twist,
): Answer {
  if (asked.page === undefined) {
    const listing = listingOf(held, asked, twist);
    if (listing === undefined) return twist.vanished?.answer ?? NO_PARENT;
    return { status: 200, ...started(whereOf(cursorText({ stream: held.name, ...listing, start: 0 }))) };
  }
  if (cursorOf(held, asked) === undefined) return refusal(404, 'no_such_job', `There is no job "${asked.page}".`);
  if (twist.waits === true && waits !== undefined) return { status: 200, ...waits(whereOf('')) };
  return { status: 200, ...ready(whereOf(`${url.origin}${NEXT_PATH}?cursor=${encodeURIComponent(asked.page)}`)) };
}

const whereOf = (next: string) => ({ records: [next], total: 1, next });

/** Index of the page that begins after this many records. Pages of offsets overlap by one record; other offsets begin no page. */
function pageAt({ kind }: Way['paging'], size: number, start: number): number {
  if (kind !== 'offsets') return Math.floor(start / size);
  const index = start / Math.max(1, size - 1);
  return Number.isInteger(index) ? index : -1;
}

/** How many records of a listing can be read, and whether the rest is refused, or is not there. */
function limitOf(paging: Way['paging'], { limit }: Twist): { readonly most: number; readonly refuses: boolean } {
  if (limit !== undefined) return { most: limit.records, refuses: limit.by === '400' };
  return { most: ('max' in paging ? paging.max : undefined) ?? Number.POSITIVE_INFINITY, refuses: true };
}

function partOf(full: number, shows: PageTwist['shows']): number {
  if (shows === 'nothing') return 0;
  return shows === 'half' ? Math.ceil(full / 2) : full;
}

/** Index of the record at a position of the listing, in the order in which the API lists. */
const recordAt = ({ newestFirst }: Holdings, listing: Listing, position: number): number =>
  indexAt(listing, newestFirst ? listing.total - 1 - position : position);

/** How many records the listing has; as an estimate, in tens. */
export function answerCount(
  held: Holdings,
  { reply, exact }: { readonly reply: ReturnType<typeof replyMaker>; readonly exact: boolean },
  asked: Asked,
  twist: Twist,
): Answer {
  const listing = listingOf(held, asked, twist);
  if (listing === undefined) return twist.vanished?.answer ?? NO_PARENT;
  const honest = exact ? listing.total : Math.floor(listing.total / 10) * 10;
  const total = twist.total === undefined ? honest : twist.total(honest);
  return { status: 200, ...reply({ records: [], total, next: '' }) };
}

const NO_PARENT = refusal(404, 'no_such_parent', 'There is no such parent: it does not exist.');
