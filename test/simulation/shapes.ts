import fc from 'fast-check';
import * as z from 'zod';
import {
  type Connector,
  cursor,
  defineConnector,
  job,
  keyset,
  links,
  none,
  offsets,
  pages,
  type Stream,
} from '../../lib/core/connector/connector.ts';
import { HOUR } from '../../lib/core/time.ts';
import type { WireReply, WireRequest } from '../../lib/pipeline/ports.ts';

/** Syncs whose completion trees have every shape: listings, chains, groups of parents and of windows, and groups in groups. */

/** When a run begins. All records are older. */
export const START = Date.UTC(2026, 10, 22, 12);

const PAGING = ['pages', 'offsets', 'endless offsets', 'endless pages', 'cursor', 'keyset', 'links', 'job'] as const;

export type Shape = {
  /** How the records of a leaf are listed, and how many of them come at once. */
  readonly paging: (typeof PAGING)[number];
  readonly size: number;
  /** The number of records of each parent. */
  readonly families: readonly number[];
  /** How many streams find the parents of the next one: with none, all records are of one family. */
  readonly levels: 0 | 1 | 2;
  /** How the parents are listed, two at once. */
  readonly listed: 'pages' | 'cursor';
  readonly together: number;
  /** Parents by index that the API no longer knows when it is asked for their records. */
  readonly gone: readonly number[];
  /** Windows of an hour that the sync is cut into; 0: it is not. */
  readonly hours: number;
  /** Pages of a listing that the API lets be read before windows have to be narrower, or are walked by key. */
  readonly reach?: number | undefined;
  /** How often a cursor expires. */
  readonly expires: number;
  /** What is asked besides pages. */
  readonly asks: 'nothing' | 'setup' | 'count';
  /** Requests that are refused until the API is mended, in the order in which they are first sent. */
  readonly broken: readonly number[];
};

export const shapes: fc.Arbitrary<Shape> = fc.record({
  paging: fc.constantFrom(...PAGING),
  size: fc.integer({ min: 2, max: 3 }),
  families: fc.array(fc.nat(7), { minLength: 1, maxLength: 5 }),
  levels: fc.constantFrom(0, 1, 2),
  listed: fc.constantFrom('pages', 'cursor'),
  together: fc.integer({ min: 1, max: 2 }),
  gone: fc.uniqueArray(fc.nat(4), { maxLength: 1 }),
  hours: fc.nat(3),
  reach: fc.option(fc.integer({ min: 1, max: 2 }), { nil: undefined }),
  expires: fc.nat(2),
  asks: fc.constantFrom('nothing', 'setup', 'count'),
  broken: fc.uniqueArray(fc.nat(11), { maxLength: 2 }),
});

const Row = z.object({ id: z.number(), parent: z.number(), updated: z.iso.datetime() });
const Parent = z.object({ id: z.number() });
export type Row = z.output<typeof Row>;

/** All records of a shape that can be listed. Those of a family are spread over the hours. */
export function rowsOf({ families, levels, gone, hours }: Shape): Row[] {
  return families
    .flatMap((count, parent) => Array.from({ length: count }, (_, i) => ({ parent, id: 100 * parent + i, i })))
    .filter(({ parent }) => levels === 0 || !gone.includes(parent))
    .map(({ parent, id, i }) => ({
      ...{ id, parent },
      updated: new Date(START - (hours === 0 ? 1 : 1 + ((i * 7) % (hours * 10))) * (HOUR / 10)).toISOString(),
    }));
}

type Spec = Parameters<typeof defineConnector>[0];
type Window = { readonly from: { readonly millis: number }; readonly to: { readonly millis: number } };

