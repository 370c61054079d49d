import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LimiterState } from '../../../lib/core/limits/limiter.ts';
import { SECOND } from '../../../lib/core/time.ts';
import type { Invocation } from '../../../lib/pipeline/invocation.ts';
import { newWorkerMemory } from '../../../lib/pipeline/invocation.ts';
import { changeLimiters, limiterKey, readLimiters } from '../../../lib/pipeline/limits/limiter-store.ts';
import type { Table } from '../../../lib/pipeline/ports.ts';
import { memoryTable, sendTwice } from '../../memory/table.ts';
import { type Fleet, limited, makeFleet, settled } from '../fleet.ts';

const place = limiterKey('test', 'secret/s', []);
const other = limiterKey('test', 'connector', []);

const newFleet = (workers = 1): Fleet => makeFleet({ connector: limited([]), pages: {}, workers });

/** An invocation of a worker that remembers nothing, on a table. */
const on = (fleet: Fleet, rateLimits: Table = fleet.ports.rateLimits): Invocation => ({
  ...fleet.invocationOf(0),
  rateLimits,
  memory: newWorkerMemory(),
});

/** Adds 1 to what is booked on each meter. */
const count = (standing: readonly LimiterState[]) => ({
  result: standing.map(({ booked }) => booked),
  meters: standing.map((meter) => ({ ...meter, booked: meter.booked + 1 })),
});

describe('changing a meter', () => {
  it('loses no change, however many workers race', async () => {
    const fleet = newFleet();
    const table = fleet.ports.rateLimits;
    const workers = Array.from({ length: 8 }, () => on(fleet, table));
    const before: (readonly number[])[] = [];
    await settled(
      fleet,
      Promise.all(
        workers.map(async (worker) => {
          for (let change = 0; change < 20; change++) {
            const found = await changeLimiters(worker, [place], count);
            if (found !== 'contended') before.push(found);
          }
        }),
      ),
    );
    const [meter] = await settled(fleet, readLimiters(on(fleet), [place], 0));
    assert.equal(meter?.booked, before.length);
    assert.equal(meter?.version, before.length);
    // Each was made on what the one before it left.
    assert.deepEqual(
      before.map(([booked]) => booked ?? 0).sort((a, b) => a - b),
      before.map((_, index) => index),
    );
    assert.ok(before.length > 80, `${before.length} of 160 got through`);
  });

  it('is known to have been made when its write was repeated', async () => {
    const fleet = newFleet();
    const table = memoryTable();
    const repeating: Table = {
      ...table,
      upsert: (...input) => sendTwice(() => table.upsert(...input)),
    };
    const worker = on(fleet, repeating);
    for (const expected of [0, 1, 2]) assert.deepEqual(await changeLimiters(worker, [place], count), [expected]);
  });

  it('writes nothing when nothing changes', async () => {
    const fleet = newFleet();
    await settled(
      fleet,
      changeLimiters(on(fleet), [place], (standing) => ({ result: standing })),
    );
    await settled(
      fleet,
      changeLimiters(on(fleet), [place], (meters) => ({ result: 0, meters })),
    );
    assert.equal(fleet.count('meter writes'), 0);
  });

  it('of two meters begins again when it is beaten on the second: what the first lost is lost for nobody', async () => {
    const fleet = newFleet();
    const [mine, theirs] = [on(fleet), on(fleet)];
    const both = changeLimiters(mine, [place, other], count);
    const one = changeLimiters(theirs, [other], count);
    await settled(fleet, Promise.all([both, one]));
    const [first, second] = await settled(fleet, readLimiters(on(fleet), [place, other], 0));
    assert.equal(second?.booked, 2);
    assert.ok(first !== undefined && first.booked >= 1);
  });

  it('knows what its own worker wrote without reading it again', async () => {
    const fleet = newFleet();
    const worker = on(fleet);
    for (let change = 0; change < 10; change++) await settled(fleet, changeLimiters(worker, [place], count));
    assert.deepEqual([fleet.count('meter reads'), fleet.count('meter writes')], [1, 10]);
  });

  it('fails with its store, and works again when that does', async () => {
    const fleet = newFleet();
    const table = memoryTable();
    let down = true;
    const failing: Table = {
      ...table,
      get: (key) => (down ? Promise.reject(new Error('throttled')) : table.get(key)),
    };
    const worker = on(fleet, failing);
    await assert.rejects(changeLimiters(worker, [place], count), /throttled/);
    down = false;
    assert.deepEqual(await changeLimiters(worker, [place], count), [0]);
  });
});

describe('reading a meter', () => {
  it('is shared by all who want to know at the same moment', async () => {
    const fleet = newFleet();
    const worker = on(fleet);
    await settled(fleet, Promise.all(Array.from({ length: 20 }, () => readLimiters(worker, [place], 0))));
    assert.equal(fleet.count('meter reads'), 1);
  });

  it('is done again when what is known is older than wanted', async () => {
    const fleet = newFleet();
    const worker = on(fleet);
    for (let look = 0; look < 10; look++) {
      await settled(fleet, readLimiters(worker, [place], SECOND / 4));
      await settled(fleet, worker.clock.wait(100));
    }
    const reads = fleet.count('meter reads');
    assert.ok(reads >= 3 && reads <= 5, `${reads} reads in a second`);
  });

  it('that fails beside another leaves none under way for a later invocation to wait for', async () => {
    const fleet = newFleet();
    const table = memoryTable();
    const slow = Promise.withResolvers<undefined>();
    const uneven: Table = {
      ...table,
      get: ({ pk }) => (pk === place.key.pk ? Promise.reject(new Error('throttled')) : slow.promise),
    };
    let over = false;
    const reading = readLimiters(on(fleet, uneven), [place, other], 0).finally(() => {
      over = true;
    });
    const failed = assert.rejects(reading, /throttled/);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(over, false);
    slow.resolve(undefined);
    await failed;
  });
});
