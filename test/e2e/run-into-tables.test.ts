import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDuckDb } from '../../lib/load/duckdb.ts';
import { headgate, temporaryFolder } from './headgate.ts';
import { shopApi } from './shop-api.ts';

const SHOP = join(import.meta.dirname, 'shop.ts');

/** How many rows stand in the table, and of which syncs. */
async function rowsIn(file: string): Promise<unknown> {
  const warehouse = await openDuckDb(file);
  try {
    return await warehouse.query(
      'SELECT _headgate_sync AS sync, count(*)::INTEGER AS rows FROM shop_orders GROUP BY 1',
    );
  } finally {
    await warehouse.close();
  }
}

test('a run with --to syncs and loads; one that is INCOMPLETE leaves the table as it was', async (t) => {
  const [folder, api] = [await temporaryFolder(t), await shopApi(t)];
  const file = join(folder, 'shop.duckdb');
  const env = { HEADGATE_SECRET: '{"token":"good"}' };
  const run = (...more: string[]) =>
    headgate(
      ['run', SHOP, '--json', '--param', `url=${api.url}`, '--out', join(folder, 'out'), '--to', file, ...more],
      {
        env,
      },
    );
  const first = await run();
  assert.deepEqual([first.code, first.receipts[0]?.verdict], [0, 'COMPLETE'], first.stderr);
  const loaded = [{ sync: first.receipts[0]?.sync, rows: 45 }];
  assert.deepEqual(await rowsIn(file), loaded);

  api.mood = 'gone';
  const second = await run();
  assert.deepEqual([second.code, second.receipts[0]?.verdict], [2, 'INCOMPLETE'], second.stderr);
  assert.match(second.stderr, /"state":"held","why":"its verdict is INCOMPLETE \(http-410, count\)"/);
  assert.deepEqual(await rowsIn(file), loaded);
});

test('a run whose database cannot be opened fetches nothing', async (t) => {
  const [folder, api] = [await temporaryFolder(t), await shopApi(t)];
  const to = ['--to', 'postgres://me@127.0.0.1:1/shop'];
  const ran = await headgate(['run', SHOP, '--param', `url=${api.url}`, '--out', join(folder, 'out'), ...to], {
    env: { HEADGATE_SECRET: '{"token":"good"}' },
  });
  assert.equal(ran.code, 1);
  assert.match(ran.stderr, /^The database postgres:\/\/me@127\.0\.0\.1:1\/shop cannot be opened: .*ECONNREFUSED.*\n$/);
  assert.deepEqual(api.since, []);
});
