import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { dynamoTable } from '../../lib/aws/table.ts';
import type { Change, Clause, Item, Key, Table } from '../../lib/pipeline/ports.ts';
import * as memory from '../memory/table.ts';
import { type Dynalite, startDynalite } from './dynalite.ts';
import { testWithGap } from './gap.ts';
import { lostAnswers, type SendTwice } from './lost-answers.ts';
import { makeTable, namedEndpoint } from './named-endpoint.ts';

type Gap = 'text is compared by its bytes in UTF-8, where a surrogate pair comes last';

/** What every `Table` does. Each test has a partition of its own. */
function tableContract(
  open: () => { readonly table: Table; readonly sendTwice: SendTwice },
  gaps: readonly Gap[],
): void {
  let table: Table;
  let sendTwice: SendTwice;
  let key: Key;
  let tests = 0;
  let items = 0;
  before(() => {
    ({ table, sendTwice } = open());
  });
  beforeEach(() => {
    key = { pk: `practice/${tests++}#orders`, sk: 'STREAM' };
  });

  const put = async (item: Item): Promise<void> => assert.equal((await table.create(key, item)).ok, true);
  /** Whether a condition holds against an item. */
  async function holds(item: Item, ...when: Clause[]): Promise<boolean> {
    const other = { ...key, sk: `ITEM#${items++}` };
    await table.create(other, item);
    return (await table.update(other, {}, when)).ok;
  }

  describe('get and create', () => {
    test('an item comes back as it was put, without its key', async () => {
      const item = { text: 'é', empty: '', number: -1.5, yes: true, no: false, names: new Set(['a', 'b']) };
      await put(item);
      assert.deepEqual(await table.get(key), item);
    });

    test('what is not there is undefined', async () => {
      await put({ a: 1 });
      assert.equal(await table.get({ ...key, sk: 'SYNC#1' }), undefined);
      assert.equal(await table.get({ ...key, pk: 'practice/other#orders' }), undefined);
    });

    test('an item that exists is not put, and comes back', async () => {
      await put({ a: 1 });
      assert.deepEqual(await table.create(key, { a: 2 }), { ok: false, item: { a: 1 } });
      assert.deepEqual(await table.get(key), { a: 1 });
    });

    test('of 20 who create one item, one does, and all see that one', async () => {
      const written = await Promise.all(Array.from({ length: 20 }, (_, by) => table.create(key, { by })));
      assert.equal(written.filter(({ ok }) => ok).length, 1);
      const item = await table.get(key);
      for (const { item: seen } of written) assert.deepEqual(seen, item);
    });
  });

  describe('a write that is sent twice because its answer was lost', () => {
    test('has created the item', async () => {
      assert.deepEqual(await sendTwice(() => table.create(key, { a: 1 })), { ok: true, item: { a: 1 } });
      assert.deepEqual(await sendTwice(() => table.create(key, { a: 2 })), { ok: false, item: { a: 1 } });
    });

    test('is ok although its condition does not hold against what it wrote', async () => {
      await put({ fence: 1 });
      const raise = () => table.update(key, { set: { fence: 2 } }, [{ equal: ['fence', 1] }]);
      assert.deepEqual(await sendTwice(raise), { ok: true, item: { fence: 2 } });
      assert.deepEqual(await sendTwice(raise), { ok: false, item: { fence: 2 } });
      const claim = () => table.upsert(key, { set: { owner: 'me' } }, [{ absent: 'owner' }]);
      assert.deepEqual(await sendTwice(claim), { ok: true, item: { fence: 2, owner: 'me' } });
      assert.deepEqual(await sendTwice(claim), { ok: false, item: { fence: 2, owner: 'me' } });
    });

    test('counts once, also without a condition', async () => {
      await put({ requests: 1 });
      assert.deepEqual(await sendTwice(() => table.update(key, { add: { requests: 2 } })), {
        ok: true,
        item: { requests: 3 },
      });
      assert.deepEqual(await sendTwice(() => table.upsert(key, { add: { requests: 2 } })), {
        ok: true,
        item: { requests: 5 },
      });
    });

    test('finds that an item is absent, both times', async () => {
      assert.deepEqual(await sendTwice(() => table.update(key, { set: { a: 1 } })), { ok: false, item: undefined });
    });

    test('leaves nothing in the item that its caller did not write', async () => {
      await sendTwice(() => table.create(key, { a: 1 }));
      await table.update(key, { set: { b: 2 } });
      assert.deepEqual(await table.get(key), { a: 1, b: 2 });
      assert.deepEqual(await Array.fromAsync(table.query(key.pk, '')), [{ ...key, a: 1, b: 2 }]);
    });
  });

  describe('update and upsert', () => {
    test('update leaves what does not exist alone', async () => {
      assert.deepEqual(await table.update(key, { set: { a: 1 } }), { ok: false, item: undefined });
      assert.equal(await table.get(key), undefined);
    });

    test('upsert makes what does not exist', async () => {
      assert.deepEqual(await table.upsert(key, { set: { a: 1 } }), { ok: true, item: { a: 1 } });
      assert.deepEqual(await table.get(key), { a: 1 });
    });

    test('upsert judges its condition against nothing: only what must be absent is', async () => {
      const equal = await table.upsert(key, { set: { a: 1 } }, [{ equal: ['lease', 0] }]);
      assert.deepEqual(equal, { ok: false, item: undefined });
      const either: Clause = { either: [{ absent: 'lease' }, { less: ['lease', 10] }] };
      assert.deepEqual(await table.upsert(key, { set: { lease: 20 } }, [either]), { ok: true, item: { lease: 20 } });
      assert.deepEqual(await table.upsert(key, { set: { lease: 30 } }, [either]), { ok: false, item: { lease: 20 } });
    });

    test('a change says everything at once, and gives the whole item', async () => {
      await put({
        kept: 1,
        replaced: 'a',
        removed: 'b',
        count: 2,
        names: new Set(['a']),
        open: new Set(['1', '2']),
      });
      const change: Change = {
        set: { replaced: true, fresh: 'c' },
        remove: ['removed', 'never there'],
        add: { count: 3, born: 4, names: new Set(['b']), created: new Set(['x']) },
        delete: { open: new Set(['1', '9']) },
      };
      const item = {
        kept: 1,
        replaced: true,
        fresh: 'c',
        count: 5,
        born: 4,
        names: new Set(['a', 'b']),
        created: new Set(['x']),
        open: new Set(['2']),
      };
      assert.deepEqual(await table.update(key, change), { ok: true, item });
      assert.deepEqual(await table.get(key), item);
    });

    test('an empty change changes nothing', async () => {
      await put({ a: 1 });
      assert.deepEqual(await table.update(key, {}), { ok: true, item: { a: 1 } });
    });

    test('names that DynamoDB reserves are names like others', async () => {
      await put({ open: new Set(['1']), status: 'open', 'a-b': 1, größe: 2 });
      const change: Change = {
        set: { status: 'closed', 'a-b': 2 },
        remove: ['größe'],
        add: { size: 1 },
        delete: { open: new Set(['1']) },
      };
      const written = await table.update(key, change, [{ contains: ['open', '1'] }, { equal: ['status', 'open'] }]);
      assert.deepEqual(written, { ok: true, item: { status: 'closed', 'a-b': 2, size: 1 } });
    });

    test('a set that loses its last element is absent, and comes back by an addition', async () => {
      await put({ open: new Set(['1']) });
      assert.deepEqual(await table.update(key, { delete: { open: new Set(['1']) } }), { ok: true, item: {} });
      assert.equal((await table.update(key, {}, [{ absent: 'open' }])).ok, true);
      assert.equal((await table.update(key, {}, [{ contains: ['open', '1'] }])).ok, false);
      const again = await table.update(key, { delete: { open: new Set(['1']) } });
      assert.deepEqual(again, { ok: true, item: {} });
      const added = await table.update(key, { add: { open: new Set(['2']) } });
      assert.deepEqual(added, { ok: true, item: { open: new Set(['2']) } });
    });

    test('a failed condition changes nothing and gives the item as it stands', async () => {
      const item = { fence: 3, open: new Set(['1']), live: 'practice', late: false };
      await put(item);
      const written = await table.update(key, { set: { fence: 9 } }, [{ equal: ['fence', 2] }]);
      assert.deepEqual(written, { ok: false, item });
      assert.deepEqual(await table.get(key), item);
    });

    test('of 20 who count up by what they saw, each gets through once', async () => {
      await put({ step: 0 });
      const climb = async (seen: Item | undefined): Promise<void> => {
        const step = Number(seen?.step);
        const written = await table.update(key, { set: { step: step + 1 } }, [{ equal: ['step', step] }]);
        if (!written.ok) await climb(written.item);
      };
      await Promise.all(Array.from({ length: 20 }, () => climb({ step: 0 })));
      assert.deepEqual(await table.get(key), { step: 20 });
    });

    test('50 who take their element out of one set lose none', async () => {
      const names = Array.from({ length: 50 }, (_, index) => String(index));
      await put({ open: new Set(names) });
      const written = await Promise.all(
        names.map((name) =>
          table.update(key, { delete: { open: new Set([name]) }, add: { done: 1 } }, [{ contains: ['open', name] }]),
        ),
      );
      assert.equal(
        written.every(({ ok }) => ok),
        true,
      );
      assert.equal(written.filter(({ item }) => item?.open === undefined).length, 1);
      assert.deepEqual(await table.get(key), { done: 50 });
    });
  });

  describe('clauses', () => {
    const item = { zero: 0, nine: 9, ten: 10, b: 'b', nothing: '', no: false, set: new Set(['ab', 'c']) };
    const surrogate = '\u{1F600}';
    const cases: readonly { readonly when: Clause; readonly expected: boolean }[] = [
      { when: { present: 'nothing' }, expected: true },
      { when: { present: 'missing' }, expected: false },
      { when: { absent: 'missing' }, expected: true },
      { when: { absent: 'zero' }, expected: false },
      { when: { equal: ['no', false] }, expected: true },
      { when: { equal: ['zero', 0] }, expected: true },
      { when: { equal: ['zero', '0'] }, expected: false },
      { when: { equal: ['zero', false] }, expected: false },
      { when: { equal: ['missing', 0] }, expected: false },
      { when: { equal: ['missing', ''] }, expected: false },
      { when: { less: ['nine', 10] }, expected: true },
      { when: { less: ['ten', 9] }, expected: false },
      { when: { less: ['ten', 10] }, expected: false },
      { when: { less: ['b', 'ba'] }, expected: true },
      { when: { less: ['b', 'B'] }, expected: false },
      { when: { less: ['nine', '10'] }, expected: false },
      { when: { less: ['b', 10] }, expected: false },
      { when: { less: ['no', 10] }, expected: false },
      { when: { less: ['missing', 10] }, expected: false },
      { when: { greater: ['ten', 9] }, expected: true },
      { when: { greater: ['nine', 10] }, expected: false },
      { when: { greater: ['ten', 10] }, expected: false },
      { when: { greater: ['b', 'B'] }, expected: true },
      { when: { greater: ['ten', '9'] }, expected: false },
      { when: { greater: ['b', 9] }, expected: false },
      { when: { greater: ['missing', -1] }, expected: false },
      { when: { contains: ['set', 'c'] }, expected: true },
      { when: { contains: ['set', 'a'] }, expected: false },
      { when: { contains: ['missing', 'a'] }, expected: false },
      { when: { contains: ['ten', '1'] }, expected: false },
      { when: { either: [{ absent: 'zero' }, { equal: ['zero', 0] }] }, expected: true },
      { when: { either: [{ absent: 'zero' }, { equal: ['zero', 1] }] }, expected: false },
      { when: { either: [{ either: [{ absent: 'zero' }] }, { present: 'b' }] }, expected: true },
    ];
    for (const { when, expected } of cases) {
      test(`${JSON.stringify(when)} is ${expected}`, async () => assert.equal(await holds(item, when), expected));
    }

    testWithGap(gaps, 'text is compared by its bytes in UTF-8, where a surrogate pair comes last', async () => {
      assert.equal(await holds({ text: '\uFFFD' }, { less: ['text', surrogate] }), true);
    });

    test('text contains its pieces', async () => {
      assert.equal(await holds({ text: 'abc' }, { contains: ['text', 'bc'] }), true);
    });

    test('a list of clauses holds when all of them do, also beside a choice', async () => {
      const yes: Clause = { equal: ['nine', 9] };
      const no: Clause = { equal: ['nine', 8] };
      assert.equal(await holds(item, yes, { equal: ['ten', 10] }), true);
      assert.equal(await holds(item, yes, no), false);
      assert.equal(await holds(item, no, { either: [yes, no] }), false);
      assert.equal(await holds(item, { either: [no, yes] }, no), false);
    });

    test('120 clauses pass, as for a batch of 100 pages', async () => {
      const names = Array.from({ length: 120 }, (_, index) => String(index));
      const all = names.map((name): Clause => ({ contains: ['open', name] }));
      assert.equal(await holds({ open: new Set(names) }, ...all), true);
      assert.equal(await holds({ open: new Set(names.slice(0, -1)) }, ...all), false);
    });
  });

  describe('refusals', () => {
    const nothing: ReadonlySet<string> = new Set();
    const one = new Set(['1']);
    const changes: Readonly<Record<string, Change>> = {
      'a path into an attribute, set': { set: { 'map.entry': 1 } },
      'a path into an attribute, added': { add: { 'list[0]': 1 } },
      'a path into an attribute, deleted': { delete: { 'map.entry': one } },
      'a path into an attribute, removed': { remove: ['map.entry'] },
      'a name that is empty': { set: { '': 1 } },
      'the partition key': { set: { pk: 'other' } },
      'the sort key': { remove: ['sk'] },
      'a set that is added to and deleted from': { add: { open: one }, delete: { open: new Set(['2']) } },
      'an attribute that is set and removed': { set: { a: 1 }, remove: ['a'] },
      'an empty set, set': { set: { open: nothing } },
      'an empty set, added': { add: { open: nothing } },
      'an empty set, deleted': { delete: { open: nothing } },
      'no number': { set: { a: Number.NaN } },
      'a number that is not exact': { add: { a: 2 ** 53 } },
      'a number added to text': { add: { text: 1 } },
      'a set added to a number': { add: { number: one } },
      'elements deleted from text': { delete: { text: one } },
    };
    for (const [what, change] of Object.entries(changes)) {
      test(`${what}: refused, and nothing changed`, async () => {
        const item = { text: 'a', number: 1, open: one };
        await put(item);
        await assert.rejects(table.update(key, change));
        await assert.rejects(table.upsert(key, change));
        assert.deepEqual(await table.get(key), item);
      });
    }

    const items: Readonly<Record<string, Item>> = {
      'a path': { 'map.entry': 1 },
      'its key': { pk: 'other' },
      'an empty set': { open: nothing },
      'no number': { a: Number.POSITIVE_INFINITY },
    };
    for (const [what, item] of Object.entries(items)) {
      test(`an item with ${what}: refused`, async () => {
        await assert.rejects(table.create(key, item));
        assert.equal(await table.get(key), undefined);
      });
    }

    const conditions: Readonly<Record<string, readonly Clause[]>> = {
      'a path': [{ absent: 'map.entry' }],
      'a path in a choice': [{ either: [{ absent: 'a' }, { equal: ['list[0]', 1] }] }],
      'a choice of none': [{ either: [] }],
      '121 clauses': Array.from({ length: 121 }, (_, index): Clause => ({ absent: String(index) })),
    };
    for (const [what, when] of Object.entries(conditions)) {
      test(`a condition with ${what}: refused`, async () => {
        await put({ a: 1 });
        await assert.rejects(table.update(key, {}, when));
      });
    }

    test('an item over 400 KB: refused', async () => {
      await put({ a: 'a'.repeat(399 * 1024) });
      await assert.rejects(table.update(key, { set: { b: 'b'.repeat(1024) } }));
      await assert.rejects(table.create({ ...key, sk: 'other' }, { a: 'a'.repeat(400 * 1024) }));
    });

    const keys: Readonly<Record<string, Key>> = {
      'an empty sort key': { pk: 'a', sk: '' },
      'a sort key over 1 KB': { pk: 'a', sk: 'a'.repeat(1_025) },
      'a partition key over 2 KB': { pk: 'a'.repeat(2_049), sk: 'a' },
    };
    for (const [what, bad] of Object.entries(keys)) {
      test(`${what}: refused`, async () => {
        await assert.rejects(table.create(bad, {}));
        await assert.rejects(table.upsert(bad, {}));
      });
    }
  });

  describe('query', () => {
    const pk = 'practice/queried#orders';
    /** In the order of their bytes; JavaScript's own order would put the surrogate pair before U+FFFD. */
    const ordered = [
      'NODE#1#0',
      'NODE#1#0.10',
      'NODE#1#0.2',
      'NODE#1#a',
      'NODE#1#é',
      'NODE#1#\uFFFD',
      'NODE#1#\u{1F600}',
    ];
    const strangers = ['NODE#0#9', 'NODE#10#0', 'PART#1#0', 'SYNC#1'];
    before(async () => {
      for (const sk of [...strangers, ...ordered].reverse()) await table.create({ pk, sk }, { name: sk });
      await table.create({ pk: `${pk}2`, sk: 'NODE#1#0' }, { name: 'of another partition' });
    });
    const keysOf = async (prefix: string, after?: string): Promise<string[]> =>
      (await Array.fromAsync(table.query(pk, prefix, after))).map(({ sk }) => sk);

    test('gives the items under a prefix with their keys, in order of bytes', async () => {
      const found = await Array.fromAsync(table.query(pk, 'NODE#1#'));
      assert.deepEqual(
        found,
        ordered.map((sk) => ({ pk, sk, name: sk })),
      );
    });

    test('without a prefix gives the whole partition', async () => {
      assert.deepEqual(await keysOf(''), ['NODE#0#9', ...ordered, 'NODE#10#0', 'PART#1#0', 'SYNC#1']);
    });

    test('goes on behind a sort key, which need not exist', async () => {
      assert.deepEqual(await keysOf('NODE#1#', 'NODE#1#0.10'), ordered.slice(2));
      assert.deepEqual(await keysOf('NODE#1#', 'NODE#1#0.15'), ordered.slice(2));
      assert.deepEqual(await keysOf('NODE#1#', 'NODE#1#'), ordered);
      assert.deepEqual(await keysOf('', 'NODE#10#0'), ['PART#1#0', 'SYNC#1']);
    });

    test('goes on from outside of the prefix: all of it, or none', async () => {
      assert.deepEqual(await keysOf('NODE#1#', 'NODE#0'), ordered);
      assert.deepEqual(await keysOf('NODE#1#', 'PART#1'), []);
    });

    test('of nothing is nothing', async () => {
      assert.deepEqual(await keysOf('NODE#7#'), []);
      assert.deepEqual(await Array.fromAsync(table.query('nobody', '')), []);
    });

    test('reads on behind the first megabyte', async () => {
      const { pk } = key;
      const names = ['1', '2', '3', '4', '5', '6'];
      for (const sk of names) await table.create({ pk, sk }, { text: sk.repeat(390 * 1024) });
      const found = await Array.fromAsync(table.query(pk, ''));
      assert.deepEqual(
        found.map(({ sk, text }) => [sk, String(text).length]),
        names.map((sk) => [sk, 390 * 1024]),
      );
    });
  });

  test('stalest gives the items of a group in the order of their freshness, as long as they carry both', async () => {
    const { pk } = key;
    const group = `${pk}/orders`;
    const times = { c: 30, a: 100, b: 20 };
    for (const [name, freshAt] of Object.entries(times))
      await table.create({ pk: `${pk}/${name}`, sk: 'STREAM' }, { fresh: group, freshAt });
    await table.create({ pk: `${pk}/d`, sk: 'STREAM' }, { fresh: group });
    await table.create({ pk: `${pk}/e`, sk: 'STREAM' }, { fresh: `${pk}/others`, freshAt: 1 });
    const found = () => Array.fromAsync(table.stalest(group));
    const of = (name: keyof typeof times) => ({ pk: `${pk}/${name}`, sk: 'STREAM', freshAt: times[name] });
    assert.deepEqual(await found(), [of('b'), of('c'), of('a')]);
    await table.update({ pk: `${pk}/b`, sk: 'STREAM' }, { remove: ['fresh', 'freshAt'] });
    await table.update({ pk: `${pk}/c`, sk: 'STREAM' }, { set: { freshAt: 200 } });
    assert.deepEqual(await found(), [of('a'), { ...of('c'), freshAt: 200 }]);
  });

  test('live finds the items that carry its value, as long as they do', async () => {
    const { pk } = key;
    const names = ['SYNC#1', 'SYNC#2', 'SYNC#3'];
    for (const sk of names) await table.create({ pk, sk }, { live: pk, status: 'open' });
    await table.create({ pk: `${pk}2`, sk: 'SYNC#1' }, { live: `${pk}2` });
    await table.create({ pk, sk: 'SYNC#0' }, { status: 'closed' });
    const found = async (): Promise<string[]> => (await Array.fromAsync(table.live(pk))).map(({ sk }) => sk).sort();
    assert.deepEqual(await eventually(found, (now) => now.length === 3), names);

    await table.update({ pk, sk: 'SYNC#2' }, { remove: ['live'], set: { status: 'closed' } });
    assert.deepEqual(await eventually(found, (now) => now.length === 2), ['SYNC#1', 'SYNC#3']);
    assert.deepEqual(await Array.fromAsync(table.live(`${pk}2`)), [{ pk: `${pk}2`, sk: 'SYNC#1', live: `${pk}2` }]);
  });
}

