import type * as z from 'zod';
import type { Raw, Reply, Request } from '../exchange.ts';
import type { Limit } from '../limits/limits.ts';
import type { BodyReader } from '../response/body.ts';
import type { Span } from '../time.ts';
import type { Asked } from './asked.ts';
import type { Paging } from './paging.ts';
import type { Since } from './since.ts';

/** `params`: the connection's parameters. `grant`: what the token response told (instance URL, cloud id). */
export type Account<P, G> = { params: P; grant: G };
/** Everything that varies from request to request. The window is `[from, to)`; a full sync begins at the stream's start. */
export type At<P, G, Page, Parent, Setup> = Account<P, G> &
  Asked<Page, Parent> & {
    setup: Setup;
  };

type Keys<R> = (keyof R & string) | readonly (keyof R & string)[];

/** One listing of an API. docs/connectors.md explains each field. */
export type StreamSpec<P, G, S extends z.ZodType, Page, Parent, Setup> = {
  /** Asked once per sync: field lists, describes. */
  setup?: { request: (at: Account<P, G>) => Request; read: (reply: Reply) => Setup };
  /** List once per record of a parent stream, or per `together` of them. */
  each?: {
    of: string;
    /** What its children are asked by; `null`: it has none. */
    pick: (record: Raw) => Parent | null;
    together?: number;
    /** The one parent that a connection is about, where its parameters name it: then none is looked for. */
    only?: (at: { params: P }) => Parent | undefined;
  };
  /** The whole request. It must use its `page`, and its `window` if the stream declares `since`. */
  request: (at: At<P, G, Page, Parent, Setup>) => Request;
  paging: Paging<Page>;
  /** What a body is read with that is no JSON (`headgate/readers`), before `records`, `total` and `next` see it. */
  read?: BodyReader;
  /** Where in the body the records are. `asked`: what the request was made for. */
  records: (body: Raw, asked: Asked<Page, Parent>) => readonly unknown[];
  /** A record that does not fit is quarantined (permissive) or fails its page (strict). */
  schema: S;
  /** The field or fields that identify a record. */
  key: Keys<z.output<S>>;
  /** What is delivered for a record; by default the record as its schema returns it. */
  map?: (record: z.output<S>, at: { parent: Parent }) => object;
  deleted?: (record: z.output<S>) => boolean;
  /** Incremental: a sync asks for what is new, by a date of the records, a number of theirs, or a token of the last page. */
  since?: Since<z.input<S>>;
  slices?: {
    width: Span;
    least: Span;
    /** How a slice of the least width is listed that is still longer than the API lets be read. */
    byKey?: {
      request: (at: At<P, G, { after: string | number | undefined; size: number }, Parent, Setup>) => Request;
      paging: Paging<{ after: string | number | undefined; size: number }>;
    };
  };
  /** How many records the listing has, as the page itself says. */
  total?: (reply: Reply) => number | string | null | undefined;
  count?: {
    request: (at: At<P, G, undefined, Parent, Setup>) => Request;
    read: (reply: Reply) => number;
    exact: boolean;
  };
  /** Lists inside of records that may be cut off, by their place, and the stream that lists them whole: `{ lines: 'invoiceLines' }`. */
  nested?: Readonly<Record<string, string>>;
  /**
   * How a listing whose records may move while they are read is looked at a second time: all of its pages, a sample (default), or none. With `none` its
   * verdict is UNKNOWN.
   */
  secondLook?: 'all' | 'sample' | 'none';
  /**
   * In which order the API lists. `by key`: by an immutable, unique key. Only then a keyset or a cursor that is followed to its end proves that nothing
   * is missing. `oldest first`, `newest first`: by a date, which may change.
   */
  order?: 'oldest first' | 'newest first' | 'by key';
  /** Limits of this stream alone, besides those of its connector. */
  limits?: readonly Limit[];
  /** What one request counts against limits in `points`, from 1 (default). */
  cost?: number;
  /** How long one answer may take, and how many bytes its body may have; by default as the connector says. */
  timeout?: Span;
  largest?: number;
  /** How often a sync of this stream starts; by default as the connector says. */
  schedule?: Span;
  full?: Span;
};

/** A stream whose types are forgotten: what the machinery works with. */
export type Stream = Omit<StreamSpec<Raw, Raw, z.ZodType<Raw, Raw>, Raw, Raw, Raw>, 'key' | 'records'> & {
  records: (body: Raw, asked?: Raw) => readonly unknown[];
  key: string | readonly string[];
  /** What is answered is no page of records: a 202 is an answer, too. */
  accepts?: boolean;
};
