import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openDuckDb } from '../../lib/load/duckdb.ts';
import { loadStreams } from '../../lib/load/load.ts';
import type { Warehouse } from '../../lib/load/warehouse.ts';
import { folderSource } from '../../lib/read/read.ts';
import { openResults, shop } from './deliveries.ts';
import { History, type Step } from './history.ts';
import { watchStatements } from './watched.ts';

const OUTCOMES = ['complete', 'complete', 'incomplete', 'moved', 'quarantined', 'quarantined'] as const;
const id = fc.integer({ min: 1, max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('put' as const), id }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), id }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('sync' as const),
      mode: fc.oneof(
        { weight: 1, arbitrary: fc.constant('full' as const) },
        { weight: 6, arbitrary: fc.constant('incremental' as const) },
      ),
      outcome: fc.constantFrom(...OUTCOMES),
      nth: fc.constantFrom(0, 0, 1),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'mend' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('load' as const),
      crashAt: fc.oneof(fc.constant(-1), fc.integer({ min: 5, max: 50 })),
    }),
  },
);
/** Something to change, and a table to change it in. */
const START: readonly Step[] = [
  { kind: 'put', id: 1 },
  { kind: 'put', id: 2 },
  { kind: 'sync', mode: 'full', outcome: 'complete', nth: 0 },
];

class Crash extends Error {}

async function load(warehouse: Warehouse, folder: string, crashAt: number): Promise<void> {
  let statement = 0;
  const watched = watchStatements(warehouse, async () => {
    if (statement++ === crashAt) throw new Crash();
  });
  const connector = shop({ deleted: () => false });
  const job = {
    source: folderSource(folder),
    warehouse: watched,
    connector,
    streams: ['items'],
    now: () => new Date(),
  };
  try {
    for await (const _ of loadStreams(job));
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
  }
}

/** The table is what the API had at the latest sync that is loaded, but for the keys whose latest record waits in quarantine. */
async function check(warehouse: Warehouse, history: History): Promise<string | undefined> {
  const [there] = await warehouse.query(
    "SELECT 1 AS x FROM information_schema.tables WHERE table_name = '_headgate_ledger'",
  );
  if (there === undefined) return undefined;
  const [newest = {}] = await warehouse.query("SELECT max(sync) AS sync FROM _headgate_ledger WHERE state = 'loaded'");
  const sync: unknown = Reflect.get(newest, 'sync');
  if (typeof sync !== 'string') return undefined;
  const rows = await warehouse.query('SELECT id::INTEGER AS id, name FROM shop_items ORDER BY id');
  const mended = (await warehouse.query('SELECT sync FROM _headgate_ledger WHERE revision = 2')).map((row) =>
    Reflect.get(row, 'sync'),
  );
  const waiting = [...history.quarantined].flatMap(([quarantining, key]) =>
    mended.includes(quarantining) ? [] : [key],
  );
  const actual = rows.map((row) => [Number(Reflect.get(row, 'id')), String(Reflect.get(row, 'name'))] as const);
  const expected = [...(history.snapshots.get(sync) ?? [])].map(([key, version]) => [key, `v${version}`] as const);
  const told = (all: readonly (readonly [number, string])[]) =>
    all.filter(([key]) => !waiting.includes(key)).sort(([a], [b]) => a - b);
  assert.deepEqual(told(actual), told(expected));
  return sync;
}

test('any history of changes, syncs, revisions and crashes ends in the table the API had at the last COMPLETE sync', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { size: 'max', minLength: 12, maxLength: 30 }), async (steps) => {
      const results = await openResults();
      const warehouse = await openDuckDb(':memory:');
      try {
        const history = new History();
        let complete: string | undefined;
        const deliver = async (delivery: Parameters<typeof results.deliver>[0]): Promise<void> => {
          await results.deliver(delivery);
          if ((delivery.verdict ?? 'COMPLETE') === 'COMPLETE' && delivery.sync > (complete ?? ''))
            complete = delivery.sync;
        };
        for (const each of [...START, ...steps]) {
          if (each.kind === 'load') {
            await load(warehouse, results.folder, each.crashAt);
            await check(warehouse, history);
            continue;
          }
          const delivery = history.take(each);
          if (delivery !== undefined) await deliver(delivery);
        }
        for (const delivery of history.mendAll()) await deliver(delivery);
        await load(warehouse, results.folder, -1);
        assert.equal(await check(warehouse, history), complete);
      } finally {
        await warehouse.close();
        await results.remove();
      }
    }),
    { numRuns: 30, endOnFailure: true },
  );
});
