import assert from 'node:assert/strict';
import { it } from 'node:test';
import { seededRandom } from '../memory/random.ts';
import { hostile, hostileConnector, type Kind, type Row, rowsOf, type Shape } from './hostile-api.ts';
import { makeWorld } from './world.ts';

/** What one schedule does to the rows between requests: it inserts, deletes and, where records may move, moves. */
function schedule(seed: number, moves: boolean) {
  const random = seededRandom(seed);
  const pick = (most: number): number => Math.floor(random.number() * most);
  const rate = 0.02 + random.number() * 0.3;
  const most = 1 + pick(12);
  let made = 0;
  const seen: (readonly Row[])[] = [];
  const change = (rows: readonly Row[]): readonly Row[] => {
    let changed = rows;
    // Between two requests nothing happens, or more than one thing.
    while (made < most && random.number() < rate) {
      made += 1;
      const at = pick(changed.length);
      const row = changed[at];
      const kind = random.number();
      if (kind < 0.5 || row === undefined) changed = changed.toSpliced(at, 0, between(changed, at, made));
      else if (moves && kind < 0.7) changed = [...changed.toSpliced(at, 1), row];
      else changed = changed.toSpliced(at, 1 + pick(3));
    }
    seen.push(changed);
    return changed;
  };
  /** The rows that were there all the time. */
  const throughout = (): number[] => {
    const [first = [], ...others] = seen;
    const sets = others.map((rows) => new Set(rows.map(({ id }) => id)));
    return first.map(({ id }) => id).filter((id) => sets.every((set) => set.has(id)));
  };
  return { change, throughout, changes: () => made, records: 30 + pick(120) };
}

/** A new row, with a number that keeps the order of numbers. */
function between(rows: readonly Row[], at: number, salt: number): Row {
  const [before, after] = [rows[at - 1]?.id ?? 0, rows[at]?.id ?? 1_000_000];
  return { id: before + (after - before) / (2 + salt / 100), at: rows[at]?.at ?? 0 };
}

const kinds: readonly (readonly [what: string, kind: Kind, shape: Shape, proof: boolean])[] = [
  ['offsets with a total', 'offsets', { total: true }, true],
  ['offsets without a total', 'offsets', {}, true],
  ['cursor', 'cursor', {}, true],
  ['pages with a total', 'pages', { total: true }, false],
];

for (const [moves, schedules] of [
  [false, 1_000],
  [true, 300],
] as const) {
  it(`${schedules} schedules of insertions and deletions${moves ? ', and of records that move to the end' : ''}: COMPLETE by overlap or cursor lacks nothing`, async () => {
    const counts: Record<string, number> = {};
    const count = (what: string, by = 1): void => void Object.assign(counts, { [what]: (counts[what] ?? 0) + by });
    for (let seed = 0; seed < schedules; seed++) {
      const [what, kind, shape, proof] = kinds[seed % kinds.length] ?? kinds[0] ?? assert.fail();
      const { change, throughout, changes, records } = schedule(seed, moves && kind !== 'cursor');
      const world = makeWorld({ connector: hostileConnector(kind, shape), api: hostile(rowsOf(records), { change }) });
      const receipt = await world.sync('rows');
      const context = `seed ${seed}, ${what}, ${changes()} changes, ${JSON.stringify([receipt.verdict, receipt.evidence, receipt.drift])}`;
      const delivered = new Set(world.delivered(receipt).map((row) => Reflect.get(Object(row), 'id')));
      const lost = throughout().filter((id) => !delivered.has(id));
      count(`${what}: ${receipt.verdict}${receipt.evidence === null ? '' : ` by ${receipt.evidence}`}`);
      count(`${what}: moved edges`, receipt.drift.moved);
      count(`${what}: repaired edges`, receipt.drift.repaired);
      if (lost.length > 0) count(`${what}: ${receipt.verdict} with a loss`);
      if (receipt.verdict !== 'COMPLETE') continue;
      if (proof) {
        assert.deepEqual(lost, [], context);
        assert.ok(receipt.evidence === 'overlap' || receipt.evidence === 'cursor', context);
      } else assert.equal(receipt.evidence, 'count', context);
      if (changes() === 0) assert.deepEqual([lost, receipt.drift.moved], [[], 0], context);
    }
    console.log(JSON.stringify(counts, undefined, 2));
    assert.ok((counts['offsets with a total: repaired edges'] ?? 0) > 0);
    assert.ok((counts['offsets without a total: repaired edges'] ?? 0) > 0);
  });
}
