import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { watchFailing } from '../failing-tasks.ts';
import { json } from '../world.ts';

const TASKS = 250;
/** Attempts that are made before a page is set aside, of which the last is not waited for. */
const ATTEMPTS = 5;

describe(`${TASKS} tasks that fail until they are set aside`, () => {
  it('wait by full jitter: anything from nothing to 2 s, then 4, 8 and 16 s, evenly, and no two in step', async () => {
    const { waits, requests } = await watchFailing(TASKS, () => json({}, {}, 500), 1);
    assert.equal(requests, TASKS * ATTEMPTS);
    for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
      const longest = 2 ** attempt;
      const seen = waits.filter((wait) => wait.attempt === attempt).map(({ seconds }) => seconds);
      assert.equal(seen.length, TASKS);
      assert.ok(Math.min(...seen) >= 0 && Math.max(...seen) <= longest);
      // Messages are hidden by whole seconds. Each of them comes equally often, by 5 standard deviations.
      const expected = TASKS / longest;
      for (let second = 1; second <= longest; second++) {
        const count = seen.filter((seconds) => seconds === second).length;
        assert.ok(
          Math.abs(count - expected) <= 5 * Math.sqrt(expected),
          `attempt ${attempt}: ${count} wait ${second} s`,
        );
      }
    }
  });

  it('never come back sooner than the server advised', async () => {
    const { waits } = await watchFailing(TASKS, () => json({}, { 'retry-after': '7' }, 500), 2);
    assert.ok(waits.length >= TASKS * (ATTEMPTS - 1));
    assert.ok(waits.every(({ seconds }) => seconds >= 7));
    assert.ok(
      waits.some(({ seconds }) => seconds > 12),
      'and later, where their own turn is later',
    );
  });

  it('are not tried again if it cannot help', async () => {
    const { waits, requests } = await watchFailing(TASKS, () => json({}, {}, 422), 3);
    assert.deepEqual([waits, requests], [[], TASKS]);
  });
});
