import type { Asked } from '../connector/asked.ts';
import { isSparse } from '../connector/paging.ts';
import { recordKey } from '../connector/schema.ts';
import type { Stream } from '../connector/stream.ts';
import type { Raw, Reply } from '../exchange.ts';
import { readJson, writeJson } from '../response/json.ts';
import { readMoreWord } from '../response/more-word.ts';

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

/**
 * Where a chain goes after a page.
 * `end`, `explicit`: the API says that nothing follows. `absent`: the place of the next cursor is not there at all. `self`: the page leads to itself.
 * `stuck`: the page leads on, and nothing tells where to. `heals`: asked for again, it may say otherwise.
 */
export type ChainStep =
  | { readonly is: 'next'; readonly cursor: string }
  | { readonly is: 'end'; readonly by: 'explicit' | 'absent' | 'self' }
  | { readonly is: 'stuck'; readonly message: string; readonly heals: boolean };

const EXPLICIT_END: ChainStep = { is: 'end', by: 'explicit' };
const ABSENT_END: ChainStep = { is: 'end', by: 'absent' };
const stuck = (message: string, heals = false): ChainStep => ({ is: 'stuck', message, heals });
const nextAt = (cursor: string): ChainStep => ({ is: 'next', cursor });

/**
 * Where a chain goes after a page. `here`: the URL the page came from, which relative links are resolved against. `asked`: what it was asked for. It does
 * not end by a page that says of itself that there is more: then the next one is looked for in the wrong place, or the API forgot to give it. A page that
 * says that it is the last one, and leads to itself, is the last one.
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
    return stuck(`the next cursor is not where the stream looks for it: ${why}`, records.length === 0);
  }
  if (next.is === 'next') return next;
  if (next.is === 'stuck') return { ...next, heals: next.heals || records.length === 0 };
  const word = readMoreWord(reply.body, records);
  if (word?.more === true)
    return stuck(`the page says that there is more ("${word.path}"), but not what leads there`, true);
  return word === undefined ? next : EXPLICIT_END;
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
      if (next === undefined) return ABSENT_END;
      if (next === null || next === '' || next === false) return EXPLICIT_END;
      if (typeof next === 'object')
        return stuck(`the next cursor must be text (got ${writeJson(next)?.slice(0, 100)})`);
      // Some APIs count with their cursors; what matters is that it comes back as it was given.
      return nextAt(String(next));
    }
    case 'links': {
      const next: unknown = paging.next(reply, asked);
      if (next === undefined) return ABSENT_END;
      if (next === null || next === '' || next === false) return EXPLICIT_END;
      if (typeof next === 'object') return stuck(`the next link must be text (got ${writeJson(next)?.slice(0, 100)})`);
      const text = String(next);
      const url = URL.parse(text, here);
      if (url === null) return stuck(`the next link must be a URL (got ${text.slice(0, 200)})`);
      if (url.origin !== new URL(here).origin) return stuck(`the next link leads to another origin, ${url.origin}`);
      // A full page that leads to itself has not ended: it is a loop.
      return url.href === new URL(here).href && records.length < paging.size
        ? { is: 'end', by: 'self' }
        : nextAt(url.href);
    }
    case 'keyset': {
      if (!paging.more(reply, asked)) return EXPLICIT_END;
      if (records.length === 0) return stuck('the API says there is more, but the page has no record to go on from');
      const after = paging.after(records.at(-1));
      if (after === undefined || after === null) return stuck('the last record has no key to go on from');
      return nextAt(writeJson(after) ?? 'null');
    }
    default:
      return EXPLICIT_END;
  }
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
