import assert from 'node:assert/strict';
import { it } from 'node:test';
import { DAY, SECOND } from '../../lib/core/time.ts';
import {
  doubleEvents,
  longOutage,
  manyFailures,
  manyMessages,
  manyStreams,
  throttledTables,
  wrongClocks,
} from './load.ts';

/** The loads of `node test/simulation/load.ts`, smaller: every sync ends, nothing is lost, and no limit is passed. */

it('30 connections × 5 streams under one limit', async () => {
  const { syncs, complete, refused, busiest, requests, took } = await manyStreams(30);
  assert.deepEqual([syncs, complete, refused], [150, 150, 0]);
  assert.ok(busiest <= 20, `${busiest} requests in a second`);
  assert.ok(took < 1.3 * (requests / 20), `${took} s for ${requests} requests`);
});

it('500 connections at one tick, whose workers contend for one limiter: messages grow with the connections, and not faster', async () => {
  const [few, many] = [await manyMessages(100), await manyMessages(500)];
  assert.deepEqual([many.syncs, many.complete, many.refused], [500, 500, 0]);
  assert.ok(many.messages < 10 * few.messages, `${few.messages}, then ${many.messages} messages`);
  assert.ok(many.writes < 8 * many.requests, `${many.writes} writes of meters for ${many.requests} requests`);
});

it('tables that throttle 30 % of their calls cost time, and no page', async () => {
  const { syncs, complete, failures, throttled, givenUp } = await throttledTables(0.3);
  assert.deepEqual([syncs, complete, failures], [10, 10, 0]);
  assert.ok(throttled > 100 && givenUp > 0);
});

it('an API that is down for three days: a sync each day ends and says so, few requests leave, the next one is COMPLETE', async () => {
  const { syncs, whileDown, lastVerdicts, complete } = await longOutage(3);
  assert.deepEqual([syncs, complete, lastVerdicts], [8, 2, ['COMPLETE', 'COMPLETE']]);
  assert.ok(whileDown < (3 * DAY) / SECOND / 60, `${whileDown} requests while it was down`);
});

it('200 failures that are sent back at once are 200 syncs that get the rest', async () => {
  const { syncs, completeBefore, complete, failures } = await manyFailures(200);
  assert.deepEqual([syncs, completeBefore, complete, failures], [200, 0, 200, 200]);
});

it('clocks that are 20 ms wrong pass no limit; clocks that are 2 s wrong are refused sometimes, and lose nothing', async () => {
  const [near, far] = [await wrongClocks(20, 200), await wrongClocks(2 * SECOND, 200)];
  assert.deepEqual([near.complete, near.refused, far.complete, far.failures], [1, 0, 1, 0]);
  assert.ok(far.refused < 0.05 * far.requests, `${far.refused} of ${far.requests} requests were refused`);
});

it('events and messages that come twice start nothing twice', async () => {
  const { syncs, complete, refused } = await doubleEvents(20);
  assert.deepEqual([syncs, complete, refused], [40, 40, 0]);
});
