import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startPractice } from './practice-stack.ts';

/** Enough for three blocks of a numbered listing, and for several pages of a chain. */
const RECORDS = 500;

/** Every death at both moments is tried over memory ports (test/pipeline/deaths.test.ts); here, every fifth one on the real parts. */
const CASES = [
  { stream: 'customers', moment: 'after' },
  { stream: 'events', moment: 'before' },
] as const;

describe('a worker that dies at one of its calls to AWS loses nothing and counts nothing twice', () => {
  for (const { stream, moment } of CASES) {
    it(`${stream}, ${moment} the call took effect`, async (t) => {
      let calls = 0;
      let dies = 0;
      const stack = await startPractice(t, RECORDS, ({ kill }, now) => {
        if (now === 'before') calls += 1;
        if (calls !== dies || now !== moment) return;
        dies = 0;
        kill();
        // Whoever is dead holds his lease: housekeeping knows that nobody works.
        stack.housekeep();
      });
      let deaths = 0;
      for (let call = 1; ; call += 5) {
        [calls, dies] = [0, call];
        const { receipt, records } = await stack.sync(stream);
        const died = dies === 0;
        assert.equal(receipt.verdict, 'COMPLETE', `death at call ${call}`);
        assert.equal(receipt.records.delivered, RECORDS, `death at call ${call}`);
        assert.equal(records.length, RECORDS, `death at call ${call}`);
        assert.equal(new Set(records.map(({ id }) => id)).size, RECORDS, `death at call ${call}`);
        if (!died) break;
        deaths += 1;
      }
      assert.ok(deaths > 3, `${deaths} deaths`);
      t.diagnostic(`${deaths} deaths`);
    });
  }
});
