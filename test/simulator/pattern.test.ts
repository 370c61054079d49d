import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { capacityOf, positionsOf, textAt } from '../../lib/simulator/pattern.ts';

const UNDERSTOOD = [
  '^[A-Z]{3}$',
  '^ch_[A-Za-z0-9]{24}$',
  '^ORD-\\d{4}-[a-f]+$',
  '^(?:red|green|blue) \\w{2,6}$',
  '^a?b*c+\\.d{2,}$',
  '^[^\\s-]{8,}$',
  '^[\\w.+-]+@[a-z]+\\.(com|org)$',
  '^\\+[1-9]\\d{6,14}$',
  '^[0-7][0-9A-HJKMNP-TV-Z]{25}$',
  '^[a-]{2}[\\]x]$',
  'anywhere',
];

describe('texts of a pattern match it, and rise with their numbers', () => {
  for (const pattern of UNDERSTOOD) {
    test(pattern, () => {
      const positions = positionsOf(pattern, 3) ?? assert.fail();
      const amount = Math.min(500, capacityOf(positions));
      const texts = Array.from({ length: amount }, (_, number) => textAt(positions, number));
      for (const text of texts) assert.match(text, new RegExp(pattern));
      assert.deepEqual(texts, [...new Set(texts)].sort());
    });
  }
});

describe('what is not understood is said to be so', () => {
  for (const pattern of ['^(?=.*\\d).+$', '^(a)\\1$', '^(a', '^[a', '\\bword\\b']) {
    test(pattern, () => assert.equal(positionsOf(pattern, 3), undefined));
  }
});

test('the capacity is how many different texts there are', () => {
  assert.equal(capacityOf(positionsOf('^[A-C]\\d$', 1) ?? assert.fail()), 30);
});
