import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client } from 'pg';
import { openWarehouse } from '../../bin/cli/open-warehouse.ts';
import { openDuckDb } from '../../lib/load/duckdb.ts';
import { type LoadOutcome, loadStreams } from '../../lib/load/load.ts';
import { openPostgres } from '../../lib/load/postgres.ts';
import type { Warehouse } from '../../lib/load/warehouse.ts';
import { folderSource } from '../../lib/read/read.ts';
import { openResults, type Results, shop } from './deliveries.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';
import { watchStatements } from './watched.ts';

const NOW = new Date('2026-12-01T00:00:00Z');
const [ONE, TWO] = ['2026-11-01T00:00:00.000Z', '2026-11-02T00:00:00.000Z'] as const;
const SYNCS = ['20261122T170000000Z', '20261122T180000000Z', '20261122T190000000Z'] as const;

let results: Results;
before(async () => {
  results = await openResults();
  const named = (ids: readonly number[], name: string) => ids.map((id) => ({ id, name }));
  const [first, second, third] = SYNCS;
  await results.deliver({ sync: first, watermark: { before: null, after: ONE }, records: named([1, 2, 3], 'first') });
  const incremental = { mode: 'incremental', watermark: { before: ONE, after: TWO } } as const;
  const deletion = { id: 3, _deleted: true };
  await results.deliver({
    ...{ ...incremental, sync: second },
    records: [...named([2, 4], 'second'), deletion],
    quarantined: [{ id: 5, name: 5 }],
  });
  await results.deliver({ ...incremental, sync: third, verdict: 'UNKNOWN', records: named([9], 'third') });
});
after(() => results.remove());

async function load(warehouse: Warehouse): Promise<LoadOutcome[]> {
  const connector = shop({ deleted: () => false });
  const job = { source: folderSource(results.folder), warehouse, connector, streams: ['items'], now: () => NOW };
  const outcomes: LoadOutcome[] = [];
  for await (const outcome of loadStreams(job)) outcomes.push(outcome);
  return outcomes;
}

const TABLES = {
  shop_items: 'SELECT id::TEXT AS id, name, _headgate_sync AS sync FROM shop_items ORDER BY 1, 2',
  ledger: 'SELECT sync, revision::TEXT AS revision, state FROM _headgate_ledger ORDER BY 1, 2, 3',
  quarantine: 'SELECT record::TEXT AS record FROM _headgate_quarantine ORDER BY 1',
  tombstones: 'SELECT count(*)::TEXT AS n FROM _headgate_tombstones',
};

async function readTables(warehouse: Warehouse): Promise<string> {
  const read: Record<string, unknown> = {};
  for (const [name, sql] of Object.entries(TABLES)) read[name] = await warehouse.query(sql);
  return JSON.stringify(read);
}

const [, second] = SYNCS;
const EXPECTED = JSON.stringify({
  shop_items: [
    { id: '1', name: 'first', sync: SYNCS[0] },
    { id: '2', name: 'second', sync: second },
    { id: '4', name: 'second', sync: second },
  ],
  ledger: [
    { sync: SYNCS[0], revision: '1', state: 'loaded' },
    { sync: second, revision: '1', state: 'loaded' },
    { sync: SYNCS[2], revision: '1', state: 'held' },
  ],
  quarantine: [{ record: '{"id":5,"name":5}' }],
  tombstones: [{ n: '1' }],
});

/** Loads what a crash left, and looks at what came of it. */
async function finish(warehouse: Warehouse): Promise<string> {
  try {
    await load(warehouse);
    return await readTables(warehouse);
  } finally {
    await warehouse.close();
  }
}

describe('a loader that dies before any statement', () => {
  let server: PostgresServer;
  let folder: string;
  before(async () => {
    server = await startPostgres();
    folder = await mkdtemp(join(tmpdir(), 'headgate-crash-'));
  });
  after(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('leaves a DuckDB file that another load brings to the same tables', async () => {
    const file = join(folder, 'shop.duckdb');
    const copies: string[] = [];
    const opened = await openDuckDb(file);
    // What a killed process leaves is what its files hold at that moment.
    const warehouse = watchStatements(opened, async () => {
      const copy = join(folder, `${copies.length}.duckdb`);
      copies.push(copy);
      await cp(file, copy);
      await cp(`${file}.wal`, `${copy}.wal`).catch(() => {});
    });
    await load(warehouse);
    assert.equal(await readTables(opened), EXPECTED);
    await opened.close();
    assert.ok(copies.length > 40);
    for (const [index, copy] of copies.entries())
      assert.equal(await finish(await openDuckDb(copy)), EXPECTED, `statement ${index}`);
  });

  test('leaves a PostgreSQL database that another load brings to the same tables', async () => {
    for (let index = 0, crashed = true; crashed; index++) {
      const url = await server.database();
      const admin = new Client({ connectionString: url });
      await admin.connect();
      const opened = await openPostgres(url);
      let statement = 0;
      const kill = async (): Promise<void> => {
        if (statement++ !== index) return;
        const { rowCount } = await admin.query(
          `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'headgate' AND datname = current_database()`,
        );
        assert.equal(rowCount, 1);
      };
      crashed = await load(watchStatements(opened, kill)).then(
        () => false,
        () => true,
      );
      assert.equal(crashed, statement > index);
      await opened.close();
      await admin.end();
      assert.equal(await finish(await openPostgres(url)), EXPECTED, `statement ${index}`);
    }
  });
});

describe('two loaders at once', () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.stop());

  test('load each receipt once into PostgreSQL', async () => {
    const url = await server.database();
    const warehouses = await Promise.all([openPostgres(url), openPostgres(url), openPostgres(url)]);
    const outcomes = (await Promise.all(warehouses.map(load))).flat();
    assert.deepEqual(
      outcomes
        .filter(({ state }) => state === 'loaded')
        .map(({ receipt }) => receipt.sync)
        .sort(),
      SYNCS.slice(0, 2),
    );
    for (const warehouse of warehouses) assert.equal(await finish(warehouse), EXPECTED);
  });

  test('do not share a DuckDB file: the second is told so', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'headgate-lock-'));
    const file = join(folder, 'shop.duckdb');
    // DuckDB's lock is one of processes.
    const holder = spawn(process.execPath, ['--input-type=module', '-e', HOLD, OPENER, file], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    try {
      await once(holder.stdout, 'data');
      await assert.rejects(openWarehouse(file, undefined), /in use by another process/);
    } finally {
      holder.stdin.end();
      await once(holder, 'close');
      await rm(folder, { recursive: true, force: true });
    }
  });
});

const OPENER = join(import.meta.dirname, '../../lib/load/duckdb.ts');
/** Opens a DuckDB file, and holds it until its input ends. */
const HOLD = `
  const { openDuckDb } = await import(process.argv[1]);
  const warehouse = await openDuckDb(process.argv[2]);
  console.log('open');
  process.stdin.resume().on('end', () => warehouse.close());`;
