import type { Raw, Reply } from '../exchange.ts';
import { nextLink } from '../response/links.ts';
import type { Span } from '../time.ts';
import type { Asked } from './asked.ts';

/** How a listing is cut into pages. `Page` is what a request is told about the page it is to ask for. */
export type Paging<Page> = PagingData & {
  /** Types only: never set. */
  readonly page?: (page: Page) => void;
};

type PagingData =
  | { readonly kind: 'one' }
  | { readonly kind: 'pages'; readonly size: number; readonly first: 0 | 1; readonly max?: number }
  | { readonly kind: 'offsets'; readonly size: number; readonly max?: number }
  | {
      readonly kind: 'cursor';
      readonly size: number;
      readonly next: (reply: Reply, asked?: Raw) => string | null | undefined;
      readonly max?: number;
      readonly expires?: Span;
      readonly sparse?: boolean;
    }
  | {
      readonly kind: 'links';
      readonly size: number;
      readonly next: (reply: Reply, asked?: Raw) => string | undefined;
      readonly expires?: Span;
      readonly sparse?: boolean;
    }
  | {
      readonly kind: 'keyset';
      readonly size: number;
      readonly after: (last: Raw) => string | number;
      readonly more: (reply: Reply, asked?: Raw) => boolean;
    }
  | JobPaging;

/** How a job is told: what starts it, when it is ready, and where its files are. */
export type JobPaging = {
  readonly kind: 'job';
  readonly start: (reply: Reply, asked?: Raw) => string | number;
  readonly ready: (reply: Reply, asked?: Raw) => boolean;
  readonly files: (reply: Reply, asked?: Raw) => readonly string[];
  readonly every: Span;
  readonly within: Span;
};

type CursorPage = { cursor: string | undefined; size: number };
type JobPage = { job: string | undefined };
type KeysetPage = { after: string | number | undefined; size: number };

/** The whole listing is one response. */
export const one = (): Paging<undefined> => ({ kind: 'one' });

/**
 * Numbered pages, fetched in parallel. `size`: records asked for per page. `first`: the number of the first page
 * (default 1). With a `total` the pages are known at once; without one they are opened by doubling until one is empty.
 */
export const pages = (o: { size: number; first?: 0 | 1; max?: number }): Paging<{ number: number; size: number }> => ({
  kind: 'pages',
  first: 1,
  ...o,
});

/**
 * Offsets, fetched in parallel. `size` (at least 2): records asked for per page. Neighbouring pages overlap by one
 * record, which proves that nothing moved between them; the repeat is dropped.
 */
export const offsets = (o: { size: number; max?: number }): Paging<{ offset: number; size: number }> => ({
  kind: 'offsets',
  ...o,
});

/**
 * A cursor that each page gives for the next one. `next` returns nothing (`null`, `undefined` or `''`) at the end. `sparse`: the API filters what
 * it pages through, so a page may have no records although others follow (https://google.aip.dev/158). Default: that is a hole.
 */
export const cursor = (o: {
  size: number;
  next: (reply: Reply, asked: Asked<CursorPage, Raw>) => string | null | undefined;
  max?: number;
  expires?: Span;
  sparse?: boolean;
}): Paging<CursorPage> => ({ kind: 'cursor', ...o });

/** A URL that each page gives for the next one; by default the `Link` header's `rel="next"` (RFC 8288). It must stay on the API's origin. `sparse`: as of a cursor. */
export const links = (o: {
  size: number;
  next?: (reply: Reply, asked: Asked<{ size: number }, Raw>) => string | undefined;
  expires?: Span;
  sparse?: boolean;
}): Paging<{ size: number }> => ({ kind: 'links', next: linkHeaderNext, ...o });

/** The next link of a `Link` header (RFC 8288): what `links()` reads where it is given no function of its own. */
export const linkHeaderNext = (reply: Reply): string | undefined => nextLink(reply.header('link'));

/** The next page begins after the last record of this one. `more` says whether there is one. */
export const keyset = (o: {
  size: number;
  after: (last: Raw) => string | number;
  more: (reply: Reply, asked: Asked<KeysetPage, Raw>) => boolean;
}): Paging<KeysetPage> => ({ kind: 'keyset', ...o });

/**
 * A job, for each slice: the first request starts it (`page.job` is absent), and `start` reads its id from the answer. Then it is asked for by that id, `every`
 * so long (default 30 seconds), until `ready`; `files` are the URLs of what it made. They are fetched in parallel, without credentials where they lie on another origin,
 * and `records` reads each. A job that is not ready `within` a day (default) is given up.
 */
export const job = (o: {
  start: (reply: Reply, asked: Asked<JobPage, Raw>) => string | number;
  ready: (reply: Reply, asked: Asked<JobPage, Raw>) => boolean;
  files: (reply: Reply, asked: Asked<JobPage, Raw>) => readonly string[];
  every?: Span;
  within?: Span;
}): Paging<JobPage> => ({ kind: 'job', every: '30 seconds', within: '1 day', ...o });

/** Whether a page without records may lead on. */
export const isSparse = (paging: PagingData): boolean => 'sparse' in paging && paging.sparse === true;

/** What people call page `index` (from 0): the API's own number, or its place counted from 1. */
export const pageNumber = (paging: PagingData, index: number): number =>
  index + (paging.kind === 'pages' ? paging.first : 1);
