import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellOf, MISFIT } from '../../lib/load/cell.ts';
import type { ColumnType } from '../../lib/load/columns.ts';

const fits: readonly [ColumnType, unknown, string][] = [
  ['integer', -5, '-5'],
  ['integer', 9223372036854775807n, '9223372036854775807'],
  [{ decimal: 0 }, 12345678901234567890n, '12345678901234567890'],
  [{ decimal: 2 }, 12.3, '12.3'],
  ['double', 1e300, '1e+300'],
  ['text', '', ''],
  ['timestamp', '2026-02-28T23:59:59.1234567Z', '2026-02-28T23:59:59.123456Z'],
  ['timestamp', '2026-02-28T23:59+05:30', '2026-02-28T23:59+05:30'],
  ['json', { a: [1n, '\\u0000'] }, '{"a":[1,"\\\\u0000"]}'],
];

for (const [type, value, text] of fits)
  test(`a column of type ${JSON.stringify(type)} holds ${String(value)}`, () =>
    assert.equal(cellOf(type, value), text));

const misfits: readonly [ColumnType, unknown][] = [
  ['integer', 1.5],
  ['integer', '5'],
  ['integer', 9223372036854775808n],
  [{ decimal: 2 }, 1.234],
  [{ decimal: 2 }, 1e300],
  [{ decimal: 0 }, 10n ** 38n],
  ['double', '1'],
  ['boolean', 'true'],
  ['text', 5],
  ['text', 'a\0b'],
  ['text', 'half of a pair: \ud800'],
  ['uuid', 'not one'],
  ['date', '2026-02-30'],
  ['date', '0000-01-01'],
  ['timestamp', '2026-02-28T23:59:59'],
  ['timestamp', '2026-02-30T00:00:00Z'],
  ['timestamp', '0001-01-01T00:00:00+14:00'],
  ['timestamp', 1764547200],
  ['json', { a: '\0' }],
  ['json', ['\ud800']],
];

for (const [type, value] of misfits)
  test(`a column of type ${JSON.stringify(type)} refuses ${typeof value} ${JSON.stringify(String(value))}`, () =>
    assert.equal(cellOf(type, value), MISFIT));

test('null and a missing value are NULL in a column of any type', () => {
  for (const type of ['integer', 'text', 'json', { decimal: 1 }] as const) {
    assert.equal(cellOf(type, null), null);
    assert.equal(cellOf(type, undefined), null);
  }
});
