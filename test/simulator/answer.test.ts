import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import * as z from 'zod';
import {
  type Connector,
  type ConnectorSpec,
  cursor,
  defineConnector,
  keyset,
  links,
  none,
  offsets,
  one,
  pages,
  type Request,
  type Stream,
} from '../../lib/core/connector/connector.ts';
import { type Instant, instant } from '../../lib/core/dates.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../lib/core/time.ts';
import { FIRST_START } from '../../lib/core/verdict/watermark.ts';
import { answer } from '../../lib/simulator/answer.ts';
import { type Model, modelOf } from '../../lib/simulator/model.ts';

const params = z.object({});
type Streams = ConnectorSpec<typeof params, undefined, Record<string, Stream>>['streams'];
const declare = (streams: Streams): Connector =>
  defineConnector({ name: 'small', docs: 'here', params, baseUrl: 'http://any', auth: none(), limits: [], streams });

/** Asks a model without a server. */
function ask(model: Model, request: Request) {
  const url = new URL(request.path, 'http://any');
  for (const [name, value] of Object.entries(request.query ?? {}))
    if (value !== undefined) url.searchParams.set(name, String(value));
  return answer(model, {
    method: request.method ?? 'GET',
    url,
    headers: request.json === undefined ? {} : { 'content-type': 'application/json' },
    body: request.json === undefined ? '' : JSON.stringify(request.json),
    now: 0,
  });
}

type Window = { readonly from: Instant; readonly to: Instant };
type Dated = {
  /** How the request tells the window. */
  readonly request: (window: Window) => Request;
  /** The field with the date, and how exactly the request and the field tell it, in milliseconds. */
  readonly changed: z.ZodType<string | number, string | number>;
  readonly resolution: { readonly request: number; readonly field: number };
  /** Whether the request says where the window ends. */
  readonly open?: boolean;
};

const isoText = (date: Instant) => date.iso;
const query =
  (write: (date: Instant) => string | number) =>
  ({ from, to }: Window): Request => ({
    path: '/items',
    query: { from: write(from), to: write(to) },
  });

const DATED: Readonly<Record<string, Dated>> = {
  'ISO dates in the query': {
    request: query(isoText),
    changed: z.iso.datetime(),
    resolution: { request: 1, field: 1 },
  },
  'seconds in the query, seconds in the record': {
    request: query((date) => date.seconds),
    changed: z.int(),
    resolution: { request: SECOND, field: SECOND },
  },
  'milliseconds in a filter, an open end': {
    request: ({ from }) => ({
      method: 'POST',
      path: '/search',
      json: { filters: [{ name: 'changed', op: '>=', value: from.millis }] },
    }),
    changed: z.iso.datetime({ precision: 0 }),
    resolution: { request: 1, field: SECOND },
    open: true,
  },
  'dates in a query language': {
    request: ({ from, to }) => ({
      path: '/query',
      query: { q: `SELECT Id FROM Item WHERE Changed >= ${from.iso} AND Changed < ${to.iso}` },
    }),
    changed: z.string(),
    resolution: { request: 1, field: 1 },
  },
  'minutes in a query language': {
    request: ({ from, to }) => {
      const minute = ({ iso }: Instant) => iso.slice(0, 16).replace('T', ' ');
      return {
        method: 'POST',
        path: '/search',
        json: { jql: `updated >= "${minute(from)}" AND updated < "${minute(to)}"` },
      };
    },
    changed: z.int().min(1e12),
    resolution: { request: MINUTE, field: 1 },
  },
  'days in the path': {
    request: ({ from, to }) => ({ path: `/changes/${from.iso.slice(0, 10)}/${to.iso.slice(0, 10)}` }),
    changed: z.iso.date(),
    resolution: { request: DAY, field: DAY },
  },
  'a first sync that sends no date': {
    request: ({ from }) => ({
      path: '/items',
      query: { since: from.millis === FIRST_START ? undefined : from.seconds },
    }),
    changed: z.iso.datetime(),
    resolution: { request: SECOND, field: 1 },
    open: true,
  },
};

describe('a window holds exactly what changed in it', () => {
  for (const [title, { request, changed, resolution, open }] of Object.entries(DATED)) {
    test(title, () => {
      const count = 2_000;
      const connector = declare((stream) => ({
        items: stream({
          request: ({ window }) => request(window),
          paging: one(),
          records: (body) => body.items,
          total: (reply) => reply.body.total,
          schema: z.object({ id: z.int(), meta: z.object({ changed: changed.optional() }) }),
          key: 'id',
          since: { field: (item) => item.meta.changed ?? '', lookback: '1 minute' },
        }),
      }));
      const model = modelOf(connector, { records: count });
      const [stream = assert.fail()] = model.streams;
      const { changedAt = assert.fail(), record } = stream.records;
      const all = Array.from({ length: count }, (_, index) => ({ at: changedAt(index), record: record(index) }));
      const [first, last] = [changedAt(0), changedAt(count - 1)];
      const rounded = (millis: number) => Math.floor(millis / resolution.request) * resolution.request;
      const moment = fc.oneof(
        fc.constantFrom(FIRST_START, first, last, last + 1),
        fc.integer({ min: first - HOUR, max: last + HOUR }),
        fc.integer({ min: 0, max: count - 1 }).map(changedAt),
      );
      fc.assert(
        fc.property(moment, moment, (one, two) => {
          const [from, to] = one < two ? [one, two] : [two, one];
          const window = { from: instant(from), to: instant(to) };
          const { status, body } = ask(model, request(window));
          const end = open ? Infinity : rounded(to);
          const items = all.filter(({ at }) => at >= rounded(from) && at < end).map((item) => item.record);
          assert.equal(status, 200);
          assert.deepEqual(body, { items, total: items.length });
        }),
        { numRuns: 60 },
      );
    });
  }
});

