import type { Raw, Reply } from './exchange.ts';
import { readJson, writeJson } from './json.ts';
import { nextLink } from './links.ts';
import type { Stream } from './stream.ts';

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

export type Next = { readonly next: string } | 'end' | { readonly stuck: string };

/** Where a chain goes after a page. `here`: the URL the page came from, which relative links are resolved against. */
export function nextCursor(stream: Stream, reply: Reply, records: readonly unknown[], here: string): Next {
  try {
    return follow(stream, reply, records, here);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { stuck: `the next cursor is not where the stream looks for it: ${why}` };
  }
}

function follow({ paging }: Stream, reply: Reply, records: readonly unknown[], here: string): Next {
  switch (paging.kind) {
    case 'cursor': {
      const next = paging.next(reply);
      if (next === null || next === undefined || next === '') return 'end';
      // Some APIs count with their cursors; what matters is that it comes back as it was given.
      return { next: String(next) };
    }
    case 'links': {
      const next = paging.next(reply);
      if (next === undefined || next === null || next === '') return 'end';
      const url = URL.parse(next, here);
      if (url === null) return { stuck: `the next link is not a URL: ${next.slice(0, 200)}` };
      if (url.origin !== new URL(here).origin) return { stuck: `the next link leads to another origin, ${url.origin}` };
      return { next: url.href };
    }
    case 'keyset': {
      if (!paging.more(reply)) return 'end';
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
