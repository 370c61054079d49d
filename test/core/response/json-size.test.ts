import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { parseJson } from '../../../lib/core/response/json.ts';
import { sizeOfJson } from '../../../lib/core/response/json-size.ts';

const MB = 1_000_000;
const list = (unit: string, size: number): string =>
  `{"rows":[${Array(Math.floor(size / (unit.length + 1)))
    .fill(unit)
    .join(',')}]}`;

/** A record of 250 bytes. */
const RECORD = JSON.stringify({
  ...{ id: 12_345, name: 'Ann Example', email: 'ann@example.com', total: 12.5, status: 'paid', note: null, ok: true },
  ...{ updated_at: '2026-10-01T00:00:00Z', tags: ['a', 'b'], address: { street: 'Long street 5', city: 'Bern' } },
});

describe('a page that would not fit into memory is told before it is parsed', () => {
  const hostile: Readonly<Record<string, string>> = {
    'empty objects': '{}',
    'nested lists': `${'['.repeat(50)}${']'.repeat(50)}`,
    'numbers, one of which is long': '12345678901234567,1,1,1,1,1,1,1,1,1,1,1,1,1,1',
    'short strings': '""',
    'objects of one field': '{"a":1}',
  };
  for (const [what, unit] of Object.entries(hostile))
    it(what, () => assert.equal(parseJson(list(unit, 31 * MB)), 'too large'));

  it('but not 10 MB of records, nor one text of 31 MB', () => {
    for (const text of [list(RECORD, 10 * MB), JSON.stringify({ rows: [{ note: 'x"'.repeat(12 * MB) }] })])
      assert.equal(typeof parseJson(text), 'object');
  });
});

it('what is estimated is at least what the values take', () => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  assert.ok(typeof collect === 'function');
  for (const unit of ['{}', '[[[]]]', '{"a":1}', '""', RECORD]) {
    const text = list(unit, 2 * MB);
    collect();
    const before = process.memoryUsage().heapUsed;
    const value: unknown = JSON.parse(text);
    const taken = process.memoryUsage().heapUsed - before;
    assert.ok(taken < sizeOfJson(text).bytes, `${unit}: ${taken} of ${sizeOfJson(text).bytes}`);
    assert.ok(typeof value === 'object');
  }
});

it('long numbers are seen outside of strings only', () => {
  const cases: readonly (readonly [text: string, isLong: boolean])[] = [
    ['{"id":"12345678901234567890"}', false],
    ['{"id":12345678901234567}', true],
    ['{"x":"\\"12345678901234567"}', false],
    ['[1e5]', true],
    ['["1e5",1,2]', false],
    ['[123456789012345,123456789012345]', false],
    ['[0.1234567890123456]', true],
  ];
  for (const [text, isLong] of cases) assert.equal(sizeOfJson(text).hasLongNumbers, isLong, text);
});

it('names are counted as they are written', () => {
  const count = (value: unknown): number =>
    typeof value !== 'object' || value === null
      ? 0
      : Object.values(value).reduce<number>(
          (sum, each) => sum + count(each),
          Array.isArray(value) ? 0 : Object.keys(value).length,
        );
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'), (json, space) => {
      const text = JSON.stringify(json, undefined, space);
      assert.equal(sizeOfJson(text).names, count(JSON.parse(text)), text);
    }),
  );
});
