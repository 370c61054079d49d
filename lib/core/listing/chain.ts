import type { Asked } from '../connector/asked.ts';
import { isSparse } from '../connector/paging.ts';
import { recordKey } from '../connector/schema.ts';
import type { Stream } from '../connector/stream.ts';
import type { Raw, Reply } from '../exchange.ts';
import { readJson, writeJson } from '../response/json.ts';
import { nextLink } from '../response/links.ts';

/** A chain is walked page after page. Its cursor is one text, whatever the paging kind: a cursor, a URL, a key as JSON. */

/** What a request is told about the page at `cursor`; `undefined`: the first page. */
export function chainPage({ paging }: Stream, cursor: string | undefined): Raw {
  switch (paging.kind) {
    case 'cursor':
      return { cursor, size: paging.size };
    case 'links':
      return { size: paging.size };
    case 'keyset':
      return { after: cursor === undefined ? undefined : readJson(cursor), size: paging.size };
    case 'one':
      return undefined;
    default:
      throw new Error(`A listing by ${paging.kind} is not a chain.`);
  }
}

/** `heals`: asked for again, the page may say otherwise. */
export type ChainStep = { readonly next: string } | 'end' | { readonly stuck: string; readonly heals?: boolean };

/**
 * Where a chain goes after a page. `here`: the URL the page came from, which relative links are resolved against. `asked`: what it was asked for. It does not end by a page that says of
 * itself that there is more: then the next one is looked for in the wrong place, or the API forgot to give it.
 */
export function nextCursor(
  stream: Stream,
  reply: Reply,
  records: readonly unknown[],
  here: string,
  asked?: Asked<Raw, Raw>,
): ChainStep {
  let next: ChainStep;
  try {
    next = follow(stream, reply, records, here, asked);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { stuck: `the next cursor is not where the stream looks for it: ${why}` };
  }
  const more = next === 'end' ? saysMore(reply.body, records) : undefined;
  return more === undefined
    ? next
    : { stuck: `the page says that there is more (${more}), but not what leads there`, heals: true };
}

function follow(
  { paging }: Stream,
  reply: Reply,
  records: readonly unknown[],
  here: string,
  asked?: Asked<Raw, Raw>,
): ChainStep {
  switch (paging.kind) {
    case 'cursor': {
      const next: unknown = paging.next(reply, asked);
      if (next === null || next === undefined || next === '' || next === false) return 'end';
      if (typeof next === 'object') return { stuck: `the next cursor is no text: ${writeJson(next)?.slice(0, 100)}` };
      // Some APIs count with their cursors; what matters is that it comes back as it was given.
      return { next: String(next) };
    }
    case 'links': {
      const next = paging.next(reply, asked);
      if (next === undefined || next === null || next === '') return 'end';
      const url = URL.parse(next, here);
      if (url === null) return { stuck: `the next link is not a URL: ${next.slice(0, 200)}` };
      if (url.origin !== new URL(here).origin) return { stuck: `the next link leads to another origin, ${url.origin}` };
      return { next: url.href };
    }
    case 'keyset': {
      if (!paging.more(reply, asked)) return 'end';
      if (records.length === 0)
        return { stuck: 'the API says there is more, but the page has no record to go on from' };
      const after = paging.after(records.at(-1));
      if (after === undefined || after === null) return { stuck: 'the last record has no key to go on from' };
      return { next: writeJson(after) ?? 'null' };
    }
    case 'one':
      return nextLink(reply.header('link')) === undefined
        ? 'end'
        : { stuck: 'the answer links to a next page, though its stream is declared as one page' };
    default:
      return 'end';
  }
}

/** The names of fields by which APIs say that more follows, or that nothing does. */
const MORE = /^has_?(more|next)(_?(page|results|items|records))?$/i;
const LAST = /^(is_?last(_?page)?|end_?of_?(stream|list|results))$/i;
/** So deep below the body such a word is looked for: `body.data.orders.pageInfo.hasNextPage` is the deepest that is common. */
const DEEPEST_WORD = 3;

/** The word by which a body says that more follows. Lists and records are not searched: what they hold speaks of other listings. */
function saysMore(body: unknown, records: readonly unknown[], depth = DEEPEST_WORD): string | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body) || records.includes(body)) return undefined;
  const fields = Object.entries(body);
  const [word] =
    fields.find(([name, is]) => (is === true && MORE.test(name)) || (is === false && LAST.test(name))) ?? [];
  if (word !== undefined) return `"${word}"`;
  if (depth === 0) return undefined;
  for (const [, value] of fields) {
    const below = saysMore(value, records, depth - 1);
    if (below !== undefined) return below;
  }
  return undefined;
}

/** Of a listing by keyset: records share the value that pages go on from; or pages begin with it, so that none is passed over. */
export type KeysetTies = 'tied' | 'inclusive';

/** The value that a page after a record would continue from, as text; `undefined` where the record does not tell it. */
function goOnFrom(after: (record: Raw) => unknown, record: unknown): string | undefined {
  try {
    return writeJson(after(record));
  } catch {
    return undefined;
  }
}

/**
 * Whether a page by keyset skips records. Where several records share the value that it continues from, and it begins after all of them, those
 * that did not fit on the page before are on no page. `ties`: what earlier pages showed. `cursor`: what led to this page.
 */
export function detectTies(
  stream: Stream,
  records: readonly unknown[],
  cursor: string | undefined,
  ties: KeysetTies | undefined,
): { passes: boolean; ties: KeysetTies | undefined } {
  const { paging } = stream;
  if (paging.kind !== 'keyset' || ties === 'inclusive') return { passes: false, ties };
  const values = records.map((record) => goOnFrom(paging.after, record));
  if (cursor !== undefined && values[0] === cursor) return { passes: false, ties: 'inclusive' };
  const isTied =
    ties === 'tied' ||
    values.some(
      (value, at) =>
        value !== undefined &&
        value === values[at - 1] &&
        recordKey(stream, records[at]) !== recordKey(stream, records[at - 1]),
    );
  return { passes: isTied && cursor !== undefined, ties: isTied ? 'tied' : undefined };
}

/** A page that comes this often in a row, each time by another cursor, comes for ever. A page without records may be a hole, and needs more. */
const MOST_ALIKE = 3;
const MOST_EMPTY = 100;

/**
 * Whether a chain stands still: an API that does not understand the cursor it is given may answer with the first page, and each time with a new cursor.
 * `page`: the fingerprint of what the page holds. `seen`: what was remembered of the pages before: how many were alike, and their fingerprint.
 */
export function detectStandstill(
  { paging }: Stream,
  page: { readonly fingerprint: string; readonly records: number },
  seen = '',
): { stands: boolean; remember: string } {
  const [times, before] = seen.split(' ');
  const alike = before === page.fingerprint ? Number(times) + 1 : 1;
  const most = page.records > 0 ? MOST_ALIKE : isSparse(paging) ? Number.POSITIVE_INFINITY : MOST_EMPTY;
  return { stands: alike >= most, remember: `${alike} ${page.fingerprint}` };
}

/**
 * Brent's cycle detection over a chain's cursors: one remembered cursor (its fingerprint), renewed whenever the step is a power of two.
 * A cycle of any length is found within a few rounds of it. `step`: of the page that `cursor` asks for, from 1.
 */
export function detectLoop(
  step: number,
  cursor: string,
  remembered: string | undefined,
): { loop: boolean; remember: string | undefined } {
  if (cursor === remembered) return { loop: true, remember: remembered };
  return { loop: false, remember: Number.isInteger(Math.log2(step)) ? cursor : remembered };
}
