import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CursorNature, cursorNature } from '../../../lib/core/listing/counting-cursor.ts';

/** What a chain's cursors are, of pages with ten records each. `ids`: of the last record of each page. */
function natureOf(cursors: readonly string[], ids: readonly (number | string)[] = []): CursorNature {
  return cursors.reduce<CursorNature>(
    (nature, cursor, index) =>
      cursorNature(nature, cursor, { index, read: 10 * (index + 1), size: 10, last: { id: ids[index] ?? 'x' } }),
    undefined,
  );
}

const base64 = (...texts: string[]): string[] => texts.map((text) => btoa(text));

describe('cursors count', () => {
  const cases: readonly [name: string, cursors: readonly string[]][] = [
    ['pages', ['2', '3', '4']],
    ['pages from 0', ['1', '2', '3']],
    ['records', ['10', '20', '30']],
    ['records from 1', ['11', '21', '31']],
    ['records, as Base64', base64('10', '20', '30')],
    ['records, as Base64 with a name', base64('arrayconnection:10', 'arrayconnection:20')],
    ['records, as Base64 of a cursor', base64('cursor:10', 'cursor:20')],
    ['by a name in JSON', ['{"offset":10}', '{"offset":20}']],
    ['by a name in Base64 of JSON', base64('{"page":2,"q":"a"}', '{"page":3,"q":"a"}')],
    ['by a name in a link', ['https://a.test/rows?page=2&size=10', 'https://a.test/rows?page=3&size=10']],
    ['by an offset in a link', ['https://a.test/rows?startAt=10']],
  ];
  for (const [name, cursors] of cases) it(name, () => assert.equal(natureOf(cursors), 'counts'));

  it('where records were deleted, although the keys of earlier ones looked the same', () => {
    assert.equal(natureOf(['10', '20', '30'], [10, 21, 31]), 'counts');
  });
});

describe('whatever a cursor is', () => {
  const alphabet = [...'aZ09+/=-_&#% {}[]":,é\u2028'];
  it('its nature is told', () => {
    for (let length = 0; length < 4; length++)
      for (let code = 0; code < alphabet.length ** length; code++) {
        const cursor = Array.from(
          { length },
          (_, at) => alphabet[Math.floor(code / alphabet.length ** at) % alphabet.length],
        );
        for (const padding of ['', 'A', 'AA', 'aa=', 'aaa==', 'AAAA='])
          assert.doesNotThrow(() => natureOf([cursor.join('') + padding]), cursor.join('') + padding);
      }
  });
});

describe('cursors do not count', () => {
  const cases: readonly [name: string, cursors: readonly string[]][] = [
    ['text', ['abc', 'abd']],
    ['keys', ['1733', '1801', '2950']],
    ['keys that look like a count once', ['10', '47', '62']],
    ['keys in JSON', ['{"id":10}', '{"id":20}']],
    ['a date and a key', ['[1733011200,10]']],
    ['a date in JSON', ['{"from":1733011200}']],
    ['Base64 of bytes', [btoa('\x00\x01\x02\x03')]],
    ['a link by a cursor', ['https://a.test/rows?cursor=abc&size=10']],
  ];
  for (const [name, cursors] of cases) it(name, () => assert.equal(natureOf(cursors), 'opaque'));

  it('where each is the key of the last record', () => {
    assert.equal(natureOf(['10', '20', '30'], [10, 20, 30]), undefined);
    assert.equal(natureOf(base64('10', '20'), [10, 20]), undefined);
  });
});
