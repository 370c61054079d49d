import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readContentRange } from '../../../lib/core/response/content-range.ts';
import { saysPartial } from '../../../lib/core/response/partial.ts';

const rows = Array.from({ length: 100 }, (_, id) => ({ id }));
const says = (status: number, range: string | undefined, body: unknown, whole: boolean) =>
  saysPartial({ status, header: (name) => (name === 'content-range' ? range : undefined), body }, rows, whole);

describe('the range of a response (RFC 9110 section 14.4)', () => {
  const cases: readonly [header: string | undefined, range: unknown][] = [
    ['0-99/357', { from: 0, to: 99, of: 357 }],
    ['items 0-99/357', { from: 0, to: 99, of: 357 }],
    ['items 100-199/*', { from: 100, to: 199, of: undefined }],
    ['bytes 0-99/357', undefined],
    ['*/357', undefined],
    ['9-0/10', undefined],
    [undefined, undefined],
  ];
  for (const [header, range] of cases) it(`${header}`, () => assert.deepEqual(readContentRange(header), range));
});

describe('a response says that it is partial', () => {
  const cases: readonly [name: string, said: string | undefined][] = [
    ['a whole listing by status 206 alone', says(206, undefined, rows, true)],
    ['a page by status 206 without a range', says(206, undefined, rows, false)],
    ['a whole listing by a range that has more', says(206, '0-99/357', rows, true)],
    ['a whole listing by a range that has more, with status 200', says(200, '0-99/357', rows, true)],
    ['a whole listing by a range of unknown extent', says(206, '0-99/*', rows, true)],
    ['a page by a range of more records than came', says(206, '0-149/357', rows, false)],
    ["GitHub's word", says(200, undefined, { incomplete_results: true }, false)],
    ["Elasticsearch's words", says(200, undefined, { timed_out: true }, false)],
    ['a search that stopped early', says(200, undefined, { terminated_early: true }, false)],
    ['a lost shard', says(200, undefined, { _shards: { total: 5, failed: 1 } }, false)],
    ['a header of the search', says(200, undefined, { responseHeader: { partialResults: true } }, false)],
  ];
  for (const [name, said] of cases) it(name, () => assert.ok(said !== undefined));

  const whole: readonly [name: string, said: string | undefined][] = [
    ['a page by 206 whose range is the page', says(206, '100-199/357', rows, false)],
    ['a whole listing by 206 whose range is all of it', says(206, '0-99/100', rows, true)],
    ['a search with all its shards', says(200, undefined, { timed_out: false, _shards: { failed: 0 } }, true)],
    ['a record that is partial itself', says(200, undefined, { rows: [{ partial: true }] }, true)],
  ];
  for (const [name, said] of whole) it(`but not ${name}`, () => assert.equal(said, undefined));
});
