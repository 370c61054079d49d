import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { dynamoTable } from '../../lib/aws/table.ts';
import type { Change, Clause, Item, Table, Written } from '../../lib/pipeline/ports.ts';
import { memoryTable } from '../memory/table.ts';
import { type Dynalite, startDynalite } from './dynalite.ts';

/** Few names and few values, so that writes meet: sets with sets, numbers with text, conditions with what they ask for. */
const name = fc.constantFrom('a', 'open', 'status');
const number = fc.integer({ min: -1, max: 2 });
const text = fc.constantFrom('', '1', '2', '12');
const element = fc.constantFrom('1', '2', '12');
const elements = fc.uniqueArray(element, { minLength: 1 }).map((all) => new Set(all));
const value = fc.oneof(number, text, fc.boolean(), elements);
const comparable = fc.tuple(name, fc.oneof(number, text));

const clause: fc.Arbitrary<Clause> = fc.oneof(
  fc.record({ absent: name }),
  fc.record({ present: name }),
  fc.record({ equal: fc.tuple(name, fc.oneof(number, text, fc.boolean())) }),
  fc.record({ less: comparable }),
  fc.record({ greater: comparable }),
  fc.record({ contains: fc.tuple(name, element) }),
);
const condition = fc.array(fc.oneof(clause, fc.record({ either: fc.array(clause, { minLength: 1, maxLength: 2 }) })), {
  maxLength: 2,
});

const item: fc.Arbitrary<Item> = fc.dictionary(name, value, { noNullPrototype: true });
const change: fc.Arbitrary<Change> = fc.record(
  {
    set: item,
    remove: fc.array(name, { maxLength: 1 }),
    add: fc.dictionary(name, fc.oneof(number, elements), { maxKeys: 2, noNullPrototype: true }),
    delete: fc.dictionary(name, elements, { maxKeys: 1, noNullPrototype: true }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

const write = fc.record({ how: fc.constantFrom('create', 'update', 'upsert'), item, change, when: condition });
type Write = typeof write extends fc.Arbitrary<infer T> ? T : never;

/** What came of a write: what it gave, or that it was refused. */
async function outcome(
  table: Table,
  pk: string,
  { how, item, change, when }: Write,
): Promise<Written<Item> | 'refused'> {
  const key = { pk, sk: 'STREAM' };
  try {
    if (how === 'create') return await table.create(key, item);
    return await (how === 'update' ? table.update(key, change, when) : table.upsert(key, change, when));
  } catch {
    return 'refused';
  }
}

let dynalite: Dynalite;
before(async () => {
  dynalite = await startDynalite();
});
after(() => dynalite.stop());

test('the table in memory and DynamoDB (dynalite) agree on every write', async () => {
  const stored = dynamoTable(dynalite.client, dynalite.table);
  const kept = memoryTable();
  const met = { ok: 0, held: 0, refused: 0 };
  let histories = 0;
  const history = fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 12 }), async (writes) => {
    const pk = `history/${histories++}`;
    for (const one of writes) {
      const expected = await outcome(stored, pk, one);
      assert.deepEqual(await outcome(kept, pk, one), expected);
      met[expected === 'refused' ? 'refused' : expected.ok ? 'ok' : 'held'] += 1;
    }
    assert.deepEqual(await kept.get({ pk, sk: 'STREAM' }), await stored.get({ pk, sk: 'STREAM' }));
  });
  await fc.assert(history, { numRuns: 150 });
  // The histories are worth something only if they reach every outcome.
  for (const [what, times] of Object.entries(met)) assert.ok(times > 20, `${what}: ${times}`);
});
