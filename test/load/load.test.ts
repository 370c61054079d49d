import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import * as z from 'zod';
import type { Stream } from '../../lib/core/connector/connector.ts';
import { openDuckDb } from '../../lib/load/duckdb.ts';
import { type LoadJob, type LoadOutcome, loadStreams } from '../../lib/load/load.ts';
import { openPostgres } from '../../lib/load/postgres.ts';
import type { Warehouse } from '../../lib/load/warehouse.ts';
import { folderSource } from '../../lib/read/read.ts';
import { openResults, type Results, shop } from './deliveries.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';

const NOW = new Date('2026-12-01T00:00:00Z');
const [FIRST, SECOND, THIRD, FOURTH] = [
  '20261122T170000000Z',
  '20261122T180000000Z',
  '20261122T190000000Z',
  '20261122T200000000Z',
] as const;
const [ONE, TWO, THREE] = ['2026-11-01T00:00:00.000Z', '2026-11-02T00:00:00.000Z', '2026-11-03T00:00:00.000Z'] as const;

/** What a load asserts is the same on both databases. */
function contract(open: () => Promise<Warehouse>): void {
  let warehouse: Warehouse;
  let results: Results;
  beforeEach(async () => {
    warehouse = await open();
    results = await openResults();
  });
  afterEach(async () => {
    await warehouse.close();
    await results.remove();
  });

  const load = async (changes: Partial<Stream> = {}, options: Partial<LoadJob> = {}): Promise<LoadOutcome[]> => {
    const source = folderSource(results.folder);
    const job = { source, warehouse, connector: shop(changes), streams: ['items'], now: () => NOW, ...options };
    const outcomes: LoadOutcome[] = [];
    for await (const outcome of loadStreams(job)) outcomes.push(outcome);
    return outcomes;
  };
  const states = async (...given: Parameters<typeof load>): Promise<string[]> =>
    (await load(...given)).map(({ receipt, state }) => `${receipt.sync}/${receipt.revision} ${state}`);
  const rows = (sql: string): Promise<readonly object[]> => warehouse.query(sql);
  const names = async (): Promise<unknown[]> =>
    (await rows('SELECT name FROM shop_items ORDER BY name')).map((row) => Reflect.get(row, 'name'));
  const incremental = { mode: 'incremental', watermark: { before: ONE, after: TWO } } as const;
  const full = { watermark: { before: null, after: ONE } };

  test('a full sync becomes a table, once', async () => {
    await results.deliver({ sync: FIRST, records: [{ id: 1, name: 'a' }, { id: 2, name: '' }, { id: 3 }] });
    assert.deepEqual(await states(), [`${FIRST}/1 loaded`]);
    assert.deepEqual(await rows('SELECT id::TEXT AS id, name, _headgate_sync AS sync FROM shop_items ORDER BY 1'), [
      { id: '1', name: 'a', sync: FIRST },
      { id: '2', name: '', sync: FIRST },
      { id: '3', name: null, sync: FIRST },
    ]);
    assert.deepEqual(await states(), []);
  });

  test('a COMPLETE full sync removes what it no longer has, and makes those before it needless', async () => {
    await results.deliver({
      sync: FIRST,
      records: [
        { id: 1, name: 'a' },
        { id: 2, name: 'b' },
      ],
    });
    await load();
    await results.deliver({ sync: SECOND, records: [{ id: 9, name: 'x' }] });
    await results.deliver({ sync: THIRD, records: [{ id: 2, name: 'c' }] });
    assert.deepEqual(await states(), [`${THIRD}/1 loaded`, `${SECOND}/1 superseded`]);
    assert.deepEqual(await names(), ['c']);
  });

  test('an incremental sync changes what it brings, and deletes what its tombstones name', async () => {
    await results.deliver({
      ...full,
      sync: FIRST,
      records: [
        { id: 1, name: 'a' },
        { id: 2, name: 'b' },
      ],
    });
    await results.deliver({
      ...incremental,
      sync: SECOND,
      records: [
        { id: 1, name: 'z' },
        { id: 2, _deleted: true },
      ],
    });
    assert.deepEqual(await states({ deleted: () => false }), [`${FIRST}/1 loaded`, `${SECOND}/1 loaded`]);
    assert.deepEqual(await names(), ['z']);
  });

  test('deleted rows are marked instead, where that is asked for', async () => {
    const deleted = () => false;
    await results.deliver({
      ...full,
      sync: FIRST,
      records: [
        { id: 1, name: 'a' },
        { id: 2, name: 'b' },
      ],
    });
    await load({ deleted });
    await results.deliver({ ...incremental, sync: SECOND, records: [{ id: 2, _deleted: true }] });
    await load({ deleted }, { marks: true });
    await results.deliver({ sync: THIRD, records: [{ id: 3, name: 'c' }] });
    await load({ deleted }, { marks: true });
    assert.deepEqual(await rows('SELECT name, _headgate_deleted_at IS NULL AS there FROM shop_items ORDER BY 1'), [
      { name: 'a', there: false },
      { name: 'b', there: false },
      { name: 'c', there: true },
    ]);
  });

  test('of two versions of a key in one sync the one with the later date stands', async () => {
    const since: Stream['since'] = { field: (item) => item.updated_at, lookback: '0 seconds' };
    const request: Stream['request'] = ({ page, window }) => ({
      path: '/',
      query: { p: page.number, w: window.from.iso },
    });
    await results.deliver({
      sync: FIRST,
      records: [
        { id: 1, name: 'new', updated_at: '2026-11-02T00:00:00Z' },
        { id: 1, name: 'old', updated_at: '2026-11-01T00:00:00Z' },
        { id: 2, name: 'first' },
        { id: 2, name: 'last' },
      ],
    });
    await load({ since, request });
    assert.deepEqual(await names(), ['last', 'new']);
  });

  test('what is not COMPLETE is held back, and the ledger says why', async () => {
    await results.deliver({ sync: FIRST, verdict: 'UNKNOWN', records: [{ id: 1, name: 'a' }] });
    assert.deepEqual(await states(), [`${FIRST}/1 held`]);
    assert.deepEqual(await rows('SELECT verdict, state, why FROM _headgate_ledger'), [
      { verdict: 'UNKNOWN', state: 'held', why: 'its verdict is UNKNOWN (failed)' },
    ]);
    assert.deepEqual(await rows('SELECT stream, last_sync, held::TEXT AS held FROM _headgate_freshness'), [
      { stream: 'items', last_sync: null, held: '1' },
    ]);
    assert.deepEqual(await states(), [`${FIRST}/1 held`]);
    assert.equal((await rows('SELECT 1 AS x FROM _headgate_ledger')).length, 1);
    assert.deepEqual(await states({}, { accept: ['UNKNOWN'] }), [`${FIRST}/1 loaded`]);
    assert.deepEqual(await names(), ['a']);
    assert.deepEqual(await rows('SELECT last_sync, complete_as_of, held::TEXT AS held FROM _headgate_freshness'), [
      { last_sync: FIRST, complete_as_of: null, held: '0' },
    ]);
  });

  test('a receipt that an operator accepted is loaded, and removes nothing', async () => {
    await results.deliver({ sync: FIRST, records: [{ id: 1, name: 'a' }] });
    const accepted = { reason: 'page 2 is gone for good', at: NOW.toISOString() };
    await results.deliver({ sync: SECOND, verdict: 'INCOMPLETE', accepted, records: [{ id: 2, name: 'b' }] });
    assert.deepEqual(await states(), [`${FIRST}/1 loaded`, `${SECOND}/1 loaded`]);
    assert.deepEqual(await names(), ['a', 'b']);
  });

  test('an incremental sync waits while what it builds on is held back', async () => {
    await results.deliver({ ...full, sync: FIRST, records: [{ id: 1, name: 'a' }] });
    await results.deliver({ ...incremental, sync: SECOND, verdict: 'UNKNOWN', records: [{ id: 2, name: 'b' }] });
    const third = { mode: 'incremental', watermark: { before: TWO, after: THREE } } as const;
    await results.deliver({ ...third, sync: THIRD, records: [{ id: 3, name: 'c' }] });
    assert.deepEqual(await states(), [`${FIRST}/1 loaded`, `${SECOND}/1 held`, `${THIRD}/1 held`]);
    assert.deepEqual(await names(), ['a']);
    await results.deliver({ ...incremental, sync: SECOND, revision: 2, records: [{ id: 2, name: 'b' }] });
    assert.deepEqual(await states(), [`${SECOND}/2 loaded`, `${THIRD}/1 loaded`]);
    assert.deepEqual(await names(), ['a', 'b', 'c']);
  });

  test('a later revision of an earlier sync neither brings back nor overwrites what a later sync said', async () => {
    const deleted = () => false;
    await results.deliver({
      ...full,
      sync: FIRST,
      records: [
        { id: 1, name: 'a' },
        { id: 2, name: 'b' },
      ],
    });
    await results.deliver({ ...incremental, sync: SECOND, records: [{ id: 4, name: 'd' }] });
    const third = { mode: 'incremental', watermark: { before: TWO, after: THREE } } as const;
    await results.deliver({
      ...third,
      sync: THIRD,
      records: [
        { id: 1, name: 'new' },
        { id: 2, _deleted: true },
      ],
    });
    await load({ deleted });
    const late = [
      { id: 1, name: 'old' },
      { id: 2, name: 'old' },
      { id: 3, name: 'mapped again' },
      { id: 4, name: 'e' },
    ];
    await results.deliver({ ...incremental, sync: SECOND, revision: 2, records: late });
    assert.deepEqual(await states({ deleted }), [`${SECOND}/2 loaded`]);
    assert.deepEqual(await names(), ['e', 'mapped again', 'new']);
    await results.deliver({ sync: FOURTH, records: [{ id: 2, name: 'again' }] });
    await load({ deleted });
    assert.deepEqual(await names(), ['again']);
    assert.deepEqual(await rows('SELECT count(*)::TEXT AS n FROM _headgate_tombstones'), [{ n: '0' }]);
  });

  test('connections share a table, and keep their rows apart', async () => {
    await results.deliver({ sync: FIRST, connection: 'eu', records: [{ id: 1, name: 'eu' }] });
    await results.deliver({ sync: FIRST, connection: 'us', records: [{ id: 1, name: 'us' }] });
    await load();
    await results.deliver({ sync: SECOND, connection: 'us', records: [] });
    await load();
    assert.deepEqual(await names(), ['eu']);
  });

  test('a full sync keeps the rows whose records are quarantined, and shows those records with their reasons', async () => {
    await results.deliver({ sync: FIRST, records: [1, 2, 3, 4].map((id) => ({ id, name: `n${id}` })) });
    await load();
    await results.deliver({
      sync: SECOND,
      records: [{ id: 1, name: 'a' }],
      quarantined: [{ id: 2, name: 5 }, { id: '3' }],
    });
    await load();
    assert.deepEqual(await names(), ['a', 'n2', 'n3']);
    assert.deepEqual(
      (
        await rows('SELECT reasons::TEXT AS reasons, record::TEXT AS record FROM _headgate_quarantine ORDER BY 2 DESC')
      ).map((row) => ({ ...row })),
      [
        { reasons: '[{"path":"name"}]', record: '{"id":2,"name":5}' },
        { reasons: '[{"path":"name"}]', record: '{"id":"3"}' },
      ],
    );
    await results.deliver({ sync: THIRD, records: [{ id: 1, name: 'a' }], quarantined: [{ name: 'no key' }] });
    await load();
    assert.deepEqual(await names(), ['a', 'n2', 'n3']);
  });

  test('values of every type arrive as they were sent', async () => {
    const schema = z.object({
      id: z.string(),
      big: z.union([z.int(), z.bigint()]),
      price: z.number().multipleOf(0.01),
      ratio: z.number(),
      at: z.iso.datetime({ offset: true }),
      day: z.iso.date(),
      state: z.enum(['on', 'off']),
      there: z.boolean().nullable(),
      uuid: z.uuid(),
      nested: z.object({ deep: z.array(z.union([z.int(), z.bigint()])) }),
      text: z.string(),
    });
    const text = 'a "quoted", \\ text\r\nof\ttwo lines, ünï \u{1f600} \\.';
    const record = {
      ...{ id: 'k,1', big: 123456789012345678901234567890n, price: 12.34, ratio: 0.1 },
      ...{ at: '2026-11-01T02:00:00.123456789+02:00', day: '2026-11-01', state: 'on', there: null },
      ...{ uuid: '0189a6f2-7c1e-7c3e-8a5e-0123456789ab', nested: { deep: [1, 90071992547409931n] }, text },
    };
    await results.deliver({ sync: FIRST, records: [record] });
    await load({ schema });
    const columns = Object.keys(record).map((name) => `"${name}"::TEXT AS "${name}"`);
    const [row = {}] = await rows(`SELECT ${columns.join(', ')}, _headgate_rest::TEXT AS rest FROM shop_items`);
    assert.deepEqual(
      { ...row, nested: String(Reflect.get(row, 'nested')).replaceAll(' ', '') },
      {
        ...{ id: 'k,1', big: '123456789012345678901234567890', price: '12.34', ratio: '0.1' },
        ...{ at: '2026-11-01 00:00:00.123456+00', day: '2026-11-01', state: 'on', there: null },
        ...{ uuid: record.uuid, nested: '{"deep":[1,90071992547409931]}', text, rest: null },
      },
    );
  });

  test('a new field is a new column, and a retyped one goes to the rest and is told', async () => {
    await results.deliver({ sync: FIRST, records: [{ id: 1, name: 'a' }] });
    await load();
    const schema = z.looseObject({ id: z.int(), name: z.union([z.int(), z.string()]), colour: z.string().optional() });
    await results.deliver({
      sync: SECOND,
      records: [
        { id: 1, name: 5, colour: 'red', extra: [1] },
        { id: 2, name: 'b' },
      ],
    });
    const [outcome] = await load({ schema });
    assert.deepEqual(outcome?.retyped, ['"name" is declared json, and its column is text']);
    assert.deepEqual(outcome?.counts, { written: 2, deleted: 0, misfits: { name: 1 } });
    const found = await rows('SELECT name, colour, _headgate_rest::TEXT AS rest FROM shop_items ORDER BY id');
    assert.deepEqual(
      found.map((row) => ({ ...row })),
      [
        { name: null, colour: 'red', rest: '{"name":5,"extra":[1]}' },
        { name: 'b', colour: null, rest: null },
      ],
    );
  });

  test('names and texts are data, whatever they hold', async () => {
    const schema = z.object({
      id: z.int(),
      'a "b"; DROP TABLE x': z.string(),
      ID: z.int(),
      _headgate_sync: z.int(),
      select: z.string(),
    });
    const record = { id: 1, 'a "b"; DROP TABLE x': "'); --", ID: 2, _headgate_sync: 3, select: 'x\0y' };
    await results.deliver({ sync: FIRST, connection: "o'hara", records: [record] });
    await load({ schema });
    const [row = {}] = await rows(
      'SELECT "a ""b""; DROP TABLE x" AS odd, "select" AS word, _headgate_sync AS sync, _headgate_rest::TEXT AS rest FROM shop_items',
    );
    assert.deepEqual(
      { ...row },
      { odd: "'); --", word: null, sync: FIRST, rest: '{"ID":2,"_headgate_sync":3,"select":"x\\u0000y"}' },
    );
  });

  test('a sync whose records cannot be read is held back alone, and nothing of it is seen', async () => {
    await results.deliver({ sync: FIRST, records: [{ id: 1, name: 'a' }] });
    await results.deliver({ sync: SECOND, records: [{ id: 2, name: 'b' }, { name: 'no key' }] });
    const outcomes = await load();
    assert.deepEqual(
      outcomes.map(({ state }) => state),
      ['loaded', 'held'],
    );
    assert.match(outcomes[1]?.why ?? '', /lacks its key "id"/);
    assert.deepEqual(await names(), ['a']);
  });
}

describe('tables in DuckDB', () => {
  let folder: string;
  let files = 0;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'headgate-duckdb-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));
  // The name of the file is that of the connector: DuckDB calls names of both kinds ambiguous.
  contract(() => openDuckDb(join(folder, `${++files}`, '..', `shop${files}.duckdb`)));
});

describe('tables in PostgreSQL', () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.stop());
  contract(async () => openPostgres(await server.database()));
});
