import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MINUTE, SECOND } from '../../lib/core/time.ts';
import { manyConnections } from './many-connections.ts';

/** `node test/simulation/many-connections.ts` runs it with ten thousand. */
const COUNT = 2_000;
const LIMIT = 100;

it(`${COUNT} connections start at one tick: none waits for long, all share one limit, nobody is cut off`, async () => {
  const { complete, last, longest, longestHousekeeping, busiest, housekeeping } = await manyConnections(COUNT);
  assert.equal(complete, COUNT);
  assert.ok(busiest <= LIMIT, `${busiest} requests in one second`);
  // The one that lists 300 times as much keeps nobody waiting.
  assert.ok(last < (1.4 * COUNT * SECOND) / LIMIT, `the last small one was closed after ${last} ms`);
  assert.ok(longest < 0.8 * MINUTE, `a worker ran for ${longest} ms`);
  assert.ok(longestHousekeeping < 2.4 * MINUTE);
  assert.ok(housekeeping.calls <= housekeeping.runs * 3 * COUNT, `${housekeeping.calls} calls`);
});
