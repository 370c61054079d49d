import { cursorText } from './cursor-text.ts';
import { indexAt, listingOf, startOf } from './listing.ts';
import type { Received } from './places.ts';
import { type Answer, refusal } from './question.ts';
import type { replyMaker } from './reply-form.ts';
import type { Asked } from './request-form.ts';
import type { Listings, StreamModel } from './stream-model.ts';

/** Where the next URL of a chain of links points. */
export const NEXT_PATH = '/next-page';

/** 200 with a page, or 400 for one that there cannot be. The last page of a million records costs what the first one does. */
export function answerPage(
  stream: StreamModel,
  { paging, more, last }: Listings,
  asked: Asked,
  { url }: Received,
): Answer {
  const { name, records, newestFirst } = stream;
  const listing = listingOf(stream, asked);
  if (listing === undefined) return NO_PARENT;
  const start = startOf(stream, paging, listing, asked);
  if (start === undefined) return refusal(400, 'invalid_page', `This listing has no page "${asked.page}".`);

  const { total, from, to, of } = listing;
  const end = 'size' in paging ? Math.min(start + paging.size, total) : total;
  const position = newestFirst ? (at: number) => total - 1 - start - at : (at: number) => start + at;
  const cursor = cursorText({ stream: name, start: end, from, to, of });
  const next = paging.kind === 'links' ? `${url.origin}${NEXT_PATH}?cursor=${encodeURIComponent(cursor)}` : cursor;
  const shown = Array.from({ length: Math.max(0, end - start) }, (_, at) =>
    records.record(indexAt(listing, position(at))),
  );
  return { status: 200, ...(end < total ? more : last)({ records: shown, total, next }) };
}

/** How many records the listing has; as an estimate, in tens. */
export function answerCount(
  stream: StreamModel,
  reply: ReturnType<typeof replyMaker>,
  asked: Asked,
  exact: boolean,
): Answer {
  const listing = listingOf(stream, asked);
  if (listing === undefined) return NO_PARENT;
  const total = exact ? listing.total : Math.floor(listing.total / 10) * 10;
  return { status: 200, ...reply({ records: [], total, next: '' }) };
}

const NO_PARENT = refusal(404, 'no_such_parent', 'There is no such parent: it does not exist.');
