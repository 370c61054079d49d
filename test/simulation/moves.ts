import * as z from 'zod';
import {
  type Connector,
  cursor,
  defineConnector,
  links,
  none,
  offsets,
  pages,
  type Stream,
} from '../../lib/core/connector/connector.ts';
import type { Receipt } from '../../lib/core/verdict/receipt.ts';
import { seededRandom } from '../memory/random.ts';
import { type Api, json, makeWorld } from '../pipeline/world.ts';

/** Listings whose records move while they are read: what receipts say of them, held against the records that were there throughout. */

const SIZE = 10;
type Row = { readonly id: number; readonly title: string };
const Row = z.object({ id: z.int(), title: z.string() });

export const LOOKS = ['sample', 'all', 'none'] as const;
export type Look = (typeof LOOKS)[number];

/** A way to list: what a stream declares, how the API finds a page, and in which order it lists. */
type Kind = {
  readonly declares: Partial<Stream> & Pick<Stream, 'request' | 'paging'>;
  readonly answer: (all: readonly Row[], query: URLSearchParams, url: string) => object;
  readonly headers?: (all: readonly Row[], query: URLSearchParams, url: string) => Record<string, string>;
  /** By what it is sorted. Default: by nothing; new records stand anywhere. */
  readonly by?: 'id' | 'title';
};

const byPage: Stream['request'] = ({ page }) => ({ path: '/rows', query: { page: page.number } });
const byCursor: Stream['request'] = ({ page }) => ({ path: '/rows', query: { cursor: page.cursor } });
const nextCursor = cursor({ size: SIZE, next: ({ body }) => body.next });
const pageOf = (all: readonly Row[], query: URLSearchParams): readonly Row[] => {
  const from = SIZE * (Number(query.get('page') ?? 1) - 1);
  return all.slice(from, from + SIZE);
};
/** The page after a place in a sorted list, and what leads on. */
function pageAfter(all: readonly Row[], query: URLSearchParams, textOf: (row: Row) => string): object {
  const after = query.get('cursor');
  const place = after === null ? '' : Buffer.from(after, 'base64url').toString();
  const rest = all.filter((row) => textOf(row) > place);
  const rows = rest.slice(0, SIZE);
  const last = rows.at(-1);
  return { rows, next: rest.length > SIZE && last ? Buffer.from(textOf(last)).toString('base64url') : null };
}
const padded = (id: number): string => String(id).padStart(9, '0');

export const MOVING_KINDS: Readonly<Record<string, Kind>> = {
  'pages, total': {
    declares: { request: byPage, paging: pages({ size: SIZE }), total: (reply) => reply.body.total },
    answer: (all, query) => ({ rows: pageOf(all, query), total: all.length }),
  },
  pages: {
    declares: { request: byPage, paging: pages({ size: SIZE }) },
    answer: (all, query) => ({ rows: pageOf(all, query) }),
  },
  links: {
    declares: { request: () => ({ path: '/rows' }), paging: links({ size: SIZE }) },
    answer: (all, query) => ({ rows: pageOf(all, query) }),
    headers: (all, query, url): Record<string, string> => {
      const number = Number(query.get('page') ?? 1);
      const [next, last] = [number + 1, Math.ceil(all.length / SIZE)].map((page) => {
        const to = new URL(url);
        to.searchParams.set('page', String(page));
        return to.href;
      });
      return number * SIZE < all.length
        ? { link: `<${next}>; rel="next", <${last}>; rel="last"` }
        : { link: '<?page=1>; rel="first"' };
    },
  },
  offsets: {
    declares: {
      request: ({ page }) => ({ path: '/rows', query: { offset: page.offset, size: page.size } }),
      paging: offsets({ size: SIZE }),
    },
    answer: (all, query) => {
      const from = Number(query.get('offset'));
      return { rows: all.slice(from, from + Number(query.get('size'))) };
    },
  },
  'cursor that counts': {
    declares: { request: byCursor, paging: nextCursor },
    answer: (all, query) => {
      const from = Number(query.get('cursor') ?? 0);
      return { rows: all.slice(from, from + SIZE), next: from + SIZE < all.length ? String(from + SIZE) : null };
    },
  },
  'cursor by title': {
    declares: { request: byCursor, paging: nextCursor },
    by: 'title',
    answer: (all, query) => pageAfter(all, query, ({ title, id }) => `${title} ${padded(id)}`),
  },
  'cursor by key': {
    declares: { request: byCursor, paging: nextCursor, order: 'by key' },
    by: 'id',
    answer: (all, query) => pageAfter(all, query, ({ id }) => padded(id)),
  },
};

function connectorOf({ declares }: Kind, secondLook: Look): Connector {
  return defineConnector({
    ...{ name: 'test', docs: 'none', baseUrl: 'http://api.test', params: z.object({}), auth: none(), limits: [] },
    streams: (stream) => ({
      rows: stream({ records: (body) => body.rows, schema: Row, key: 'id', secondLook, ...declares }),
    }),
  });
}

/** What became of a sync of a listing that moved. `lost`: records that were there throughout, and were not delivered. */
export type MovedSync = {
  readonly verdict: Receipt['verdict'];
  readonly evidence: Receipt['evidence'];
  readonly lost: number;
  readonly repaired: boolean;
  readonly codes: readonly string[];
  /** Requests, and pages of the listing. */
  readonly requests: number;
  readonly pages: number;
  /** Each change was undone before the sync ended. */
  readonly undone: boolean;
};

