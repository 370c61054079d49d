import assert from 'node:assert/strict';
import { it } from 'node:test';
import { syncDeadline } from '../../../lib/core/verdict/deadline.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

it('a sync is given up a day after its last progress, however long it has been running', () => {
  assert.equal(syncDeadline({ startedAt: 0, progressAt: 0, spacing: 0, left: 0 }), DAY);
  assert.equal(syncDeadline({ startedAt: 0, progressAt: 60 * HOUR, spacing: 0, left: 0 }), 84 * HOUR);
});

it('and not before its limits let the requests that are left leave, twice over', () => {
  // 1,000 requests a day, 3,000 left.
  assert.equal(syncDeadline({ startedAt: 0, progressAt: 0, spacing: DAY / 1_000, left: 3_000 }), 6 * DAY + HOUR);
});

it('and in any case before its items expire', () => {
  assert.equal(syncDeadline({ startedAt: 0, progressAt: 20 * DAY, spacing: DAY, left: 100 }), 28 * DAY);
});

it('and not while the API itself asked for patience', () => {
  assert.equal(syncDeadline({ startedAt: 0, progressAt: HOUR, spacing: 0, left: 1, parkedUntil: 3 * DAY }), 4 * DAY);
});
