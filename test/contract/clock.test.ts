import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../lib/aws/clock.ts';
import type { Clock } from '../../lib/pipeline/ports.ts';
import { manualClock } from '../memory/clock.ts';

/** What every `Clock` does. */
function clockContract(clock: Clock): void {
  test('tells whole milliseconds since 1970, and never an earlier time than before', async () => {
    const times = Array.from({ length: 100 }, () => clock.now());
    await clock.wait(0.4);
    times.push(clock.now());
    assert.ok(times.every(Number.isSafeInteger));
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  });

  test('lets as much time pass in a wait as it was asked to, and no time without one', async () => {
    const before = clock.now();
    await clock.wait(50);
    // A timer may be a little early.
    assert.ok(clock.now() - before >= 45, `${clock.now() - before} ms passed`);
    const after = clock.now();
    await clock.wait(-1_000);
    assert.ok(clock.now() - after < 1_000);
  });
}

describe('Clock in memory', () => {
  clockContract(manualClock(Date.UTC(2026, 0, 1)));

  test('stands still until it is moved', () => {
    const clock = manualClock(1_000);
    assert.equal(clock.now(), 1_000);
    clock.advance(250);
    assert.equal(clock.now(), 1_250);
  });
});

describe('Clock of the system', () => {
  clockContract(systemClock);

  test('tells the time of now', () => {
    const before = Date.now();
    const now = systemClock.now();
    assert.ok(before <= now && now <= Date.now());
  });
});
