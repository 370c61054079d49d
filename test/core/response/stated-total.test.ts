import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readStatedTotal, saysLowerBound } from '../../../lib/core/response/stated-total.ts';

const cases: readonly [value: unknown, records: number | 'none' | 'complaint', atLeast?: boolean][] = [
  [120, 120],
  [0, 0],
  ['120', 120],
  ['0', 0],
  ['10000+', 10_000, true],
  [null, 'none'],
  [undefined, 'none'],
  [{ value: 10_000, relation: 'gte' }, 10_000, true],
  [{ value: 42, relation: 'eq' }, 42],
  [{ value: null }, 'none'],
  [-1, 'complaint'],
  [1.5, 'complaint'],
  ['many', 'complaint'],
  ['', 'complaint'],
  [true, 'complaint'],
  [{}, 'complaint'],
  [Number.MAX_VALUE, 'complaint'],
];

for (const [value, records, atLeast = false] of cases)
  it(`a total of ${JSON.stringify(value)} is ${records}${atLeast ? ' or more' : ''}`, () => {
    const read = readStatedTotal(value);
    if (records === 'none') assert.equal(read, undefined);
    else if (records === 'complaint') assert.ok(read !== undefined && 'complaint' in read);
    else assert.deepEqual(read, { records, atLeast });
  });

it('a body says beside its total that it is a lower bound', () => {
  assert.ok(saysLowerBound({ hits: { total: { value: 10_000, relation: 'gte' } } }, []));
  assert.ok(!saysLowerBound({ hits: { total: { value: 10_000, relation: 'eq' } } }, []));
  assert.ok(!saysLowerBound({ rows: [{ relation: 'gte' }] }, []));
});
