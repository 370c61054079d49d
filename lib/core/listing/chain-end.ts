import * as z from 'zod';
import { linkHeaderNext } from '../connector/paging.ts';
import type { Stream } from '../connector/stream.ts';
import type { Reply } from '../exchange.ts';
import { writeJson } from '../response/json.ts';
import { nextLink } from '../response/links.ts';
import { readMoreWord } from '../response/more-word.ts';
import { findUnreadNext } from '../response/unread-next.ts';
import type { ChainStep } from './chain.ts';
import { type CursorNature, cursorNature } from './counting-cursor.ts';
import { doubt, type PageDoubt } from './page-doubts.ts';

/** What a chain remembers of its pages so far, for the page that may be its last. */
export const chainTrail = z.object({
  /** Records of its longest page: where an API caps a page below the size asked for, this is a full one. */
  longest: z.int().default(0),
  /** The last page said in words that there is more. */
  promised: z.boolean().default(false),
  /** By keyset: what leads to the page after the last record but one, should the row of the last one be deleted. */
  before: z.string().optional(),
  /** That way was tried. */
  retried: z
    .boolean()
    .default(false) /** What its cursors are, as far as they tell (core/listing/counting-cursor.ts). */,
  nature: z.enum(['counts', 'opaque']).optional(),
  /** A page that led on gave a token for the next sync: then a token is no sign of the last page. */
  tokens: z.boolean().optional(),
});
export type ChainTrail = z.output<typeof chainTrail>;
export const NO_TRAIL: ChainTrail = chainTrail.parse({});

export const writeTrail = (trail: ChainTrail): string => JSON.stringify(trail);
export const readTrail = (text: string | undefined): ChainTrail =>
  text === undefined ? NO_TRAIL : chainTrail.parse(JSON.parse(text));

/** A page of a chain that came, and where it says that the chain goes. */
export type ChainPage = {
  readonly stream: Stream;
  readonly step: Exclude<ChainStep, { is: 'stuck' }>;
  readonly reply: Reply;
  readonly records: readonly unknown[];
  /** From 0. */
  readonly index: number;
  /** What led to the page: its cursor, none for the first one, and its URL. */
  readonly cursor: string | undefined;
  readonly url: string;
  /** Records of the chain so far, this page included. */
  readonly read: number;
};

/** Where the chain goes: on by a cursor, or it ends, with what speaks against that. */
export type ChainDecision = {
  readonly cursor: string | undefined;
  readonly doubts: readonly PageDoubt[];
  readonly trail: ChainTrail;
};

/**
 * Decides whether a chain ends with a page. An end that contradicts the page before is looked at again from the last record but one. A page by keyset that
 * is shorter than asked for, and says that there is no more only by its length, is not believed: one page after its last record is asked for.
 */
export function decideChainEnd(page: ChainPage, trail: ChainTrail): ChainDecision {
  const { stream, step, reply, records, index } = page;
  if (step.is === 'next') return { cursor: step.cursor, doubts: [], trail: trailAfter(page, step.cursor, trail) };
  const another = anotherWay(page, trail);
  if (another !== undefined)
    return {
      cursor: another,
      doubts: [doubt('recovered', 'asked again from the record before', index)],
      trail: { ...trail, retried: true, promised: false },
    };
  const probe = probeCursor(page);
  if (probe !== undefined) return { cursor: probe, doubts: [], trail: trailAfter(page, probe, trail) };
  return { cursor: undefined, doubts: endDoubts(page, trail), trail };

  function endDoubts({ cursor, url }: ChainPage, { promised, longest }: ChainTrail): PageDoubt[] {
    if (records.length === 0)
      return promised && index > 0 ? [doubt('broken-promise', 'the page before said that there is more', index)] : [];
    const explicit = step.is === 'end' && step.by === 'explicit';
    const unread =
      readMoreWord(reply.body, records)?.more === false ? undefined : unreadPlace(page, cursor, url, explicit);
    if (unread !== undefined) return [doubt('unread-next', unread, index)];
    if (step.is !== 'end' || step.by === 'explicit' || (step.by === 'absent' && endsByHeader(page))) return [];
    const size = 'size' in stream.paging ? stream.paging.size : Number.POSITIVE_INFINITY;
    const isFull = records.length >= Math.min(size, longest === 0 ? size : longest);
    if (step.by === 'self') return [doubt('end-inferred', 'the page leads to itself', index)];
    return isFull ? [doubt('end-inferred', 'the place of the next cursor is missing on a full page', index)] : [];
  }
}

