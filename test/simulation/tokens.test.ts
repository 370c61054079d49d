import assert from 'node:assert/strict';
import { it } from 'node:test';
import { simulateTokens } from './tokens.ts';

const SEEDS = 25;

/** What must have happened over these seeds; none of it may be zero. */
const EXERCISED = [
  ...['crashes', 'freezes', 'timeouts', 'calls refused', 'answers lost', 'answers that came too late'],
  ...['refreshes', 'refreshes that failed', 'families ended by reuse', 'pauses', 'consents', 'requests taken'],
];

it(`${SEEDS} half days of one connection's tokens keep every invariant`, async () => {
  const exercised = new Map<string, number>();
  for (let seed = 0; seed < SEEDS; seed++) {
    const { violations, tally } = await simulateTokens(seed);
    assert.deepEqual(violations, [], `seed ${seed}: npm run simulate -- --tokens --seed ${seed}`);
    for (const [what, times] of tally.counts) exercised.set(what, (exercised.get(what) ?? 0) + times);
  }
  for (const what of EXERCISED) assert.ok((exercised.get(what) ?? 0) > 0, `${what}: never`);
});
