import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { one, pages } from '../../../lib/core/connector/connector.ts';
import { connectorOf } from '../kinds.ts';
import { json, makeWorld } from '../world.ts';

const Order = z.object({ id: z.int(), total: z.number(), updated: z.iso.datetime() });
const order = (id: number, changes: object = {}) => ({
  id,
  total: id * 2,
  updated: `2026-11-2${id}T10:00:00Z`,
  ...changes,
});

const listing = connectorOf((stream) =>
  stream({
    request: ({ window }) => ({ path: '/orders', query: { since: window.from.iso } }),
    paging: one(),
    records: (body) => body,
    schema: Order,
    key: 'id',
    map: ({ id, total }) => ({ id, cents: total * 100 }),
    since: { field: (record) => record.updated, lookback: '1 hour' },
  }),
);

const bad = [
  order(0),
  order(1, { total: '2 EUR' }),
  { id: 2, updated: order(2).updated },
  order(3, { updated: 'soon' }),
  { total: 1 },
];

describe('records that do not fit their schema', () => {
  it('permissive: they are quarantined with path and reason, and the others are delivered', async () => {
    const world = makeWorld({ connector: listing, api: () => json(bad) });
    const receipt = await world.sync('rows');
    assert.deepEqual([receipt.verdict, receipt.reasons[0]?.code], ['INCOMPLETE', 'quarantined']);
    assert.deepEqual(receipt.records, { fetched: 5, delivered: 1, quarantined: 4, repeated: 0 });
    assert.deepEqual(world.delivered(receipt), [{ id: 0, cents: 0 }]);
    assert.deepEqual(
      receipt.schema.map(({ path, change, page }) => [path, change, page]),
      [
        ['id', 'missing', 1],
        ['total', 'retyped', 1],
        ['total', 'missing', 1],
        ['updated', 'missing', 1],
        ['updated', 'retyped', 1],
      ],
    );
    const [part] = world.readLines(receipt.manifest).map((line) => z.object({ quarantine: z.string() }).parse(line));
    const quarantined = world.readLines(part?.quarantine ?? '').map((line) => Reflect.get(Object(line), 'record'));
    assert.deepEqual(quarantined, bad.slice(1));
  });

  it('nor do those by which the schema, or the map, stumbles: they are quarantined, and the others of their page are delivered', async () => {
    const record = (id: number, tags: string) => ({ id, tags });
    const Tagged = z.object({ id: z.int(), tags: z.string().transform((text): unknown => JSON.parse(text)) });
    const nothing = Object.fromEntries([]);
    const how = {
      request: () => ({ path: '/orders' }),
      paging: one(),
      records: (body: unknown[]) => body,
      schema: Tagged,
      key: 'id',
    } as const;
    const connectors = [
      connectorOf((stream) => stream(how)),
      connectorOf((stream) => stream({ ...how, map: (each) => (each.id === 2 ? nothing.none : each) })),
      connectorOf((stream) => stream({ ...how, map: (each) => (each.id === 2 ? Promise.resolve(each) : each) })),
    ];
    for (const [index, connector] of connectors.entries()) {
      const world = makeWorld({
        connector,
        api: () => json([record(1, '[]'), record(2, index === 0 ? '[' : '[]'), record(3, '[]')]),
      });
      const { verdict, records } = await world.sync('rows');
      assert.deepEqual([verdict, records.delivered, records.quarantined], ['INCOMPLETE', 2, 1]);
    }
  });

  it('ten of a hundred: ninety are delivered, and each of the ten has its path and its reason', async () => {
    const hundred = Array.from({ length: 100 }, (_, id) => ({
      ...order(id % 10),
      id,
      ...(id % 10 === 3 ? { total: `${id} EUR` } : {}),
    }));
    const world = makeWorld({ connector: listing, api: () => json(hundred) });
    const receipt = await world.sync('rows');
    assert.deepEqual(receipt.records, { fetched: 100, delivered: 90, quarantined: 10, repeated: 0 });
    const [part] = world.readLines(receipt.manifest).map((line) => z.object({ quarantine: z.string() }).parse(line));
    const reasons = z.object({
      departures: z.array(z.object({ path: z.string(), change: z.string(), sample: z.string() })),
    });
    assert.deepEqual(
      world.readLines(part?.quarantine ?? '').map((line) => reasons.parse(line).departures),
      hundred.flatMap(({ total }) =>
        typeof total === 'string' ? [[{ path: 'total', change: 'retyped', sample: `"${total}"` }]] : [],
      ),
    );
  });

  it('a field that the schema would drop is delivered without and reported once; strict fails on it by its name', async () => {
    const more = Array.from({ length: 30 }, (_, id) => ({
      ...order(id % 10),
      id,
      vat: 19,
      id_token: 'x',
      ...(id === 20 ? { late: true } : {}),
    }));
    const world = makeWorld({ connector: listing, api: () => json(more) });
    const receipt = await world.sync('rows');
    assert.deepEqual([receipt.verdict, receipt.records.delivered], ['COMPLETE', 30]);
    assert.deepEqual(receipt.schema, [
      { path: 'id_token', change: 'unknown', page: 1, sample: '[redacted]' },
      { path: 'late', change: 'unknown', page: 1, sample: 'true' },
      { path: 'vat', change: 'unknown', page: 1, sample: '19' },
    ]);
    const strict = await makeWorld({ connector: listing, api: () => json(more), strict: true }).sync('rows');
    assert.match(strict.reasons[0]?.message ?? '', /"vat" is unknown \(19\)/);
  });

  it('strict: the first one fails its page, by the name of its field', async () => {
    const world = makeWorld({ connector: listing, api: () => json(bad), strict: true });
    const receipt = await world.sync('rows');
    assert.equal(receipt.verdict, 'INCOMPLETE');
    assert.equal(receipt.reasons[0]?.code, 'schema');
    assert.match(receipt.reasons[0].message, /"total" is retyped \("2 EUR"\)/);
    assert.equal(receipt.records.delivered, 0);
    assert.equal(receipt.watermark.after, null);
  });
});

