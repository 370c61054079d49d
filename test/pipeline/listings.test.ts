import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { cursor, defineConnector, keyset, links, none, offsets, one, pages, type Stream } from '../../lib/core/connector.ts';
import { type Api, json, makeWorld } from './world.ts';

const Row = z.object({ id: z.number() });
const rows = (count: number) => Array.from({ length: count }, (_, id) => ({ id }));

/** A connector with one stream, `rows`. */
const connectorOf = (stream: (define: Parameters<Parameters<typeof defineConnector>[0]['streams']>[0]) => Stream) =>
  defineConnector({
    name: 'test',
    docs: 'none',
    baseUrl: 'http://api.test',
    params: z.object({}),
    auth: none(),
    limits: [],
    streams: (define) => ({ rows: stream(define) }),
  });

const numbered = (total: boolean) =>
  connectorOf((stream) =>
    stream({
      request: ({ page }) => ({ path: '/rows', query: { page: page.number, size: page.size } }),
      paging: pages({ size: 10 }),
      records: (body) => body.rows,
      schema: Row,
      key: 'id',
      ...(total ? { total: (reply) => reply.body.total } : {}),
    }),
  );

const byOffset = (total: boolean) =>
  connectorOf((stream) =>
    stream({
      request: ({ page }) => ({ path: '/rows', query: { offset: page.offset, size: page.size } }),
      paging: offsets({ size: 10 }),
      records: (body) => body.rows,
      schema: Row,
      key: 'id',
      ...(total ? { total: (reply) => reply.body.total } : {}),
    }),
  );

/** An honest API over some rows, for pages, offsets, cursors, keysets and links alike. */
const honest =
  (all: readonly { id: number }[]): Api =>
  ({ query, url }) => {
    const size = Number(query.get('size'));
    const number = query.get('page');
    const start = number !== null ? (Number(number) - 1) * size : Number(query.get('offset') ?? query.get('cursor') ?? 0);
    const found = all.slice(start, start + size);
    const next = start + size < all.length ? start + size : null;
    const link = new URL(url);
    link.searchParams.set('offset', String(next));
    return json({ rows: found, total: all.length, next, more: next !== null }, next === null ? {} : { link: `<${link.href}>; rel="next"` });
  };

const kinds = {
  'pages with a total': { connector: numbered(true), evidence: 'count' },
  'offsets with a total': { connector: byOffset(true), evidence: 'overlap' },
  'offsets without a total': { connector: byOffset(false), evidence: 'overlap' },
  cursor: {
    connector: connectorOf((stream) =>
      stream({
        request: ({ page }) => ({ path: '/rows', query: { cursor: page.cursor, size: page.size } }),
        paging: cursor({ size: 10, next: (reply) => reply.body.next }),
        records: (body) => body.rows,
        schema: Row,
        key: 'id',
      }),
    ),
    evidence: 'cursor',
  },
  keyset: {
    connector: connectorOf((stream) =>
      stream({
        request: ({ page }) => ({
          path: '/rows',
          query: { offset: page.after === undefined ? 0 : Number(page.after) + 1, size: page.size },
        }),
        paging: keyset({ size: 10, after: (last) => last.id, more: (reply) => reply.body.more }),
        records: (body) => body.rows,
        schema: Row,
        key: 'id',
      }),
    ),
    evidence: 'cursor',
  },
  links: {
    connector: connectorOf((stream) =>
      stream({
        request: ({ page }) => ({ path: '/rows', query: { size: page.size } }),
        paging: links({ size: 10 }),
        records: (body) => body.rows,
        schema: Row,
        key: 'id',
      }),
    ),
    evidence: 'end',
  },
} as const;

for (const [kind, { connector, evidence }] of Object.entries(kinds)) {
  describe(kind, () => {
    for (const count of [0, 1, 9, 10, 11, 90, 91, 100, 1_275, 3_001]) {
      it(`${count} records: COMPLETE, each delivered once`, async () => {
        const world = makeWorld({ connector, api: honest(rows(count)) });
        const receipt = await world.sync('rows');
        assert.deepEqual(receipt.reasons, []);
        assert.equal(receipt.verdict, 'COMPLETE');
        assert.equal(receipt.evidence, evidence);
        assert.equal(receipt.records.delivered, count);
        const ids = world.delivered(receipt).map((row) => Reflect.get(Object(row), 'id'));
        assert.deepEqual(ids.sort((a, b) => a - b), rows(count).map(({ id }) => id));
        assert.equal(receipt.requests.sent, world.http.requests.length);
        assert.equal(world.events.published.length, 1);
      });
    }
  });
}

