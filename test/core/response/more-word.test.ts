import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readMoreWord } from '../../../lib/core/response/more-word.ts';

const cases: readonly [body: unknown, more: boolean | undefined, records?: readonly unknown[]][] = [
  [{ has_more: true }, true],
  [{ has_more: false }, false],
  [{ data: { orders: { pageInfo: { hasNextPage: true } } } }, true],
  [{ isLast: true }, false],
  [{ is_last_page: false }, true],
  [{ done: true }, false],
  // A job that is not done says nothing about pages.
  [{ done: false }, undefined],
  [{ additional_data: { pagination: { more_items_in_collection: true } } }, true],
  [{ IsTruncated: true }, true],
  [{ isLast: true, has_more: true }, true],
  [{ has_more: 'true' }, undefined],
  [{ rows: [{ has_more: true }] }, undefined],
  [{ a: { b: { c: { has_more: true } } } }, true],
  [{ a: { b: { c: { d: { has_more: true } } } } }, undefined],
  [[], undefined],
];

for (const [body, more] of cases)
  it(`${JSON.stringify(body)} says ${more === undefined ? 'nothing' : more ? 'that more follows' : 'that it is the last'}`, () =>
    assert.equal(readMoreWord(body, [])?.more, more));

it('a record that is the body itself, or stands in it by name, is not searched', () => {
  const record = { id: 1, has_more: true };
  assert.equal(readMoreWord(record, [record]), undefined);
  assert.equal(readMoreWord({ one: record }, [record]), undefined);
});
