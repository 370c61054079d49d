import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  countByColumn,
  latencyCells,
  latencyOf,
  limitUsage,
  timeGrid,
  troublesOf,
} from '../../../bin/cli/report-numbers.ts';
import type { RecordedRequest, RunRecord } from '../../../bin/cli/run-record.ts';

const request = (at: number, changed: Partial<RecordedRequest> = {}): RecordedRequest => ({
  ...{ stream: 'orders', at, took: 10, status: 200, is: 'page', reason: '' },
  ...changed,
});
const recordOf = (requests: readonly RecordedRequest[]): RunRecord => ({
  ...{ startedAt: 0, endedAt: 1_000, requests, holds: [], failures: [], receipts: [] },
});
const orders = (limit: { requests: number; window?: 'fixed' } | { points: number }, cost = 1) => ({
  limit: { ...limit, per: '1 second' as const },
  streams: new Map([['orders', cost]]),
});

it('the grid begins with the first request, and ends with the last answer', () => {
  const requests = [request(1_000), request(1_500, { took: 500 }), request(1_900)];
  const grid = timeGrid(recordOf(requests), 10);
  assert.deepEqual(grid, { from: 1_000, width: 100, columns: 10 });
  assert.deepEqual(
    countByColumn(requests, grid).map(({ answered }) => answered),
    [1, 0, 0, 0, 0, 1, 0, 0, 0, 1],
  );
});

it('a run without a request has a grid, too', () => {
  assert.deepEqual(timeGrid(recordOf([]), 10), { from: 0, width: 100, columns: 10 });
});

it('a rolling limit is used by what left within any window, wherever it lies', () => {
  const requests = [0, 600, 900, 1_100, 1_599, 1_600].map((at) => request(at));
  const grid = { from: 0, width: 2_000, columns: 1 };
  // From 600 (excluded) to 1,600 (included), a whole second: 900, 1,100, 1,599 and 1,600.
  assert.deepEqual(limitUsage(requests, orders({ requests: 20 }), grid), { columns: [4], peak: 4 });
  assert.equal(limitUsage(requests, orders({ points: 20 }, 5), grid).peak, 20);
});

it('a fixed limit is used by what left since its last full second', () => {
  const requests = [600, 900, 999, 1_000].map((at) => request(at));
  const grid = { from: 0, width: 1_000, columns: 2 };
  assert.deepEqual(limitUsage(requests, orders({ requests: 20, window: 'fixed' }), grid), { columns: [3, 1], peak: 3 });
});

it("another stream's requests do not count against a stream's own limit", () => {
  const requests = [request(0), request(1, { stream: 'items' })];
  assert.equal(limitUsage(requests, orders({ requests: 20 }), { from: 0, width: 10, columns: 1 }).peak, 1);
});

it('latency is told by its median, its 95th of a hundred, and its longest', () => {
  const requests = Array.from({ length: 100 }, (_, i) => request(i, { took: i + 1 }));
  assert.deepEqual(latencyOf(requests), { median: 51, p95: 96, most: 100 });
  assert.equal(latencyOf([]), undefined);
});

it('a cell shows the worst that happened in it, however many requests it has', () => {
  const requests = [request(0), request(1, { is: 'throttled' }), request(2), request(95, { took: 100 })];
  const cells = latencyCells(requests, { from: 0, width: 10, columns: 10 }, { rows: 10, most: 100 });
  assert.deepEqual(cells, [
    { column: 0, row: 1, outcome: 'throttled' },
    { column: 9, row: 9, outcome: 'answered' },
  ]);
});

it('the same trouble is told once, with how often and when', () => {
  const trouble = { status: 503, is: 'retry', reason: 'HTTP 503' };
  const requests = [request(0), request(5, trouble), request(7, { ...trouble, stream: 'items' }), request(9, trouble)];
  assert.deepEqual(
    troublesOf(requests).map(({ stream, outcome, times, first, last }) => [stream, outcome, times, first, last]),
    [
      ['orders', 'retried', 2, 5, 9],
      ['items', 'retried', 1, 7, 7],
    ],
  );
});
