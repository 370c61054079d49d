import * as z from 'zod';
import {
  type Connector,
  cursor,
  defineConnector,
  keyset,
  links,
  none,
  offsets,
  pages,
  type Span,
  type StreamSpec,
} from '../../lib/core/connector.ts';
import { type Api, json } from './world.ts';

/** An API that lists rows in every way, and a switch for each thing that an API can do to whoever reads it. */

/** `at`: when it was changed, epoch milliseconds. */
export type Row = { readonly id: number; readonly at: number };
/** When the world begins. */
const NOW = Date.UTC(2026, 10, 22, 12);
const MINUTE = 60_000;

/** Rows one minute apart, the last one a minute before the world begins. Their numbers leave room for others between them. */
export const rowsOf = (count: number): Row[] =>
  Array.from({ length: count }, (_, i) => ({ id: 1_000 * (i + 1), at: NOW - (count - i) * MINUTE }));

export type Switches = {
  /** The page with this index, from 0, is empty; or has only half of its records; the first `times` it is asked for. */
  readonly empty?: number;
  readonly short?: number;
  readonly times?: number;
  /** Nobody reads further than so many records of one listing: what comes instead. */
  readonly limit?: {
    readonly records: number;
    readonly by: '400' | 'empty' | 'repeat' | 'end';
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
};

export function hostile(all: readonly Row[], switches: Switches = {}): Api {
  let rows = all;
  let asked = 0;
  let expired = 0;
  let lies = 0;
  return ({ query, url, path }) => {
    asked += 1;
    rows = switches.change?.(rows, asked) ?? rows;
    const [from, to] = [Number(query.get('from') ?? 0), Number(query.get('to') ?? Number.POSITIVE_INFINITY)];
    const found = switches.deaf ? rows : rows.filter(({ at }) => at >= from && at < to);
    const total = switches.total === undefined ? found.length : switches.total(found.length, asked);
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
    let page = limit?.by === 'empty' && start >= limit.records ? [] : found.slice(start, start + size);
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
      more ? { link: `<${link.href}>; rel="next"` } : {},
    );
  };
}

export type Kind = 'pages' | 'offsets' | 'cursor' | 'keyset' | 'links';
export type Shape = {
  readonly size?: number;
  /** The page tells the total. */
  readonly total?: boolean;
  readonly count?: 'exact' | 'about';
  readonly max?: number;
  readonly expires?: Span;
  readonly order?: 'oldest first' | 'by key';
  /** It is incremental, and cut into slices of this width. */
  readonly slices?: Span;
  readonly byKey?: boolean;
};

const RowSchema = z.object({ id: z.number(), at: z.number() });

/** A connector with one stream, `rows`, that lists the API in this way. */
export function hostileConnector(kind: Kind, shape: Shape = {}): Connector {
  const { size = 10, max, expires, order } = shape;
  const limits = { ...(max === undefined ? {} : { max }), ...(expires === undefined ? {} : { expires }) };
  const start = new Date(NOW - 1_000 * MINUTE).toISOString();
  type Window = { from: { millis: number }; to: { millis: number } };
  const window = ({ from, to }: Window) => (shape.slices === undefined ? {} : { from: from.millis, to: to.millis });
  return defineConnector({
    name: 'test',
    docs: 'none',
    baseUrl: 'http://api.test',
    params: z.object({}),
    auth: none(),
    limits: [],
    errors: [{ when: (reply) => reply.status === 410, is: 'restart', because: 'the cursor has expired' }],
    streams: (stream) => {
      const since = { field: (row: { at: number }) => row.at, lookback: '1 minute', start } as const;
      const shared = {
        records: (body: { rows: unknown[] }) => body.rows,
        schema: RowSchema,
        key: 'id' as const,
        ...(order === undefined ? {} : { order }),
        ...(shape.total ? { total: (reply: { body: { total: number } }) => reply.body.total } : {}),
        ...(shape.slices === undefined ? {} : { since }),
      };
      const count = {
        request: ({ window: w }: { window: Window }) => ({ path: '/count', query: window(w) }),
        read: (reply: { body: { count: number } }) => reply.body.count,
        exact: shape.count === 'exact',
      };
      const byKey = {
        request: ({
          page,
          window: w,
        }: {
          page: { after: string | number | undefined; size: number };
          window: Window;
        }) => ({
          path: '/rows',
          query: { after: page.after, size: page.size, ...window(w) },
        }),
        paging: keyset({ size, after: (last) => last.id, more: (reply) => reply.body.more }),
      };
      const slices =
        shape.slices === undefined
          ? {}
          : { slices: { width: shape.slices, least: '1 minute' as const, ...(shape.byKey ? { byKey } : {}) } };
      const more = { ...shared, ...(shape.count === undefined ? {} : { count }), ...slices };
      type Given<Page> = Pick<
        StreamSpec<object, undefined, typeof RowSchema, Page, undefined, undefined>,
        'request' | 'paging'
      >;
      const given = <Page>(each: Given<Page>): Given<Page> => each;
      switch (kind) {
        case 'pages':
          return {
            rows: stream({
              ...more,
              ...given({
                request: ({ page, window: w }) => ({
                  path: '/rows',
                  query: { page: page.number, size: page.size, ...window(w) },
                }),
                paging: pages({ size, ...limits }),
              }),
            }),
          };
        case 'offsets':
          return {
            rows: stream({
              ...more,
              ...given({
                request: ({ page, window: w }) => ({
                  path: '/rows',
                  query: { offset: page.offset, size: page.size, ...window(w) },
                }),
                paging: offsets({ size, ...limits }),
              }),
            }),
          };
        case 'cursor':
          return {
            rows: stream({
              ...more,
              ...given({
                request: ({ page, window: w }) => ({
                  path: '/rows',
                  query: { after: page.cursor, size: page.size, ...window(w) },
                }),
                paging: cursor({ size, next: (reply) => reply.body.next, ...limits }),
              }),
            }),
          };
        case 'keyset':
          return { rows: stream({ ...more, ...given(byKey) }) };
        case 'links':
          return {
            rows: stream({
              ...more,
              ...given({
                request: ({ page, window: w }) => ({ path: '/rows', query: { size: page.size, ...window(w) } }),
                paging: links({ size, ...limits }),
              }),
            }),
          };
      }
    },
  });
}
