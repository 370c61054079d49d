import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { cursor, defineConnector, none, pages } from '../../../lib/core/connector/connector.ts';
import { hostile } from '../../hostile/api.ts';
import { hostileConnector } from '../../hostile/connector.ts';
import { rowsOf } from '../../hostile/rows.ts';
import { rows } from '../kinds.ts';
import { type Api, json, makeWorld } from '../world.ts';

const DAY = 86_400_000;
/** When the world begins. */
const NOW = Date.UTC(2026, 10, 22, 12);
const Item = z.object({ id: z.number(), updated: z.iso.datetime() });
const items = (count: number, every: number) =>
  Array.from({ length: count }, (_, id) => ({ id, updated: new Date(NOW - (count - id) * every).toISOString() }));

/** Records by time, listed by cursor, by slices of ten days; and the children of rows, by page, three rows at a time. */
const connector = defineConnector({
  name: 'test',
  docs: 'none',
  baseUrl: 'http://api.test',
  params: z.object({}),
  auth: none(),
  limits: [],
  errors: [{ when: (reply) => reply.status === 404, is: 'empty', because: 'the parent is gone' }],
  streams: (stream) => ({
    items: stream({
      request: ({ page, window }) => ({
        path: '/items',
        query: { from: window.from.iso, to: window.to.iso, cursor: page.cursor, size: page.size },
      }),
      paging: cursor({ size: 10, next: (reply) => reply.body.next }),
      records: (body) => body.rows,
      schema: Item,
      key: 'id',
      since: { field: (item) => item.updated, lookback: '1 day', start: '2026-01-01T00:00:00Z' },
      slices: { width: '10 days', least: '1 hour' },
    }),
    parents: stream({
      request: ({ page }) => ({ path: '/parents', query: { page: page.number, size: page.size } }),
      paging: pages({ size: 10 }),
      records: (body) => body.rows,
      total: (reply) => reply.body.total,
      schema: z.object({ id: z.number() }),
      key: 'id',
    }),
    children: stream({
      each: { of: 'parents', pick: (parent) => parent.id as number },
      request: ({ page, parent }) => ({
        path: `/parents/${parent}/children`,
        query: { cursor: page.cursor, size: 10 },
      }),
      paging: cursor({ size: 10, next: (reply) => reply.body.next }),
      records: (body) => body.rows,
      schema: z.object({ id: z.number() }),
      key: 'id',
      map: (child, { parent }) => ({ parent, ...child }),
    }),
    grandchildren: stream({
      each: { of: 'children', pick: (child) => child.id as number, together: 3 },
      request: ({ parents, page }) => ({ path: '/grandchildren', query: { of: parents.join(), page: page.number } }),
      paging: pages({ size: 10 }),
      records: (body) => body.rows,
      total: (reply) => reply.body.total,
      schema: z.object({ id: z.number() }),
      key: 'id',
    }),
  }),
});

const page = <T>(all: readonly T[], start: number) =>
  json({ rows: all.slice(start, start + 10), total: all.length, next: start + 10 < all.length ? start + 10 : null });

/** Parent `n` has `n` children, numbered from 100 n; each child has one grandchild of its own number. */
const family =
  (parents: number, gone: ReadonlySet<number> = new Set()): Api =>
  ({ path, query }) => {
    const at = query.has('page') ? (Number(query.get('page')) - 1) * 10 : Number(query.get('cursor') ?? 0);
    if (path === '/parents') return page(rows(parents), at);
    if (path === '/grandchildren')
      return page(
        (query.get('of') ?? '').split(',').map((id) => ({ id: Number(id) })),
        at,
      );
    const parent = Number(path.split('/')[2]);
    return gone.has(parent)
      ? json({}, {}, 404)
      : page(
          rows(parent).map(({ id }) => ({ id: 100 * parent + id })),
          at,
        );
  };

const timed =
  (all: readonly z.output<typeof Item>[]): Api =>
  ({ query }) => {
    const [from, to] = [query.get('from') ?? '', query.get('to') ?? ''];
    return page(
      all.filter(({ updated }) => updated >= from && updated < to),
      Number(query.get('cursor') ?? 0),
    );
  };

