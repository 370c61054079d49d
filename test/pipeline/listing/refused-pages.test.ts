import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decideRefusal } from '../../../lib/pipeline/listing/refused-pages.ts';

describe('a refused page', () => {
  it('is final where it cannot heal, at its first attempt', () => {
    assert.deepEqual(decideRefusal({ heals: false, wait: 500 }, 1, 5), { is: 'final' });
  });

  it('is tried again while attempts are left, no sooner than the API advises', () => {
    assert.deepEqual(decideRefusal({ heals: true, wait: 500 }, 4, 5), { is: 'retry', advised: 500 });
    assert.deepEqual(decideRefusal({ heals: true, wait: undefined }, 1, 5), { is: 'retry', advised: 0 });
    assert.deepEqual(decideRefusal({ heals: true, wait: 500 }, 5, 5), { is: 'final' });
  });

  it('is no attempt where it was not the fault of the page, however many there were', () => {
    assert.deepEqual(decideRefusal({ heals: true, excused: 900, wait: 500 }, 9, 5), { is: 'excused', wait: 900 });
    assert.deepEqual(decideRefusal({ heals: true, excused: 0, wait: undefined }, 1, 5), { is: 'excused', wait: 0 });
  });
});
