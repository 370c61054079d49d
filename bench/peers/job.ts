/** How the API of a run is paged. Every kind answers with `rows`. */
export type PagingKind =
  /** `page` and `size`; each answer states `total`, the number of records. */
  | 'pages'
  /** `offset` and `size`; each answer states `total`. */
  | 'offsets'
  /** `cursor`; each answer has `next`, `null` at the end. */
  | 'cursor'
  /** A `Link` header with `rel="next"`. */
  | 'links'
  /** One answer is the whole listing. */
  | 'one'
  /** `/parents` in numbered pages, and `/parents/:id/children`, one page for each parent. */
  | 'parents';

/** What a system is asked to do. Every program gets it as a JSON file, whose path is its first argument. */
export type Job = {
  /** Where the API is, without a slash at the end. */
  readonly url: string;
  /** The folder that the results go into. */
  readonly out: string;
  readonly paging: PagingKind;
  /** Records on a full page. */
  readonly size: number;
  /** The listings to read: `/rows`, or `/s1` to `/s20`. */
  readonly streams: readonly string[];
  /** `token`: OAuth client credentials at `/token`. */
  readonly auth: 'none' | 'token';
};

/** The client that `/token` knows. */
export const CLIENT = { id: 'bench', secret: 'bench-secret' } as const;