const idsOf = (delivered: readonly unknown[]): number[] =>
  delivered.map((row) => Number(Reflect.get(Object(row), 'id'))).sort((a, b) => a - b);

describe('slices of time', () => {
  it('cut the whole window: each record comes once, and the receipt counts all slices', async () => {
    const all = items(500, DAY / 2);
    const world = makeWorld({ connector, api: timed(all) });
    const receipt = await world.sync('items');
    assert.equal(receipt.verdict, 'COMPLETE');
    assert.equal(receipt.evidence, 'end');
    assert.deepEqual(idsOf(world.delivered(receipt)), idsOf(all));
    assert.equal(receipt.requests.sent, world.http.requests.length);
    assert.equal(receipt.watermark.after, all.at(-1)?.updated);
  });

  it('of a later sync are cut from what is new', async () => {
    const world = makeWorld({ connector, api: timed(items(500, DAY / 2)) });
    await world.sync('items');
    const before = world.http.requests.length;
    const second = await world.sync('items');
    assert.equal(second.mode, 'incremental');
    assert.equal(world.http.requests.length - before, 1);
  });

  it('one that fails is named, and the others are delivered', async () => {
    const all = timed(items(500, DAY / 2));
    const world = makeWorld({
      connector,
      api: (request) =>
        (request.query.get('from') ?? '') < '2026-04-02' && (request.query.get('to') ?? '') > '2026-04-02'
          ? json({}, {}, 403)
          : all(request),
    });
    const receipt = await world.sync('items');
    assert.equal(receipt.verdict, 'INCOMPLETE');
    assert.deepEqual(
      receipt.reasons.map(({ code, slices }) => [code, slices?.map(({ slice }) => slice)]),
      [
        ['http-403', ['2026-04-01T00:00:00.000Z to 2026-04-11T00:00:00.000Z']],
        ['cut-short', ['2026-04-01T00:00:00.000Z to 2026-04-11T00:00:00.000Z']],
      ],
    );
    assert.ok(receipt.records.delivered > 300);
    assert.equal(receipt.watermark.after, null);
  });
});

for (const moment of ['before', 'after'] as const) {
  it(`slices that are cut while workers die at every second call, ${moment} its effect: nothing is lost, nothing counts twice`, async () => {
    const cut = hostileConnector('pages', { total: true, slices: '6 hours' });
    const limited = () => hostile(rowsOf(30), { limit: { records: 10, by: '400' } });
    const clean = makeWorld({ connector: cut, api: limited() });
    await clean.sync('rows');
    for (let call = moment === 'before' ? 1 : 2; call <= clean.calls(); call += 2) {
      const world = makeWorld({ connector: cut, api: limited(), death: { call, moment } });
      const receipt = await world.sync('rows');
      assert.equal(receipt.verdict, 'COMPLETE', `death at call ${call}`);
      assert.equal(receipt.records.delivered, 30, `death at call ${call}`);
      assert.equal(new Set(idsOf(world.delivered(receipt))).size, 30, `death at call ${call}`);
    }
  });
}