describe('the watermark', () => {
  it('is the highest value delivered; the next sync asks from there, less the lookback', async () => {
    const asked: (string | null)[] = [];
    const world = makeWorld({
      connector: listing,
      api: ({ query }) => {
        asked.push(query.get('since'));
        return json([order(1), order(0)], { date: 'Mon, 23 Nov 2026 00:00:00 GMT' });
      },
    });
    const first = await world.sync('rows');
    const second = await world.sync('rows');
    assert.deepEqual(asked, ['1970-01-02T00:00:00.000Z', '2026-11-21T09:00:00.000Z']);
    assert.deepEqual([first.mode, second.mode], ['full', 'incremental']);
    assert.deepEqual(second.watermark, { before: '2026-11-21T10:00:00.000Z', after: '2026-11-21T10:00:00.000Z' });
  });

  for (const before of ['a sync', 'nothing']) {
    it(`stays where it is after a sync that was asked to begin later, behind ${before}: what lies between comes with the next one`, async () => {
      const there = [order(0)];
      const world = makeWorld({
        connector: listing,
        api: ({ query }) => {
          const since = Date.parse(query.get('since') ?? '');
          const found = there.filter(({ updated }) => Date.parse(updated) >= since);
          return json(found, { date: 'Sun, 22 Nov 2026 12:00:00 GMT' });
        },
      });
      if (before === 'a sync') await world.sync('rows');
      there.push(order(1), order(2));
      const later = await world.sync('rows', '2026-11-22T00:00:00.000Z');
      const next = await world.sync('rows');
      const first = before === 'a sync' ? '2026-11-20T10:00:00.000Z' : null;
      assert.deepEqual([later.verdict, later.mode], ['COMPLETE', 'incremental']);
      assert.deepEqual(later.watermark, { before: first, after: first });
      assert.deepEqual([later, next].map(world.delivered), [
        [{ id: 2, cents: 400 }],
        [0, 1, 2].map((id) => ({ id, cents: id * 200 })),
      ]);
      assert.equal(next.watermark.after, '2026-11-22T10:00:00.000Z');
    });
  }

  for (const order of ['newest first', 'oldest first'] as const) {
    const moves = order === 'oldest first';
    it(`${moves ? 'moves' : 'stays where it is'} where as many records came as the API lets be read, ${order}`, async () => {
      const dated = (id: number) => ({ id, updated: new Date(Date.UTC(2026, 10, 1, id)).toISOString() });
      const all = Array.from({ length: 50 }, (_, id) => dated(id));
      const connector = connectorOf((stream) =>
        stream({
          request: ({ page, window }) => ({ path: '/orders', query: { page: page.number, since: window.from.iso } }),
          paging: pages({ size: 10, max: 30 }),
          records: (body) => body,
          schema: z.object({ id: z.int(), updated: z.iso.datetime() }),
          key: 'id',
          order,
          since: { field: ({ updated }) => updated, lookback: '0 seconds' },
        }),
      );
      const world = makeWorld({
        connector,
        api({ query }) {
          const found = all.filter(({ updated }) => updated >= (query.get('since') ?? ''));
          const listed = (moves ? found : found.toReversed()).slice(0, 30);
          const start = 10 * (Number(query.get('page')) - 1);
          return json(listed.slice(start, start + 10));
        },
      });
      const first = await world.sync('rows');
      assert.deepEqual([first.verdict, first.reasons[0]?.code], ['UNKNOWN', 'limit']);
      assert.equal(first.watermark.after, moves ? dated(29).updated : null);
      if (!moves) return;
      const second = await world.sync('rows');
      assert.deepEqual([second.verdict, second.records.delivered], ['COMPLETE', 21]);
    });
  }

  it('stays where it is when a page failed', async () => {
    const world = makeWorld({ connector: listing, api: () => json({ no: 'such order' }, {}, 404) });
    const receipt = await world.sync('rows');
    assert.equal(receipt.verdict, 'INCOMPLETE');
    assert.deepEqual(receipt.watermark, { before: null, after: null });
    assert.deepEqual(
      receipt.reasons.map(({ code }) => code),
      ['http-404', 'cut-short'],
    );
  });
});

