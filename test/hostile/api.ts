import { type Api, json } from '../pipeline/world.ts';
import type { Row } from './rows.ts';

/** An API that lists rows in every way, and a switch for each thing that an API can do to whoever reads it. */

export type Switches = {
  /** The page with this index, from 0, is empty; or has only half of its records; the first `times` it is asked for. */
  readonly empty?: number;
  readonly short?: number;
  readonly times?: number;
  /** Nobody reads further than so many records of one listing: what comes instead. */
  readonly limit?: {
    readonly records: number;
    readonly by: '400' | 'empty' | 'repeat' | 'end' | 'clamp';
    readonly notByKey?: boolean;
  };
  /** What it says its total is. `asked`: requests so far. */
  readonly total?: (honest: number, asked: number) => number | undefined;
  /** It never gives more than so many records. */
  readonly cap?: number;
  /** The page with this index leads back to the one with index 1. */
  readonly loop?: number;
  /** What leads to the page with this index has expired, so many times. */
  readonly expires?: { readonly at: number; readonly times: number };
  /** It takes no notice of the window. */
  readonly deaf?: boolean;
  /** Changes the rows before each request. */
  readonly change?: (rows: readonly Row[], asked: number) => readonly Row[];
  /** The rows belong to so many parents, in turn. Those that have vanished since they were listed are answered with this status. */
  readonly parents?: { readonly count: number; readonly vanished?: readonly number[]; readonly by?: 403 | 404 };
};

/** The parent of a row. */
export const parentOf = ({ id }: Row, count: number): number => Math.floor(id / 1_000 - 1) % count;

export function hostile(all: readonly Row[], switches: Switches = {}): Api {
  let rows = all;
  let asked = 0;
  let expired = 0;
  let lies = 0;
  return ({ query, url, path }) => {
    asked += 1;
    rows = switches.change?.(rows, asked) ?? rows;
    if (path === '/parents') return parentsPage(query, switches.parents?.count ?? 0);
    const { count = 1, vanished = [], by = 404 } = switches.parents ?? {};
    const parents = query.get('parents')?.split(',').map(Number);
    if (parents?.some((parent) => vanished.includes(parent))) return json({ message: 'no such parent' }, {}, by);
    const [from, to] = [Number(query.get('from') ?? 0), Number(query.get('to') ?? Number.POSITIVE_INFINITY)];
    const of = parents === undefined ? rows : rows.filter((row) => parents.includes(parentOf(row, count)));
    const found = switches.deaf ? of : of.filter(({ at }) => at >= from && at < to);
    const total = statedTotal(switches, found.length, asked);
    if (path === '/count') return json({ count: total });

    const wanted = Number(query.get('size'));
    const size = Math.min(wanted, switches.cap ?? wanted);
    const after = query.get('after');
    const number = query.get('page');
    let start = number === null ? Number(query.get('offset') ?? 0) : (Number(number) - 1) * size;
    if (after !== null) {
      const next = found.findIndex(({ id }) => id > Number(after));
      start = next < 0 ? found.length : next;
    }
    const index = Math.floor(start / size);
    // Who asks by key begins anew behind each key.
    const limit = after !== null && switches.limit?.notByKey ? undefined : switches.limit;
    if (switches.expires?.at === index && expired < switches.expires.times) {
      expired += 1;
      return json({ message: 'this cursor has expired' }, {}, 410);
    }
    if (limit?.by === '400' && start >= limit.records) return json({ message: 'no further' }, {}, 400);
    if (limit?.by === 'repeat') start = Math.min(start, limit.records - size);
    let page =
      (limit?.by === 'empty' || limit?.by === 'clamp') && start >= limit.records
        ? []
        : found.slice(start, start + size);
    const lying = lies < (switches.times ?? Number.POSITIVE_INFINITY);
    const last = page.at(-1);
    if (lying && (switches.empty === index || switches.short === index)) {
      lies += 1;
      page = switches.empty === index ? [] : page.slice(0, Math.floor(size / 2));
    }
    const cutOff = limit?.by === 'end' && start + size >= limit.records;
    const more = !cutOff && start + size < found.length;
    const next = switches.loop === index ? found[size - 1]?.id : last?.id;
    const link = new URL(url);
    link.searchParams.set('offset', String(switches.loop === index ? size : start + size));
    return json(
      { rows: page, ...(total === undefined ? {} : { total }), next: more ? next : null, more },
      { link: `<${link.href}>; rel="${more ? 'next' : 'last'}"` },
    );
  };
}

function statedTotal({ total, limit }: Switches, honest: number, asked: number): number | undefined {
  if (limit?.by === 'clamp') return Math.min(limit.records, honest);
  return total === undefined ? honest : total(honest, asked);
}

function parentsPage(query: URLSearchParams, count: number): ReturnType<Api> {
  const [page, size] = [Number(query.get('page')), Number(query.get('size'))];
  const ids = Array.from({ length: count }, (_, id) => ({ id }));
  return json({ rows: ids.slice((page - 1) * size, page * size), total: count });
}