test('a chain keeps the window it began with, even where later requests do not tell it', () => {
  const connector = declare((stream) => ({
    items: stream({
      request: ({ page, window }) => ({
        path: '/items',
        query: page.cursor === undefined ? { since: window.from.iso } : { cursor: page.cursor },
      }),
      paging: cursor({ size: 10, next: (reply) => reply.body.next }),
      records: (body) => body.items,
      schema: z.object({ id: z.int(), changed: z.iso.datetime() }),
      key: 'id',
      since: { field: (item) => item.changed, lookback: '1 minute' },
    }),
  }));
  const model = modelOf(connector, { records: 100 });
  const [stream = assert.fail()] = model.streams;
  const since = new Date(stream.records.changedAt?.(75) ?? assert.fail()).toISOString();
  const page = z.object({ items: z.array(z.unknown()), next: z.string().nullable() });
  const found: unknown[] = [];
  for (let next: string | null = ''; next !== null; ) {
    const reply = page.parse(ask(model, { path: '/items', query: next === '' ? { since } : { cursor: next } }).body);
    found.push(...reply.items);
    next = reply.next;
  }
  assert.deepEqual(
    found,
    Array.from({ length: 25 }, (_, at) => stream.records.record(75 + at)),
  );
});

const Item = z.object({ id: z.int(), name: z.string() });
const kinds = declare((stream) => ({
  pages: stream({
    request: ({ page }) => ({ path: '/pages', query: { page: page.number, size: page.size } }),
    paging: pages({ size: 100 }),
    records: (body) => body.items,
    total: (reply) => reply.body.total,
    schema: Item,
    key: 'id',
  }),
  offsets: stream({
    request: ({ page }) => ({ path: '/offsets', query: { offset: page.offset } }),
    paging: offsets({ size: 100 }),
    records: (body) => body,
    schema: Item,
    key: 'id',
  }),
  cursors: stream({
    request: ({ page }) => ({ path: '/cursors', query: { cursor: page.cursor } }),
    paging: cursor({ size: 100, next: (reply) => reply.body.next }),
    records: (body) => body.items,
    schema: Item,
    key: 'id',
  }),
  links: stream({
    request: () => ({ path: '/links' }),
    paging: links({ size: 100 }),
    records: (body) => body,
    schema: Item,
    key: 'id',
  }),
  keys: stream({
    request: ({ page }) => ({ path: '/keys', query: { after: page.after } }),
    paging: keyset({ size: 100, after: (last) => last.id, more: (reply) => reply.body.more }),
    records: (body) => body.items,
    schema: Item,
    key: 'id',
  }),
}));

describe('a page that there cannot be is refused', () => {
  const model = modelOf(kinds);
  const text = (stream: string, start: number) => btoa(JSON.stringify({ stream, start, from: null, to: null }));
  const cases: Readonly<Record<string, Request>> = {
    'page 0 of those counted from 1': { path: '/pages', query: { page: 0, size: 100 } },
    'a cursor that nobody gave': { path: '/cursors', query: { cursor: 'bm9uc2Vuc2U=' } },
    'a cursor of another stream': { path: '/cursors', query: { cursor: text('links', 100) } },
    'a cursor before the beginning': { path: '/cursors', query: { cursor: text('cursors', -1) } },
    'a key that no record has': { path: '/keys', query: { after: 17 } },
  };
  for (const [title, request] of Object.entries(cases)) {
    test(title, () => {
      const { status, body } = ask(model, request);
      assert.equal(status, 400);
      assert.match(
        z.object({ error: z.literal('invalid_page'), message: z.string() }).parse(body).message,
        /^This listing has no page /,
      );
    });
  }

  test('but one behind the end is empty', () => {
    assert.deepEqual(ask(model, { path: '/pages', query: { page: 99, size: 100 } }).body, { items: [], total: 1_000 });
    assert.deepEqual(ask(model, { path: '/offsets', query: { offset: 5_000 } }).body, []);
  });
});