describe('parents', () => {
  it('each is listed on its own: the children come once, and are told of their parent', async () => {
    const world = makeWorld({ connector, api: family(35) });
    const receipt = await world.sync('children');
    assert.equal(receipt.verdict, 'COMPLETE');
    assert.equal(receipt.evidence, 'end');
    assert.equal(receipt.records.delivered, (34 * 35) / 2);
    const delivered = world.delivered(receipt);
    assert.equal(new Set(idsOf(delivered)).size, delivered.length);
    for (const row of delivered)
      assert.equal(Reflect.get(Object(row), 'parent'), Math.floor(Reflect.get(Object(row), 'id') / 100));
    assert.equal(receipt.requests.sent, world.http.requests.length);
  });

  it('none: a sync of nothing is COMPLETE', async () => {
    const world = makeWorld({ connector, api: family(0) });
    const receipt = await world.sync('children');
    assert.deepEqual([receipt.verdict, receipt.records.delivered], ['COMPLETE', 0]);
    assert.equal(world.http.requests.length, 1);
  });

  it('one that vanished has no children, by the rule that says so', async () => {
    const world = makeWorld({ connector, api: family(20, new Set([3, 17])) });
    const receipt = await world.sync('children');
    assert.equal(receipt.verdict, 'COMPLETE');
    assert.equal(receipt.records.delivered, (19 * 20) / 2 - 3 - 17);
  });

  it('whose listing fails are missing: INCOMPLETE, though all children of the others came', async () => {
    const all = family(35);
    const world = makeWorld({
      connector,
      api: (request) =>
        request.path === '/parents' && request.query.get('page') === '2' ? json({}, {}, 403) : all(request),
    });
    const receipt = await world.sync('children');
    assert.equal(receipt.verdict, 'INCOMPLETE');
    assert.deepEqual(
      receipt.reasons.map(({ code }) => code),
      ['http-403', 'count'],
    );
    assert.deepEqual(receipt.reasons[0]?.slices, [{ slice: 'all parents', pages: [2] }]);
    assert.ok(receipt.records.delivered > 0);
  });

  it('of parents: grandchildren, some parents together in one request', async () => {
    const world = makeWorld({ connector, api: family(15) });
    const receipt = await world.sync('grandchildren');
    assert.equal(receipt.verdict, 'COMPLETE');
    assert.deepEqual(receipt.reasons, []);
    assert.equal(receipt.records.delivered, (14 * 15) / 2);
    assert.equal(new Set(idsOf(world.delivered(receipt))).size, (14 * 15) / 2);
  });

  for (const moment of ['before', 'after'] as const) {
    it(`a worker that dies at any call, ${moment} its effect: nothing is lost, nothing counts twice`, async () => {
      const clean = makeWorld({ connector, api: family(6) });
      await clean.sync('children');
      for (let call = 1; call <= clean.calls(); call++) {
        const world = makeWorld({ connector, api: family(6), death: { call, moment } });
        const receipt = await world.sync('children');
        assert.equal(receipt.verdict, 'COMPLETE', `death at call ${call}`);
        assert.equal(receipt.records.delivered, 15, `death at call ${call}`);
        assert.equal(new Set(idsOf(world.delivered(receipt))).size, 15, `death at call ${call}`);
      }
    });
  }
});

describe('whatever failed, asked for again', () => {
  const cases: [stream: string, api: Api][] = [
    ['items', timed(items(200, DAY))],
    ['children', family(25)],
    ['grandchildren', family(9)],
  ];
  for (const [stream, api] of cases) {
    it(`${stream}: each request that fails, alone and with others, is made up for in the same sync`, async () => {
      const clean = makeWorld({ connector, api });
      const expected = idsOf(clean.delivered(await clean.sync(stream)));
      const urls = clean.http.requests.map(({ url }) => url);
      const attacks = [
        ...urls.map((url) => [url]),
        urls.slice(0, 3),
        urls.filter((_, i) => i % 3 === 1),
        urls.slice(1),
      ];
      for (const broken of attacks) {
        let mended = false;
        const world = makeWorld({
          connector,
          api: (request) => (!mended && broken.includes(request.url) ? json({}, {}, 403) : api(request)),
        });
        const first = await world.sync(stream);
        assert.equal(first.verdict, 'INCOMPLETE');
        // What was never opened, because its parents were not found, fails only once they are.
        for (let failed = await world.sendBack(); failed > 0; failed = await world.sendBack()) {
          mended = true;
          await world.settle();
        }
        const last = world.receipts().at(-1);
        assert.ok(last);
        assert.deepEqual([last.sync, last.verdict, last.reasons], [first.sync, 'COMPLETE', []], broken.join());
        assert.deepEqual(idsOf(world.delivered(last)), expected, broken.join());
        assert.deepEqual(world.receipts()[0], first);
      }
    });
  }
});
