import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { chooseNames, columnsOf } from '../../lib/load/columns.ts';

const types = (shape: z.core.$ZodShape): object =>
  Object.fromEntries(columnsOf(z.object(shape)).map(({ name, type }) => [name, type]));

test('each kind of field has the type that docs/tables.md lists', () => {
  assert.deepEqual(
    types({
      int: z.int(),
      small: z.int32(),
      wide: z.int64(),
      unbounded: z.bigint(),
      either: z.union([z.int(), z.bigint()]),
      money: z.number().multipleOf(0.01),
      tens: z.number().multipleOf(10),
      number: z.number(),
      flag: z.stringbool(),
      text: z.email(),
      choice: z.enum(['a', 'b']),
      literal: z.literal(['a', 'b']),
      uuid: z.uuid(),
      day: z.iso.date(),
      time: z.iso.time(),
      zoned: z.iso.datetime({ offset: true }),
      local: z.iso.datetime({ local: true }),
      date: z.date(),
      nested: z.object({ a: z.int() }),
      list: z.array(z.string()),
      mixed: z.union([z.string(), z.int()]),
      any: z.any(),
      transformed: z.string().transform((text) => text.length),
      piped: z.string().pipe(z.coerce.number()),
    }),
    {
      ...{ int: 'integer', small: 'integer', wide: { decimal: 0 }, unbounded: { decimal: 0 }, either: { decimal: 0 } },
      ...{ money: { decimal: 2 }, tens: 'double', number: 'double', flag: 'boolean', text: 'text', choice: 'text' },
      ...{
        literal: 'text',
        uuid: 'uuid',
        day: 'date',
        time: 'text',
        zoned: 'timestamp',
        local: 'text',
        date: 'timestamp',
      },
      ...{ nested: 'json', list: 'json', mixed: 'json', any: 'json', transformed: 'json', piped: 'double' },
    },
  );
});

test('a field keeps its type where it may be missing, null or defaulted', () => {
  const day = z.iso.date();
  assert.deepEqual(
    types({ a: day.nullable(), b: day.optional(), c: day.nullish(), d: day.default('2026-01-01'), e: day.readonly() }),
    { a: 'date', b: 'date', c: 'date', d: 'date', e: 'date' },
  );
});

test('a record of several shapes has the columns of all of them; a field of two types is JSON', () => {
  const schema = z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('a'), same: z.int(), other: z.int() }),
    z.object({ kind: z.literal('b'), same: z.int(), other: z.string() }),
  ]);
  assert.deepEqual(columnsOf(schema), [
    { name: 'kind', type: 'text' },
    { name: 'same', type: 'integer' },
    { name: 'other', type: 'json' },
  ]);
});

test('a schema that refers to itself has columns', () => {
  const node = z.object({
    id: z.int(),
    get children() {
      return z.array(node);
    },
  });
  assert.deepEqual(columnsOf(node), [
    { name: 'id', type: 'integer' },
    { name: 'children', type: 'json' },
  ]);
});

test('a name that a database could not hold has no column', () => {
  const named = (...names: string[]): string[] =>
    chooseNames(names.map((name) => ({ name, type: 'text' as const }))).map(({ name }) => name);
  assert.deepEqual(named('id', 'ID', 'Id'), ['id']);
  assert.deepEqual(named('', 'a\0b', '\ud800', '_headgate_x', '_HEADGATE_y'), []);
  assert.deepEqual(named('é'.repeat(31), 'é'.repeat(32), 'x'.repeat(64)), ['é'.repeat(31)]);
  assert.equal(named(...Array.from({ length: 1_200 }, (_, index) => `c${index}`)).length, 1_000);
});
