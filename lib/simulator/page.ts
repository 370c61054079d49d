import { cursorText } from './cursor-text.ts';
import { type Answer, type Received, refusal } from './exchange.ts';
import { cursorOf, indexAt, type Listing, listingOf, startOf } from './listing.ts';
import type { replyMaker } from './reply-form.ts';
import type { Asked } from './request-form.ts';
import type { Listings, StreamModel } from './stream-model.ts';
import type { Twist } from './trouble.ts';

/** Where the next URL of a chain of links points. */
export const NEXT_PATH = '/next-page';

/** 200 with a page, or 400 for one that there cannot be. The last page of a million records costs what the first one does. */
export function answerPage(
  stream: StreamModel,
  { paging, more, last }: Listings,
  asked: Asked,
  { url }: Received,
  twist: Twist,
): Answer {
  const listing = listingOf(stream, asked, twist);
  if (listing === undefined) return twist.vanished?.answer ?? NO_PARENT;
  const size = Math.max(
    1,
    Math.min('size' in paging ? paging.size : listing.total, twist.cap ?? Number.POSITIVE_INFINITY),
  );
  const start = startOf(stream, { paging, size }, listing, asked);
  const { most, refuses } = limitOf(paging, twist);
  const reach = Math.min(listing.total, most);
  if (start === undefined || (refuses && start >= most)) {
    return refusal(400, 'invalid_page', `This listing has no page "${asked.page}".`);
  }

  const { instead, shows, back } = twist.page?.(Math.floor(start / size)) ?? {};
  if (instead !== undefined) return instead;
  const here = cursorOf(stream, asked);
  const shown = Math.max(0, Math.min(size, reach - start));
  const end = start + (here?.past ? shown : partOf(shown, shows));
  const rows = Array.from({ length: end - start }, (_, at) =>
    stream.records.record(recordAt(stream, listing, start + at)),
  );
  const total = twist.total === undefined ? listing.total : twist.total(listing.total);
  if (end >= (refuses ? listing.total : reach)) return { status: 200, ...last({ records: rows, total, next: '' }) };

  const { from, to, of } = listing;
  const next = { stream: stream.name, start: recordAt(stream, listing, back ? size : end), from, to, of };
  const cursor = cursorText(end === start ? { ...next, past: true } : next);
  const link = `${url.origin}${NEXT_PATH}?cursor=${encodeURIComponent(cursor)}`;
  return { status: 200, ...more({ records: rows, total, next: paging.kind === 'links' ? link : cursor }) };
}

/** How many records of a listing can be read, and whether what is behind them is refused, or is not there. */
function limitOf(paging: Listings['paging'], { limit }: Twist): { readonly most: number; readonly refuses: boolean } {
  if (limit !== undefined) return { most: limit.records, refuses: limit.by === '400' };
  return { most: ('max' in paging ? paging.max : undefined) ?? Number.POSITIVE_INFINITY, refuses: true };
}

const partOf = (shown: number, shows: 'nothing' | 'half' | undefined): number =>
  shows === 'nothing' ? 0 : shows === 'half' ? Math.ceil(shown / 2) : shown;

/** Index of the record at a position of the listing, in the order in which the API lists. */
const recordAt = ({ newestFirst }: StreamModel, listing: Listing, position: number): number =>
  indexAt(listing, newestFirst ? listing.total - 1 - position : position);

/** How many records the listing has; as an estimate, in tens. */
export function answerCount(
  stream: StreamModel,
  reply: ReturnType<typeof replyMaker>,
  asked: Asked,
  exact: boolean,
  twist: Twist,
): Answer {
  const listing = listingOf(stream, asked, twist);
  if (listing === undefined) return twist.vanished?.answer ?? NO_PARENT;
  const honest = exact ? listing.total : Math.floor(listing.total / 10) * 10;
  const total = twist.total === undefined ? honest : twist.total(honest);
  return { status: 200, ...reply({ records: [], total, next: '' }) };
}

const NO_PARENT = refusal(404, 'no_such_parent', 'There is no such parent: it does not exist.');
