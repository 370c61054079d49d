import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as z from 'zod';
import { recordMaker } from '../../lib/simulator/records.ts';

const recipe = { label: 'things', seed: 1, count: 1_000, keys: ['id'] };
const made = (schema: z.ZodType, more: Partial<Parameters<typeof recordMaker>[1]> = {}) => {
  const make = recordMaker(schema, { ...recipe, ...more });
  return Array.from({ length: 1_000 }, (_, index) => make(index));
};

const Tree: z.ZodType<{ name: string; children: unknown[] }> = z.object({
  name: z.string(),
  get children() {
    return z.array(Tree);
  },
});

/** Kinds of values. Each must parse, and differ from record to record where the schema leaves room for it. */
const KINDS: Readonly<Record<string, z.ZodType>> = {
  text: z.string(),
  'short text': z.string().min(2).max(4),
  'long text': z.string().min(40),
  'one letter': z.string().length(1),
  number: z.number(),
  'negative numbers': z.number().max(-5),
  'numbers above': z.number().gt(10_000).lt(10_003),
  'whole numbers': z.int(),
  'numbers of 32 bits': z.int32(),
  steps: z.number().multipleOf(0.25).min(1).max(9),
  'one step': z.number().multipleOf(0.1).min(0.7).max(0.7),
  boolean: z.boolean(),
  enum: z.enum(['a', 'b', 'c']),
  literals: z.literal(['x', 3, true]),
  uuid: z.uuid(),
  'uuid of version 7': z.uuidv7(),
  'other ids': z.object({ a: z.ulid(), b: z.nanoid(), c: z.cuid2(), d: z.e164(), e: z.ipv4(), f: z.base64() }),
  email: z.email(),
  url: z.url(),
  'date and time': z.iso.datetime(),
  'date and time to the second': z.iso.datetime({ precision: 0 }),
  'local date and time': z.iso.datetime({ local: true }),
  'date and time with an offset': z.iso.datetime({ offset: true }),
  date: z.iso.date(),
  time: z.iso.time(),
  pattern: z.string().regex(/^[A-Z]{3}-\d{4}$/),
  'two patterns': z
    .string()
    .regex(/^[a-z]+$/)
    .regex(/^.{3}$/),
  list: z.array(z.int()).min(1).max(3),
  tuple: z.tuple([z.string(), z.int()]),
  map: z.record(z.string(), z.int()),
  'map of known names': z.record(z.enum(['a', 'b']), z.int()),
  object: z.object({ deep: z.object({ deeper: z.array(z.object({ deepest: z.string().nullable() })) }) }),
  'strict object': z.strictObject({ a: z.string(), b: z.string().optional() }),
  'loose object': z.looseObject({ a: z.string() }),
  intersection: z.intersection(z.object({ a: z.string() }), z.object({ b: z.int() })),
  union: z.union([z.string(), z.object({ name: z.string() }), z.null()]),
  'discriminated union': z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('a'), a: z.int() }),
    z.object({ kind: z.literal('b'), b: z.string() }),
  ]),
  nullish: z.string().nullish(),
  'a tree': Tree,
  unknown: z.unknown(),
  'with a default': z.string().default('none'),
  coerced: z.coerce.number(),
  'coerced date': z.coerce.date(),
  transformed: z.iso.datetime().transform((text) => Date.parse(text)),
  'optional, and impossible': z.date().optional(),
};

describe('every kind of value fits its schema', () => {
  for (const [title, value] of Object.entries(KINDS)) {
    test(title, () => {
      const schema = z.object({ id: z.int(), value });
      const records = made(schema);
      for (const record of records) assert.doesNotThrow(() => schema.parse(record), JSON.stringify(record));
      assert.equal(new Set(records.map((record) => schema.parse(record).id)).size, 1_000);
    });
  }
});

describe('every kind of key is different in every record, and rises', () => {
  const keys: Readonly<Record<string, z.ZodType<string | number>>> = {
    text: z.string(),
    'four characters': z.string().length(4),
    pattern: z.string().regex(/^[a-z]\d{2,}$/),
    number: z.number(),
    'small number': z.int().min(1).max(1_000),
    uuid: z.uuid(),
    'uuid of version 4': z.uuidv4(),
    email: z.email(),
    url: z.url(),
    'date and time': z.iso.datetime(),
    date: z.iso.date(),
  };
  for (const [title, id] of Object.entries(keys)) {
    test(title, () => {
      const schema = z.object({ id });
      const ids = made(schema).map((record) => schema.parse(record).id);
      assert.ok(ids.every((value, at) => at === 0 || (ids[at - 1] ?? assert.fail()) < value));
    });
  }

  test('however the letters are written', () => {
    const schema = z.object({ id: z.uuid() });
    assert.equal(new Set(made(schema).map((record) => schema.parse(record).id.toLowerCase())).size, 1_000);
  });
});

test('the same seed makes the same records, another seed others', () => {
  const schema = z.object({ id: z.int(), name: z.string(), tags: z.array(z.string()), note: z.string().nullish() });
  assert.deepEqual(made(schema), made(schema));
  assert.notDeepEqual(made(schema), made(schema, { seed: 2 }));
  assert.notDeepEqual(made(schema), made(schema, { label: 'other things' }));
});

test('a record does not depend on how many there are', () => {
  const schema = z.object({ id: z.int(), name: z.string() });
  assert.deepEqual(made(schema, { count: 1_000 }), made(schema, { count: 1_000_000 }));
});

test('optional and nullable fields are sometimes absent, but never keys, and never all of them', () => {
  const schema = z.object({ id: z.int().nullish(), note: z.string().optional(), text: z.string().nullable() });
  const records = made(schema).map((record) => schema.parse(record));
  assert.ok(records.every(({ id }) => typeof id === 'number'));
  const [notes, texts] = [
    records.filter(({ note }) => note === undefined),
    records.filter(({ text }) => text === null),
  ];
  for (const { length } of [notes, texts]) assert.ok(50 < length && length < 250, `${length}`);
  for (const record of made(schema, { complete: true }))
    assert.ok(Object.values(schema.parse(record)).every((value) => value != null));
});

test('a pinned field is always there, and made as it is told', () => {
  const schema = z.object({ id: z.int(), meta: z.object({ changed: z.string().nullish() }).nullish() });
  const records = made(schema, { pin: { path: '/meta/changed', maker: (index) => `at ${index}` } });
  assert.deepEqual(
    records.map((record) => schema.parse(record).meta?.changed),
    records.map((_, index) => `at ${index}`),
  );
});

describe('what cannot be made is refused with the name of the field', () => {
  const cases: readonly [string, z.ZodType, RegExp][] = [
    ['too few keys', z.object({ id: z.int().min(1).max(10) }), /^field "id" needs 1000 different values /],
    [
      'a pattern it does not understand',
      z.object({ id: z.int(), a: z.object({ b: z.string().regex(/^(?=x)x$/) }) }),
      /^field "a\/b" needs a value that the simulator cannot make /,
    ],
    ['no JSON', z.object({ id: z.int(), a: z.bigint() }), /^field "a" can have no value\.$/],
    ['nothing', z.object({ id: z.int(), a: z.never() }), /^field "a" can have no value\.$/],
    [
      'an endless record',
      z.object({
        id: z.int(),
        get self() {
          return Endless;
        },
      }),
      /^field "self\/.*" contains itself without end\.$/,
    ],
  ];
  for (const [title, schema, message] of cases) {
    test(title, () => assert.throws(() => recordMaker(schema, recipe), { name: 'SimulatorRefusal', message }));
  }
});

const Endless: z.ZodType = z.object({
  get self() {
    return Endless;
  },
});