export function connectorOf(shape: Shape): Connector {
  const { paging, size, levels, listed, together, hours, asks } = shape;
  const of = (parents: readonly number[], window: Window) => ({
    ...(levels === 0 ? {} : { of: parents.join() }),
    ...(hours === 0 ? {} : { from: window.from.millis, to: window.to.millis }),
  });
  type At = { readonly parents: readonly number[]; readonly window: Window };
  const byKey = {
    request: ({ page, parents, window }: At & { page: { after: number | string | undefined } }) => ({
      path: '/rows',
      query: { ...of(parents, window), after: page.after ?? -1, by: 'key' },
    }),
    paging: keyset({ size, after: (last) => last.id, more: (reply) => reply.body.next !== null }),
  };
  const shared = {
    records: (body: { rows: unknown[] }) => body.rows,
    schema: Row,
    key: 'id',
    ...(levels === 0 ? {} : { each: { of: 'parents', pick: (parent: { id: number }) => parent.id, together } }),
    ...(asks === 'setup'
      ? {
          setup: {
            request: () => ({ path: '/setup' }),
            read: (reply: { body: { fields: string } }) => reply.body.fields,
          },
        }
      : {}),
    ...(asks === 'count' && paging !== 'job'
      ? {
          count: {
            request: ({ parents, window }: At) => ({ path: '/count', query: of(parents, window) }),
            read: (reply: { body: { total: number } }) => reply.body.total,
            exact: true,
          },
        }
      : {}),
    ...(hours === 0
      ? {}
      : {
          since: {
            field: (row: { updated: string }) => row.updated,
            lookback: '1 second' as const,
            start: new Date(START - hours * HOUR).toISOString(),
          },
          slices: {
            width: '1 hour' as const,
            least: '30 minutes' as const,
            ...(paging === 'job' ? {} : { byKey }),
          },
        }),
  } as const;
  const total = { total: (reply: { body: { total: number } }) => reply.body.total };
  const rows = (stream: Parameters<Spec['streams']>[0]): Stream => {
    switch (paging) {
      case 'pages':
      case 'endless pages':
        return stream({
          ...shared,
          ...(paging === 'pages' ? total : {}),
          paging: pages({ size }),
          request: ({ page, parents, window, setup }) => ({
            path: '/rows',
            query: { ...of(parents, window), fields: setup, offset: (page.number - 1) * size },
          }),
        });
      case 'offsets':
      case 'endless offsets':
        return stream({
          ...shared,
          ...(paging === 'offsets' ? total : {}),
          paging: offsets({ size }),
          request: ({ page, parents, window, setup }) => ({
            path: '/rows',
            query: { ...of(parents, window), fields: setup, offset: page.offset },
          }),
        });
      case 'cursor':
        return stream({
          ...shared,
          paging: cursor({ size, next: (reply) => reply.body.next }),
          order: 'by key',
          request: ({ page, parents, window, setup }) => ({
            path: '/rows',
            query: { ...of(parents, window), fields: setup, after: page.cursor },
          }),
        });
      case 'keyset':
        return stream({
          ...shared,
          paging: keyset({ size, after: (row) => row.id, more: (reply) => reply.body.next !== null }),
          order: 'by key',
          request: ({ page, parents, window, setup }) => ({
            path: '/rows',
            query: { ...of(parents, window), fields: setup, after: page.after },
          }),
        });
      case 'job':
        return stream({
          ...shared,
          paging: job({
            start: (reply) => reply.body.id,
            ready: (reply) => reply.body.ready,
            files: (reply) => reply.body.files,
          }),
          request: ({ page, parents, window, setup }) =>
            page.job === undefined
              ? { path: '/jobs', query: { ...of(parents, window), fields: setup } }
              : { path: '/job', query: { id: page.job } },
        });
      case 'links':
        return stream({
          ...shared,
          paging: links({ size }),
          request: ({ parents, window, setup }) => ({
            path: '/rows',
            query: { ...of(parents, window), fields: setup },
          }),
        });
    }
  };
  const below = (grandparents: readonly unknown[]) => (levels === 2 ? { of: grandparents.join() } : {});
  const parents = {
    ...(levels === 2 ? { each: { of: 'grandparents', pick: (one: { id: number }) => one.id } } : {}),
    records: (body: { rows: unknown[] }) => body.rows,
    ...total,
    schema: Parent,
    key: 'id',
  } as const;
  return defineConnector({
    name: 'test',
    docs: 'none',
    baseUrl: 'http://api.test',
    params: z.object({}),
    auth: none(),
    limits: [],
    errors: [
      { when: (reply) => reply.status === 404, is: 'empty', because: 'the parent is gone' },
      { when: (reply) => reply.status === 419, is: 'restart', because: 'the cursor has expired' },
    ],
    streams: (stream) => ({
      grandparents: stream({
        request: ({ page }) => ({ path: '/grandparents', query: { after: page.cursor } }),
        paging: cursor({ size: 2, next: (reply) => reply.body.next }),
        order: 'by key',
        records: (body) => body.rows,
        schema: Parent,
        key: 'id',
      }),
      parents:
        listed === 'pages'
          ? stream({
              ...parents,
              paging: pages({ size: 2 }),
              request: ({ page, parents }) => ({
                path: '/parents',
                query: { ...below(parents), offset: (page.number - 1) * 2 },
              }),
            })
          : stream({
              ...parents,
              paging: cursor({ size: 2, next: (reply) => reply.body.next }),
              order: 'by key',
              request: ({ page, parents }) => ({ path: '/parents', query: { ...below(parents), after: page.cursor } }),
            }),
      rows: rows(stream),
    }),
  });
}

