import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { checkRecord } from '../../../lib/core/connector/schema.ts';
import { numbered } from '../../pipeline/kinds.ts';

const check = (schema: z.ZodType, raw: unknown) => {
  const { rows } = numbered(true).streams;
  assert.ok(rows);
  const { fits, departures } = checkRecord({ ...rows, schema }, raw);
  return [fits, ...departures.map(({ path, change, sample }) => `${change} ${path} ${sample}`)];
};

const Money = z.object({ amount: z.string(), currency: z.string() });
const Tree = z.object({
  name: z.string(),
  get children() {
    return z.array(Tree).optional();
  },
});
const Order = z.object({
  id: z.int(),
  total: Money,
  lines: z.array(z.object({ sku: z.string(), price: Money.nullable() })).optional(),
  rates: z.record(z.string(), Money).optional(),
  pair: z.tuple([z.number(), Money]).optional(),
  pay: z
    .discriminatedUnion('by', [
      z.object({ by: z.literal('card'), last4: z.string() }),
      z.object({ by: z.literal('sepa'), iban: z.string() }),
    ])
    .optional(),
  note: z.union([z.string(), z.object({ text: z.string() })]).optional(),
  any: z.looseObject({ kept: z.number() }).optional(),
  exact: z.strictObject({ a: z.number() }).optional(),
  both: z.intersection(z.object({ a: z.number() }), z.object({ b: z.number() })).optional(),
  made: z
    .object({ raw: z.string() })
    .transform(({ raw }) => raw)
    .optional(),
  tree: Tree.optional(),
  late: z.lazy(() => Money).optional(),
  fallback: Money.default({ amount: '0', currency: 'EUR' }),
});
const money = { amount: '1', currency: 'EUR' };
const right = {
  id: 1,
  total: money,
  lines: [
    { sku: 'a', price: money },
    { sku: 'b', price: null },
  ],
  rates: { a: money },
  pair: [1, money],
  pay: { by: 'sepa', iban: 'x' },
  note: { text: 'x' },
  any: { kept: 1, more: 2 },
  exact: { a: 1 },
  both: { a: 1, b: 2 },
  made: { raw: 'x' },
  tree: { name: 'r', children: [{ name: 'c', children: [] }] },
  late: money,
  fallback: money,
};

describe('how a record departs from its schema', () => {
  it('not at all', () => {
    assert.deepEqual(check(Order, right), [true]);
    assert.deepEqual(check(Order, { id: 1, total: money }), [true]);
    assert.deepEqual(check(z.looseObject({ id: z.int() }), { id: 1, more: 2 }), [true]);
    assert.deepEqual(check(z.unknown(), { id: 1 }), [true]);
  });

  const more = { ...money, vat: 19 };
  const unknown: [what: string, given: object, path: string][] = [
    ['at the top', { extra: 19 }, 'extra 19'],
    ['in an object', { total: more }, 'total.vat 19'],
    [
      'in a list',
      {
        lines: [
          { sku: 'a', price: null },
          { sku: 'b', price: more },
        ],
      },
      'lines.[].price.vat 19',
    ],
    ['in a record', { rates: { x: money, y: more } }, 'rates.*.vat 19'],
    ['in a tuple', { pair: [1, more] }, 'pair.[].vat 19'],
    ['in the option of a union that fits', { pay: { by: 'card', last4: '1', iban: 19 } }, 'pay.iban 19'],
    ['in the one object of a union', { note: { text: 'x', by: 19 } }, 'note.by 19'],
    ['in both sides of an intersection', { both: { a: 1, b: 2, c: 19 } }, 'both.c 19'],
    ['before a transformation', { made: { raw: 'x', more: 19 } }, 'made.more 19'],
    [
      'in a schema that holds itself',
      { tree: { name: 'r', children: [{ name: 'c', children: [{ name: 'd', size: 19 }] }] } },
      'tree.children.[].children.[].size 19',
    ],
    ['in a lazy schema', { late: more }, 'late.vat 19'],
    ['behind a default', { fallback: more }, 'fallback.vat 19'],
  ];
  for (const [what, given, path] of unknown)
    it(`unknown ${what}: delivered without it, and reported`, () =>
      assert.deepEqual(check(Order, { ...right, ...given }), [true, `unknown ${path}`]));

  it('a strict object refuses what it does not know, by its name', () => {
    assert.deepEqual(check(Order, { ...right, exact: { a: 1, b: 19 } }), [false, 'unknown exact.b 19']);
  });

  it('missing and retyped, at every depth, all at once, beside what is unknown', () => {
    assert.deepEqual(check(Order, { ...right, id: '1', total: { amount: 1 }, lines: [{ price: more }] }), [
      false,
      'retyped id "1"',
      'retyped total.amount 1',
      'missing total.currency undefined',
      'missing lines.[].sku undefined',
      'unknown lines.[].price.vat 19',
    ]);
  });
});