it('a page without records before later ones is a hole, even where nothing announced them', async () => {
  const connector = connectorOf((stream) =>
    stream({
      request: ({ page }) => ({ path: '/orders', query: { page: page.number } }),
      paging: pages({ size: 2 }),
      records: (body) => body,
      schema: z.object({ id: z.int() }),
      key: 'id',
    }),
  );
  const listed = [[{ id: 1 }, { id: 2 }], [], [{ id: 3 }, { id: 4 }]];
  const world = makeWorld({ connector, api: ({ query }) => json(listed[Number(query.get('page')) - 1] ?? []) });
  const receipt = await world.sync('rows');
  assert.equal(receipt.verdict, 'INCOMPLETE');
  assert.deepEqual(receipt.reasons, [
    { code: 'empty-page', message: 'pages were empty although later ones were not', pages: [2] },
  ]);
  assert.equal(receipt.records.delivered, 4);
});

it('parameters that do not fit end the sync with a reason, and nothing is sent', async () => {
  const world = makeWorld({ connector: listing, api: () => json([]) });
  await world.connections.create({ pk: 'test', sk: 'main' }, { params: '[]', status: 'active' });
  const receipt = await world.sync('rows');
  assert.equal(receipt.reasons[0]?.code, 'bad-params');
  assert.equal(world.http.requests.length, 0);
  assert.deepEqual(receipt.requests, { sent: 0, throttled: 0, retried: 0 });
});
