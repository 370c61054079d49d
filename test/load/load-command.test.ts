import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { openDuckDb } from '../../lib/load/duckdb.ts';
import { openResults, type Results } from './deliveries.ts';

const ROOT = join(import.meta.dirname, '../..');
const CONNECTOR = join(import.meta.dirname, 'shop-connector.ts');
const SYNC = '20261122T170000000Z';

let results: Results;
beforeEach(async () => {
  results = await openResults();
});
afterEach(() => results.remove());

/** Runs `headgate load`, and gives its exit code and what it said. */
const headgateLoad = (...options: string[]) =>
  new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    const command = [join(ROOT, 'bin/headgate.ts'), 'load', CONNECTOR, '--out', results.folder, ...options];
    execFile(process.execPath, command, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }));
  });

test('headgate load fills a DuckDB file, says so, and has nothing to do the second time', async () => {
  const file = join(results.folder, 'shop.duckdb');
  await results.deliver({ sync: SYNC, records: [{ id: 1, name: 'a' }] });
  assert.deepEqual(await headgateLoad('--to', file), {
    code: 0,
    stdout: `shop_items ← main ${SYNC} COMPLETE: loaded: 1 row written, 0 deleted\n`,
    stderr: '',
  });
  assert.equal((await headgateLoad('--to', file)).stdout, 'Nothing new to load.\n');
  const warehouse = await openDuckDb(file);
  assert.deepEqual(await warehouse.query('SELECT name FROM shop_items'), [{ name: 'a' }]);
  await warehouse.close();
});

test('headgate load exits with 2 where a receipt is held back, each time', async () => {
  const file = join(results.folder, 'shop.duckdb');
  await results.deliver({ sync: SYNC, verdict: 'INCOMPLETE', records: [{ id: 1, name: 'a' }] });
  const first = await headgateLoad('--to', file);
  assert.equal(first.code, 2);
  assert.match(first.stdout, /INCOMPLETE: held, because its verdict is INCOMPLETE \(failed\)/);
  assert.equal((await headgateLoad('--to', file)).code, 2);
  assert.equal((await headgateLoad('--to', file, '--accept', 'incomplete')).code, 0);
});

test('headgate load refuses what it cannot do with one sentence', async () => {
  const { code, stderr } = await headgateLoad('--to', 'mysql://db.example/shop');
  assert.equal(code, 1);
  assert.match(stderr, /^--to must be a DuckDB file, or a URL like .*\(got mysql:\/\/db\.example\/shop\)\.\n$/);
});