it('pages without a total or an end are UNKNOWN: the end is only inferred', async () => {
  const world = makeWorld({ connector: numbered(false), api: honest(rows(345)) });
  const receipt = await world.sync('rows');
  assert.equal(receipt.verdict, 'UNKNOWN');
  assert.deepEqual(receipt.reasons.map(({ code }) => code), ['end-inferred']);
  assert.equal(receipt.records.delivered, 345);
});

it('one: the whole listing is one answer', async () => {
  const connector = connectorOf((stream) =>
    stream({ request: () => ({ path: '/rows' }), paging: one(), records: (body) => body, schema: Row, key: 'id' }),
  );
  const world = makeWorld({ connector, api: () => json(rows(7)) });
  const receipt = await world.sync('rows');
  assert.equal(receipt.verdict, 'COMPLETE');
  assert.equal(receipt.records.delivered, 7);
  assert.equal(world.http.requests.length, 1);
});

describe('an API that lies', () => {
  it('an empty page in the middle is no end: INCOMPLETE, and the page is named', async () => {
    const all = honest(rows(100));
    const world = makeWorld({
      connector: numbered(true),
      api: (request) => (request.query.get('page') === '3' ? json({ rows: [], total: 100 }) : all(request)),
    });
    const receipt = await world.sync('rows');
    assert.equal(receipt.verdict, 'INCOMPLETE');
    assert.deepEqual(receipt.reasons.find(({ code }) => code === 'empty-page')?.pages, [3]);
    assert.equal(receipt.records.delivered, 90);
    assert.equal(receipt.pages.failed, 1);
    assert.equal(receipt.requests.retried, 5);
    assert.equal(world.failures.receive(10).length, 1);
  });

  it('an empty page that heals costs nothing but a retry', async () => {
    const all = honest(rows(100));
    let lies = 2;
    const world = makeWorld({
      connector: numbered(true),
      api: (request) => (request.query.get('page') === '3' && lies-- > 0 ? json({ rows: [], total: 100 }) : all(request)),
    });
    const receipt = await world.sync('rows');
    assert.equal(receipt.verdict, 'COMPLETE');
    assert.deepEqual(receipt.requests, { sent: 12, throttled: 0, retried: 2 });
  });

  it('a total that is too high is a count that does not agree', async () => {
    const world = makeWorld({ connector: numbered(true), api: (request) => {
      const number = Number(request.query.get('page'));
      return json({ rows: number === 10 ? rows(5) : rows(10).map(({ id }) => ({ id: number * 10 + id })), total: 100 });
    } });
    const receipt = await world.sync('rows');
    assert.equal(receipt.verdict, 'INCOMPLETE');
    assert.deepEqual(receipt.reasons.map(({ code }) => code), ['count']);
  });

  it('a cursor that comes back is a loop, not a sync without end', async () => {
    const { connector } = kinds.cursor;
    const world = makeWorld({ connector, api: ({ query }) => json({ rows: rows(10), next: (Number(query.get('cursor') ?? 0) % 5) + 1 }) });
    const receipt = await world.sync('rows');
    assert.equal(receipt.verdict, 'INCOMPLETE');
    assert.deepEqual(receipt.reasons.map(({ code }) => code), ['loop', 'cut-short']);
    assert.ok(world.http.requests.length < 20);
  });

  it('a next link to another origin is not followed', async () => {
    const world = makeWorld({ connector: kinds.links.connector, api: () => json({ rows: rows(10) }, { link: '<http://evil.test/rows>; rel="next"' }) });
    const receipt = await world.sync('rows');
    assert.deepEqual(receipt.reasons.map(({ code }) => code), ['stuck', 'cut-short']);
    assert.equal(world.http.requests.length, 1);
  });

  it('an API that cannot be reached ends INCOMPLETE, and says so', async () => {
    const world = makeWorld({ connector: numbered(true), api: () => ({ failed: 'unreachable', message: 'connection refused' }) });
    const receipt = await world.sync('rows');
    assert.equal(receipt.verdict, 'INCOMPLETE');
    assert.deepEqual(receipt.reasons[0], { code: 'unreachable', message: 'connection refused', pages: [1] });
    assert.equal(world.http.requests.length, 5);
  });
});
