import * as z from 'zod';

/**
 * What a page that came says against its listing: it leads on unread, its end is only inferred, its lists are cut off. The page's records are delivered; the
 * verdict of the sync takes the doubt into account.
 */
export const pageDoubt = z.object({
  code: z.enum([
    'unread-next',
    'end-inferred',
    'broken-promise',
    'partial',
    'limit',
    'nested',
    'missing-page',
    'recovered',
  ]),
  /** The place in the body, the header or the status that says so. */
  detail: z.string(),
  /** Index of the page, from 0. */
  page: z.int(),
  /** Of `nested`: how many records of the page have it. */
  records: z.int().optional(),
});
export type PageDoubt = z.output<typeof pageDoubt>;

/** A place of a body can be long; a doubt stands in an item. */
const LONGEST_DETAIL = 120;

export const doubt = (code: PageDoubt['code'], detail: string, page: number, records?: number): PageDoubt => ({
  code,
  detail: detail.slice(0, LONGEST_DETAIL),
  page,
  ...(records === undefined ? {} : { records }),
});

/** So many doubts of one part are written down: more of the same kind say nothing new. */
const MOST_WRITTEN = 20;
const doubts = z.array(pageDoubt);

export const writeDoubts = (all: readonly PageDoubt[]): string => JSON.stringify(all.slice(0, MOST_WRITTEN));
export const readDoubts = (text: string): readonly PageDoubt[] => doubts.parse(JSON.parse(text));