/**
 * A `Link` header has no other way to say that a page is the last one than to lack a next link (RFC 8288). Only where no page ever had such a header may the
 * API not have them at all.
 */
const endsByHeader = ({ stream, reply, index }: ChainPage): boolean =>
  readsLinkHeader(stream) && (index > 0 || reply.header('link') !== undefined);

const readsLinkHeader = ({ paging }: Stream): boolean => paging.kind === 'links' && paging.next === linkHeaderNext;

/** Where a page leads on unread: a place of its body, or its `Link` header, which `one()` and `links()` with a function of their own do not read. */
function unreadPlace(
  { stream, reply, records }: ChainPage,
  cursor: string | undefined,
  url: string,
  explicit: boolean,
): string | undefined {
  const here = cursor === undefined ? [url] : [url, cursor];
  const found = findUnreadNext(reply.body, records, { here, explicit });
  if (found !== undefined || readsLinkHeader(stream)) return found?.path;
  try {
    const link = nextLink(reply.header('link'));
    return link === undefined || URL.parse(link, url)?.href === url ? undefined : 'Link';
  } catch {
    return 'Link';
  }
}

function trailAfter({ stream, reply, records, index, read }: ChainPage, next: string, trail: ChainTrail): ChainTrail {
  const before = stream.paging.kind === 'keyset' ? keyBefore(stream, records) : undefined;
  return {
    longest: Math.max(trail.longest, records.length),
    promised: readMoreWord(reply.body, records)?.more === true,
    ...(before === undefined ? {} : { before }),
    retried: false,
    ...(trail.tokens === true ? { tokens: true } : {}),
    ...natureAfter(stream, trail.nature, next, { index, read, last: records.at(-1) }),
  };
}

/** Longer keys are not kept: they would not fit beside the cursor. */
const LONGEST_KEY = 1_024;

function keyBefore({ paging }: Stream, records: readonly unknown[]): string | undefined {
  if (paging.kind !== 'keyset' || records.length < 2) return undefined;
  try {
    const text = writeJson(paging.after(records.at(-2)));
    return text === undefined || text === 'null' || text.length > LONGEST_KEY ? undefined : text;
  } catch {
    return undefined;
  }
}

/** The row of the last record may have been deleted: then the page after it is empty, although the one before promised more. */
const anotherWay = ({ records, index }: ChainPage, { promised, before, retried }: ChainTrail): string | undefined =>
  records.length === 0 && index > 0 && promised && !retried ? before : undefined;

/** The page after the last record of one by keyset that is short, and whose `more` rests on nothing but its length. */
function probeCursor({ stream: { paging }, reply, records, cursor }: ChainPage): string | undefined {
  if (paging.kind !== 'keyset' || records.length === 0 || records.length >= paging.size) return undefined;
  if (readMoreWord(reply.body, records) !== undefined) return undefined;
  const after: unknown = paging.after(records.at(-1));
  const next = after === undefined || after === null ? undefined : writeJson(after);
  return next === cursor ? undefined : next;
}

function natureAfter(
  { paging }: Stream,
  before: CursorNature,
  cursor: string,
  giver: { readonly index: number; readonly read: number; readonly last: unknown },
): { readonly nature?: 'counts' | 'opaque' } {
  const size = 'size' in paging ? paging.size : 1;
  const nature = cursorNature(before, cursor, { ...giver, size });
  return nature === undefined ? {} : { nature };
}
