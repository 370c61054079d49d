import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { windowAt, windowCount } from '../../../lib/core/listing/slice.ts';

describe('windows', () => {
  it('cut a window without a gap and without an overlap', () => {
    const windows = fc.record({ from: fc.nat(1e12), length: fc.nat(1e6), width: fc.integer({ min: 1, max: 1e5 }) });
    fc.assert(
      fc.property(windows, ({ from, length, width }) => {
        const whole = { from, to: from + length, width };
        const cut = Array.from({ length: Math.min(1_000, windowCount(whole)) }, (_, i) => windowAt(whole, i));
        assert.equal(cut[0]?.from, from);
        for (const [i, { from: begin, to }] of cut.entries()) {
          assert.ok(to - begin <= width && (to > begin || length === 0));
          if (i > 0) assert.equal(begin, cut[i - 1]?.to);
        }
        if (windowCount(whole) <= 1_000) assert.equal(cut.at(-1)?.to, from + length);
      }),
    );
  });

  it('of nothing are one, and empty', () => {
    assert.equal(windowCount({ from: 5, to: 5, width: 10 }), 1);
    assert.deepEqual(windowAt({ from: 5, to: 5, width: 10 }, 0), { from: 5, to: 5 });
  });
});
