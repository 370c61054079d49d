import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseSpan } from '../../lib/core/time.ts';

it('a span is a number and a unit', () => {
  assert.equal(parseSpan('5 minutes'), 300_000);
  assert.equal(parseSpan('1 day'), 86_400_000);
  assert.equal(parseSpan('0.5 seconds'), 500);
  assert.equal(parseSpan('0 seconds'), 0);
  for (const text of ['5', 'minutes', '-1 second', '5 weeks', '5  minutes', '', '1e3 seconds', '5 constructor']) {
    assert.equal(parseSpan(text), undefined, text);
  }
});
