import assert from 'node:assert/strict';
import { it } from 'node:test';
import { textTable } from '../../../bin/cli/output.ts';

const COLUMNS = [
  { title: 'STREAM', of: ([stream = '']: readonly string[]) => stream },
  { title: 'RECORDS', of: ([, records = '']: readonly string[]) => records, right: true },
  { title: 'WHY', of: ([, , why = '']: readonly string[]) => why },
];

it('a table that fits has one line for each row', () => {
  assert.equal(
    textTable([['orders', '12', 'moved']], COLUMNS, 40),
    ['STREAM  RECORDS  WHY', 'orders       12  moved', ''].join('\n'),
  );
});

it('what does not fit is wrapped within its column, between words where there are any', () => {
  const why = 'the API states 10,050 records, and 10,000 came';
  const table = textTable([['orders', '10000', why]], COLUMNS, 40);
  assert.equal(
    table,
    [
      'STREAM  RECORDS  WHY',
      'orders    10000  the API states 10,050',
      '                 records, and 10,000',
      '                 came',
      '',
    ].join('\n'),
  );
  const long = textTable([['orders', '1', 'x'.repeat(100)]], COLUMNS, 40);
  for (const line of long.split('\n')) assert.ok(line.length <= 40, line);
});
