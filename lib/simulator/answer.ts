import type { Credentials } from './credentials.ts';
import { cursorText, parseCursor } from './cursor-text.ts';
import { type Listing, listingOf, startOf } from './listing.ts';
import type { Model, StreamModel } from './model.ts';
import { notFoundMessage } from './not-found.ts';
import { type Places, placesOfReceived, type Received } from './places.ts';
import type { Asked } from './request-form.ts';

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** To be sent as JSON. */
  readonly body: unknown;
  /** The stream that was asked for; absent if no stream makes such a request. */
  readonly stream?: string;
};

/** Where the next URL of a chain of links points. */
const NEXT_PATH = '/next-page';

/**
 * What an honest API would answer: 200 with a page, 400 for a page that there cannot be, 401 for wrong credentials,
 * 404 for a request that no stream makes. The last page of a million records costs what the first one does.
 */
export function answer(model: Model, request: Received): Answer {
  const places = placesOfReceived(request, model.basePath);
  const found = linked(model, request.url) ?? declared(model, places);
  if (found === undefined) return refusal(404, 'not_found', notFoundMessage(model, places));
  const { stream, asked } = found;
  return { ...answerOf(stream, asked, request, model.credentials), stream: stream.name };
}

function answerOf(stream: StreamModel, asked: Asked, { url, headers }: Received, { header }: Credentials): Answer {
  if (header !== undefined && headers[header.name] !== header.value) {
    return refusal(401, 'unauthorized', `The header "${header.name}" is missing or wrong.`);
  }
  const listing = listingOf(stream, asked);
  const start = startOf(stream, listing, asked);
  if (start === undefined) return refusal(400, 'invalid_page', `This listing has no page "${asked.page}".`);
  return page(stream, listing, start, url.origin);
}

const refusal = (status: number, error: string, message: string): Answer => ({
  status,
  headers: {},
  body: { error, message },
});

type Found = { readonly stream: StreamModel; readonly asked: Asked };

/** What a link of an earlier page asks for. */
function linked({ streams }: Model, { pathname, searchParams }: URL): Found | undefined {
  const page = searchParams.get('cursor');
  if (pathname !== NEXT_PATH || page === null) return undefined;
  const name = parseCursor(page)?.stream;
  const stream = streams.find((one) => one.name === name && one.paging.kind === 'links');
  return stream && { stream, asked: { page } };
}

/** What a request asks for that a stream makes. */
function declared({ streams }: Model, places: Places): Found | undefined {
  for (const stream of streams) {
    for (const { read } of stream.forms) {
      const asked = read(places);
      if (asked !== undefined) return { stream, asked };
    }
  }
  return undefined;
}

function page(stream: StreamModel, listing: Listing, start: number, origin: string): Answer {
  const { name, paging, records, newestFirst, more, last } = stream;
  const { low, high, from, to } = listing;
  const total = high - low;
  const end = 'size' in paging ? Math.min(start + paging.size, total) : total;
  const index = newestFirst ? (at: number) => high - 1 - start - at : (at: number) => low + start + at;
  const cursor = cursorText({ stream: name, start: end, from, to });
  const next = paging.kind === 'links' ? `${origin}${NEXT_PATH}?cursor=${encodeURIComponent(cursor)}` : cursor;
  const shown = Array.from({ length: Math.max(0, end - start) }, (_, at) => records.record(index(at)));
  return { status: 200, ...(end < total ? more : last)({ records: shown, total, next }) };
}