const MOST_PAGES = 40;
const MOST_CHANGES = 10;

/** A sync of a listing of 3 to 40 pages, with 1 to `most` changes while it is read (default 10), or none. The same seed, the same changes, whatever the look is. */
export async function simulateMoves(seed: number, kind: Kind, look: Look, most = MOST_CHANGES): Promise<MovedSync> {
  const random = seededRandom(seed);
  const below = (most: number): number => Math.floor(random.number() * most);
  const count = SIZE * (2 + below(MOST_PAGES - 2)) + 1 + below(SIZE);
  let ids = count;
  const titled = (id: number): Row => ({ id, title: `t${padded(below(1e9))}` });
  let all = Array.from({ length: count }, (_, id) => titled(id));
  const sorted = (): void => {
    if (kind.by === 'title') all.sort((a, b) => (a.title < b.title ? -1 : 1));
    if (kind.by === 'id') all.sort((a, b) => a.id - b.id);
  };
  sorted();
  const first = all.map(({ id }) => id).join();
  const throughout = new Set(all.map(({ id }) => id));
  const read = Math.ceil(count / SIZE);
  const changes = Array.from({ length: most === 0 ? 0 : 1 + below(most) }, () => ({
    at: 1 + below(read),
    what: below(5),
    where: random.number(),
    to: random.number(),
  }));
  const change = ({ what, where, to }: (typeof changes)[number]): void => {
    const at = Math.floor(where * all.length);
    const row = all[at];
    if (what === 0) all.splice(at, 0, titled(ids++));
    else if (what === 1) all.push(titled(ids++));
    else if (row === undefined) return;
    else if (what === 2) {
      all.splice(at, 1);
      throughout.delete(row.id);
    } else if (what === 3) {
      // Renamed: of a list by key nothing moves.
      all.splice(at, 1);
      all.splice(Math.floor(to * all.length), 0, titled(row.id));
    } else {
      const other = all[at + SIZE] ?? all[0];
      if (other === undefined) return;
      all = all.map((each) => (each === row ? other : each === other ? row : each));
    }
    sorted();
  };
  let requests = 0;
  const api: Api = ({ query, url }) => {
    for (const each of changes.filter(({ at }) => at === requests)) change(each);
    requests += 1;
    return json(kind.answer(all, query, url), kind.headers?.(all, query, url) ?? {});
  };
  const world = makeWorld({ connector: connectorOf(kind, look), api });
  const receipt = await world.sync('rows');
  const delivered = new Set(world.delivered(receipt).map((record) => Row.parse(record).id));
  return {
    verdict: receipt.verdict,
    evidence: receipt.evidence,
    lost: [...throughout].filter((id) => !delivered.has(id)).length,
    repaired: receipt.movement.repaired > 0 || receipt.checked.moved > 0,
    codes: receipt.reasons.map(({ code }) => code),
    requests,
    pages: read,
    undone: all.map(({ id }) => id).join() === first,
  };
}

/** How many syncs ended in each way. */
export type MovesTally = Readonly<
  Record<'true' | 'false' | 'UNKNOWN' | 'INCOMPLETE' | 'repaired' | 'lossy', number>
> & {
  /** The most requests for each page of a listing. */
  readonly dearest: number;
};

export function tallyMoves(syncs: readonly MovedSync[]): MovesTally {
  const many = (is: (sync: MovedSync) => boolean): number => syncs.filter(is).length;
  const isComplete = ({ verdict }: MovedSync): boolean => verdict === 'COMPLETE';
  return {
    true: many((sync) => isComplete(sync) && sync.lost === 0),
    false: many((sync) => isComplete(sync) && sync.lost > 0),
    UNKNOWN: many(({ verdict }) => verdict === 'UNKNOWN'),
    INCOMPLETE: many(({ verdict }) => verdict === 'INCOMPLETE'),
    repaired: many((sync) => isComplete(sync) && sync.repaired),
    lossy: many(({ lost }) => lost > 0),
    dearest: Math.max(...syncs.map(({ requests, pages }) => requests / pages)),
  };
}

const COLUMNS = [
  'kind',
  'second look',
  'COMPLETE, true',
  'of these repaired',
  'COMPLETE, false',
  'UNKNOWN',
  'INCOMPLETE',
  'lost a record',
  'requests a page, at most',
];

/** Tries each kind with each look on so many schedules, and gives the table of what came of them, as Markdown. */
export async function movesTable(seeds: number, say: (line: string) => void): Promise<void> {
  say(`| ${COLUMNS.join(' | ')} |`);
  say(`|${COLUMNS.map((_, index) => (index < 2 ? '---|' : '--:|')).join('')}`);
  for (const [name, kind] of Object.entries(MOVING_KINDS))
    for (const look of LOOKS) {
      const syncs: MovedSync[] = [];
      for (let seed = 0; seed < seeds; seed++) syncs.push(await simulateMoves(seed, kind, look));
      const tally = tallyMoves(syncs);
      say(
        `| ${[name, look, tally.true, tally.repaired, tally.false, tally.UNKNOWN, tally.INCOMPLETE, tally.lossy, tally.dearest.toFixed(1)].join(' | ')} |`,
      );
    }
}