describe('a request that no stream makes is answered with what is wrong with it', () => {
  const model = modelOf(kinds);
  const cases: readonly [Request, RegExp][] = [
    [{ path: '/elsewhere' }, /^No stream asks for "\/elsewhere"\. Paths asked for: "\/pages", /],
    [{ path: '/pages', query: { page: 1, size: 50 } }, /stream "pages", but query "size" is 50 instead of 100\.$/],
    [{ path: '/pages', query: { page: 1 } }, /but query "size" is missing\.$/],
    [{ path: '/pages', query: { page: 1, size: 100, sort: 'id' } }, /but query "sort" is not part of it\.$/],
    [{ path: '/pages', query: { page: 'one', size: 100 } }, /stream "pages", but /],
    [{ method: 'POST', path: '/links' }, /stream "links", but method is POST instead of GET\.$/],
  ];
  for (const [request, message] of cases) {
    test(`${request.method ?? 'GET'} ${request.path} ${JSON.stringify(request.query ?? {})}`, () => {
      const { status, body, stream } = ask(model, request);
      assert.equal(status, 404);
      assert.equal(stream, undefined);
      assert.match(z.object({ message: z.string() }).parse(body).message, message);
    });
  }
});

describe('two streams of one path', () => {
  const search = (kind: string, rows: number) => ({ method: 'POST', path: '/search', json: { kind, rows } }) as const;
  const model = modelOf(
    declare((stream) =>
      Object.fromEntries(
        ['first', 'second'].map((kind) => [
          kind,
          stream({
            request: ({ page }) => search(kind, page.size),
            paging: links({ size: 10 }),
            records: (body) => body,
            schema: Item,
            key: 'id',
          }),
        ]),
      ),
    ),
  );

  test('are told apart by what else they ask for', () => {
    assert.equal(ask(model, search('first', 10)).stream, 'first');
    assert.equal(ask(model, search('second', 10)).stream, 'second');
  });

  test('and what is wrong is said of the nearer one', () => {
    const near = (request: Request) => z.object({ message: z.string() }).parse(ask(model, request).body).message;
    assert.match(near(search('second', 7)), /stream "second", but json "\/rows" is 7 instead of 10\.$/);
    const inText = { method: 'POST', path: '/search', json: { kind: 'first', rows: '10' } } as const;
    assert.match(near(inText), /stream "first", but json "\/rows" is "10" instead of 10\.$/);
  });
});

test('a request that contradicts itself is made by no stream', () => {
  const model = modelOf(
    declare((stream) => ({
      rows: stream({
        request: ({ page }) => ({ path: '/rows', query: { from: page.offset, to: page.offset + page.size } }),
        paging: offsets({ size: 10 }),
        records: (body) => body,
        schema: Item,
        key: 'id',
      }),
    })),
  );
  assert.equal(ask(model, { path: '/rows', query: { from: 20, to: 30 } }).status, 200);
  assert.equal(ask(model, { path: '/rows', query: { from: 20, to: 40 } }).status, 404);
});

test('a link leads only to a page of a chain of links', () => {
  const cursor = btoa(JSON.stringify({ stream: 'cursors', start: 100, from: null, to: null }));
  assert.equal(ask(modelOf(kinds), { path: '/next-page', query: { cursor } }).status, 404);
});

describe('of a million records, the last page costs what the first one does', () => {
  const count = 1_000_000;
  const model = modelOf(kinds, { records: count });
  const end = (stream: string) => btoa(JSON.stringify({ stream, start: count - 100, from: null, to: null }));
  const cases: Readonly<Record<string, readonly [Request, Request]>> = {
    pages: [
      { path: '/pages', query: { page: 1, size: 100 } },
      { path: '/pages', query: { page: count / 100, size: 100 } },
    ],
    offsets: [
      { path: '/offsets', query: { offset: 0 } },
      { path: '/offsets', query: { offset: count - 100 } },
    ],
    cursors: [{ path: '/cursors' }, { path: '/cursors', query: { cursor: end('cursors') } }],
    links: [{ path: '/links' }, { path: '/next-page', query: { cursor: end('links') } }],
    keys: [{ path: '/keys' }, { path: '/keys', query: { after: 1_000_000_000 + count - 101 } }],
  };
  for (const [kind, [first, last]] of Object.entries(cases)) {
    test(kind, () => {
      const records = z.union([
        z.array(z.object({ id: z.int() })),
        z.object({ items: z.array(z.object({ id: z.int() })) }),
      ]);
      const ids = (request: Request) => {
        const body = records.parse(ask(model, request).body);
        return ('items' in body ? body.items : body).map(({ id }) => id - 1_000_000_000);
      };
      assert.deepEqual(
        ids(first),
        Array.from({ length: 100 }, (_, at) => at),
      );
      assert.deepEqual(
        ids(last),
        Array.from({ length: 100 }, (_, at) => count - 100 + at),
      );
      // A walk to the last page would take seconds; the bound only has to be far below that.
      assert.ok(fastest(() => ask(model, last)) < 20 * fastest(() => ask(model, first)) + 5);
    });
  }

  /** Of ten runs, in milliseconds: the others were disturbed. */
  const fastest = (run: () => void): number =>
    Math.min(
      ...Array.from({ length: 10 }, () => {
        const before = performance.now();
        run();
        return performance.now() - before;
      }),
    );
});