/** Asks again until the answer is as awaited; after 100 times gives what it got. */
async function eventually<T>(ask: () => Promise<T>, awaited: (answer: T) => boolean, times = 100): Promise<T> {
  const answer = await ask();
  return awaited(answer) || times === 1 ? answer : eventually(ask, awaited, times - 1);
}

describe('Table in memory', () =>
  tableContract(() => ({ table: memory.memoryTable(), sendTwice: memory.sendTwice }), []));

describe('Table on DynamoDB (dynalite)', () => {
  let dynalite: Dynalite;
  before(async () => {
    dynalite = await startDynalite();
  });
  after(() => dynalite.stop());
  tableContract(
    () => ({ table: dynamoTable(dynalite.client, dynalite.table), sendTwice: lostAnswers(dynalite.client) }),
    ['text is compared by its bytes in UTF-8, where a surrogate pair comes last'],
  );
});

const endpoint = namedEndpoint('DYNAMODB');
if (endpoint !== undefined) {
  describe(`Table on DynamoDB (${endpoint})`, () => {
    let named: Awaited<ReturnType<typeof makeTable>>;
    before(async () => {
      named = await makeTable(endpoint);
    });
    after(() => named.stop());
    tableContract(() => ({ table: dynamoTable(named.client, named.table), sendTwice: lostAnswers(named.client) }), []);
  });
}