/** An API that holds a shape's records. `mend`: from now on it refuses nothing. */
export function apiOf(shape: Shape): { answer(request: WireRequest): WireReply; mend(): void } {
  const { size, families, gone, reach, broken } = shape;
  const rows = rowsOf(shape);
  const parents = families.map((_, id) => ({ id }));
  const asked = new Set<string>();
  let { expires } = shape;
  let mended = false;
  const reply = (status: number, body: unknown, headers: Record<string, string> = {}): WireReply => ({
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: new TextEncoder().encode(JSON.stringify(body)),
  });

  function page(url: URL, all: readonly { readonly id: number }[], length: number): WireReply {
    const after = url.searchParams.get('after');
    const found = all.findIndex(({ id }) => id > Number(after));
    const offset = Number(url.searchParams.get('offset') ?? 0);
    const start = after === null ? offset : found < 0 ? all.length : found;
    const more = start + length < all.length;
    const next = new URL(url);
    next.searchParams.set('offset', String(start + length));
    return reply(
      200,
      {
        rows: all.slice(start, start + length),
        total: all.length,
        next: more ? String(all[start + length - 1]?.id) : null,
      },
      { link: `<${next.href}>; rel="${more ? 'next' : 'last'}"` },
    );
  }

  function hasExpired(query: URLSearchParams): boolean {
    const isLater = Number(query.get('offset') ?? 0) > 0 || query.has('after');
    if (!isLater || expires === 0) return false;
    expires -= 1;
    return true;
  }

  /** Of each job: its rows, and how often it was asked for. It is ready at the second time, and has two files. */
  const jobs: { readonly rows: readonly object[]; polls: number }[] = [];
  function aboutJob({ pathname, searchParams: query }: URL): WireReply {
    const id = Number(query.get('id'));
    const found = jobs[id];
    if (found === undefined) return reply(400, {});
    const cut = Math.ceil(found.rows.length / 2);
    if (pathname === '/file')
      return reply(200, { rows: query.get('at') === '0' ? found.rows.slice(0, cut) : found.rows.slice(cut) });
    found.polls += 1;
    return reply(200, { ready: found.polls > 1, files: [0, 1].map((at) => `/file?id=${id}&at=${at}`) });
  }

  function listing(url: URL): WireReply {
    const { searchParams: query, pathname } = url;
    const [from, to] = [Number(query.get('from') ?? 0), Number(query.get('to') ?? Number.POSITIVE_INFINITY)];
    const of = query.get('of')?.split(',').map(Number);
    if (of?.every((each) => gone.includes(each))) return reply(404, {});
    const all = rows.filter(({ parent, updated }) => {
      const at = Date.parse(updated);
      return (of === undefined || of.includes(parent)) && at >= from && at < to;
    });
    if (pathname === '/jobs') return reply(200, { id: String(jobs.push({ rows: all, polls: 0 }) - 1) });
    if (pathname === '/count') return reply(200, { total: all.length });
    const byKey = query.get('by') === 'key';
    if (!byKey && (shape.paging === 'cursor' || shape.paging === 'links') && hasExpired(query)) return reply(419, {});
    const start = query.has('after')
      ? all.filter(({ id }) => id <= Number(query.get('after'))).length
      : Number(query.get('offset') ?? 0);
    if (shape.hours > 0 && reach !== undefined && !byKey && start >= reach * size) return reply(400, {});
    return page(url, all, size);
  }

  return {
    mend() {
      mended = true;
    },
    answer(request) {
      const url = new URL(request.url);
      const place = asked.has(url.href) ? [...asked].indexOf(url.href) : asked.size;
      asked.add(url.href);
      if (!mended && broken.includes(place)) return reply(409, {});
      switch (url.pathname) {
        case '/setup':
          return reply(200, { fields: 'all' });
        case '/job':
        case '/file':
          return aboutJob(url);
        case '/grandparents':
          return page(url, parents.slice(0, 2), 2);
        case '/parents': {
          const of = url.searchParams.get('of');
          if (shape.listed === 'cursor' && hasExpired(url.searchParams)) return reply(419, {});
          return page(url, of === null ? parents : parents.filter(({ id }) => id % 2 === Number(of)), 2);
        }
        default:
          return listing(url);
      }
    },
  };
}
