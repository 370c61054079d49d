import assert from 'node:assert/strict';
import { it } from 'node:test';
import { hostile } from '../hostile/api.ts';
import { hostileConnector, type Kind, type Shape } from '../hostile/connector.ts';
import { rowsOf } from '../hostile/rows.ts';
import { schedule } from '../hostile/schedule.ts';
import { makeWorld } from './world.ts';

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
    for (const [each, n] of Object.entries(counts)) console.log(`  ${each}: ${n}`);
    const sum = (of: string): number =>
      kinds.reduce((all, [kind]) => all + (kind.startsWith('offsets') ? (counts[`${kind}: ${of}`] ?? 0) : 0), 0);
    const [edges, repaired] = [sum('moved edges'), sum('repaired edges')];
    const [whole, broken] = [sum('COMPLETE by overlap'), sum('INCOMPLETE')];
    console.log(
      `  by offsets: ${repaired} of ${edges} edges repaired, ${broken} of ${whole + broken} syncs INCOMPLETE`,
    );
    assert.ok(repaired > 0.95 * edges && whole > 0.95 * (whole + broken), 'most of what moves is repaired');
  });
}
