import assert from 'node:assert/strict';
import { it } from 'node:test';
import { hostileConnector } from '../../hostile/connector.ts';
import { movementOf, movingListing } from '../../hostile/movement.ts';
import { makeWorld } from '../world.ts';

for (const [moves, schedules] of [
  [false, 1_000],
  [true, 300],
] as const) {
  it(`${schedules} schedules of insertions and deletions${moves ? ', and of records that move to the end' : ''}: COMPLETE by overlap or cursor lacks nothing`, async () => {
    const counts: Record<string, number> = {};
    const count = (what: string, by = 1): void => void Object.assign(counts, { [what]: (counts[what] ?? 0) + by });
    for (let seed = 0; seed < schedules; seed++) {
      const { what, kind, shape } = movementOf(seed);
      const { api, check } = movingListing(seed, moves);
      const world = makeWorld({ connector: hostileConnector(kind, shape), api });
      const receipt = await world.sync('rows');
      const lost = check(receipt, world.delivered(receipt));
      count(`${what}: ${receipt.verdict}${receipt.evidence === null ? '' : ` by ${receipt.evidence}`}`);
      count(`${what}: moved edges`, receipt.movement.moved);
      count(`${what}: repaired edges`, receipt.movement.repaired);
      if (lost.length > 0) count(`${what}: ${receipt.verdict} with a loss`);
    }
    for (const [each, n] of Object.entries(counts)) console.log(`  ${each}: ${n}`);
    const sum = (of: string): number =>
      Object.entries(counts).reduce(
        (all, [what, n]) => (/^offsets/.test(what) && what.endsWith(of) ? all + n : all),
        0,
      );
    const [edges, repaired] = [sum(': moved edges'), sum(': repaired edges')];
    const [whole, broken] = [sum(': COMPLETE by overlap'), sum(': INCOMPLETE')];
    console.log(
      `  by offsets: ${repaired} of ${edges} edges repaired, ${broken} of ${whole + broken} syncs INCOMPLETE`,
    );
    assert.ok(repaired > 0.95 * edges && whole > 0.95 * (whole + broken), 'most of what moves is repaired');
  });
}
