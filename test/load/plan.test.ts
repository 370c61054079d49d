import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Receipt } from '../../lib/core/verdict/receipt.ts';
import { planLoads } from '../../lib/load/plan.ts';
import { receiptOf } from './deliveries.ts';

const SYNCS = ['20261122T170000000Z', '20261122T180000000Z', '20261122T190000000Z'] as const;

/** What becomes of a full sync and two incremental ones, the first of which may lack something. Marks: of each sync, before and after. */
function statesOf(marks: readonly (readonly [before: string | null, after: string])[], verdict: Receipt['verdict']) {
  const receipts = marks.map(([before, after], index) =>
    receiptOf({
      sync: SYNCS[index] ?? '',
      mode: index === 0 ? 'full' : 'incremental',
      verdict: index === 1 ? verdict : 'COMPLETE',
      watermark: { before, after },
    }),
  );
  return planLoads([], receipts).map(({ state }) => state);
}

const kinds: Readonly<Record<string, readonly [string, string, string]>> = {
  dates: ['2026-11-01T00:00:00.000Z', '2026-11-02T00:00:00.000Z', '2026-11-03T00:00:00.000Z'],
  numbers: ['9', '10', '100'],
  tokens: ['z-token', 'a-token', 'm-token'],
};

for (const [name, [one, two, three]] of Object.entries(kinds))
  describe(`incremental syncs by ${name}`, () => {
    test('are loaded where each begins at what the one before reached', () => {
      const marks = [
        [null, one],
        [one, two],
        [two, three],
      ] as const;
      assert.deepEqual(statesOf(marks, 'COMPLETE'), ['loaded', 'loaded', 'loaded']);
    });
    test('wait where the one that they build on is held back', () => {
      const marks = [
        [null, one],
        [one, two],
        [two, three],
      ] as const;
      assert.deepEqual(statesOf(marks, 'INCOMPLETE'), ['loaded', 'held', 'held']);
    });
    test('go on where the one that was held back moved nothing', () => {
      const marks = [
        [null, one],
        [one, one],
        [one, three],
      ] as const;
      assert.deepEqual(statesOf(marks, 'INCOMPLETE'), ['loaded', 'held', 'loaded']);
    });
  });
