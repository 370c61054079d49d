import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseJson, readJson, writeJson } from '../../../lib/core/response/json.ts';

const value = (text: string): unknown => {
  const parsed = parseJson(text);
  assert.ok(typeof parsed === 'object', String(parsed));
  return parsed.value;
};

describe('numbers', () => {
  it('an integer that no double can hold is a bigint, and is written as it was', () => {
    for (const digits of ['9007199254740993', '-9007199254740993', '18446744073709551615', '9223372036854775807']) {
      assert.equal(value(digits), BigInt(digits));
      assert.equal(writeJson({ id: value(digits) }), `{"id":${digits}}`);
    }
  });

  it('every other number is a double', () => {
    for (const text of ['9007199254740991', '1e21', '0.1234567890123456789', '12345678901234567890.5', '-0', '1e-400'])
      assert.equal(value(text), Number(text));
  });

  it('what is beyond all doubles is no number', () => {
    for (const text of ['1e999', '-1e999', '[1,{"a":1e400}]', 'NaN', 'Infinity'])
      assert.equal(parseJson(text), 'no JSON');
  });
});

it('every value that JSON can say is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'), (json, space) => {
      const text = JSON.stringify(json, undefined, space);
      assert.deepEqual(JSON.parse(writeJson(readJson(text)) ?? ''), JSON.parse(text));
      const parsed = parseJson(text);
      assert.ok(typeof parsed === 'object' && parsed.ambiguous.size === 0, text);
    }),
  );
});

it('a name that stands in one object twice is found, wherever it is and however it is written', () => {
  const cases: [text: string, name: string, place: (string | number)[]][] = [
    ['{"a":1,"a":2}', 'a', []],
    ['{"a":1,"\\u0061":2}', 'a', []],
    ['{"rows":[{"id":1},{"x":{"y":[0,{"k":1, "k" :2}]}}]}', 'k', ['rows', 1, 'x', 'y', 1]],
    ['{"\\"q\\":":1,"z":"a\\\\","\\"q\\":":2}', '"q":', []],
    ['{"__proto__":1,"__proto__":2}', '__proto__', []],
  ];
  for (const [text, name, place] of cases) {
    const parsed = parseJson(text);
    assert.ok(typeof parsed === 'object');
    const at = place.reduce((here: unknown, step) => Reflect.get(Object(here), step), parsed.value);
    assert.deepEqual([...parsed.ambiguous], [[at, name]], text);
  }
});

it('what is nested too deeply for anybody who walks it is refused', () => {
  const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  assert.equal(typeof parseJson(deep(200)), 'object');
  assert.equal(parseJson(deep(202)), 'too deep');
  assert.equal(parseJson(deep(1_000_000)), 'too deep');
});
