import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calculate } from '../../lib/local/metric-math.ts';

const values = { a: 6, b: 2, none: undefined } as const;
const valueIn = (id: string): number | undefined => (id === 'a' ? values.a : id === 'b' ? values.b : undefined);

const cases: readonly (readonly [expression: string, value: number | undefined])[] = [
  ['a', 6],
  ['a + b * 10', 26],
  ['a / b / 3', 1],
  ['a - b - 1', 3],
  ['a > b', 1],
  ['a < b', 0],
  ['none + 1', undefined],
  ['FILL(none, 7)', 7],
  ['FILL(a, 7)', 6],
  ['SUM([a, none, b])', 8],
  ['MAX([none, b])', 2],
  ['MAX([none])', undefined],
  ['IF(a > 0, 100 * FILL(none, 0) / a, 0)', 0],
  ['IF(a > 7, 1, b)', 2],
  ['IF(none > 0, 1, 2)', undefined],
];
for (const [expression, value] of cases) {
  test(`${expression} is ${value}`, () => assert.equal(calculate(expression, valueIn), value));
}

for (const expression of ['AVG([a])', 'a +', 'a b', 'a ? b', 'IF(a, b)']) {
  test(`${expression} is refused`, () => assert.throws(() => calculate(expression, valueIn), /does not know/));
}
