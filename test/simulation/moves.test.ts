import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LOOKS, MOVING_KINDS, type MovedSync, simulateMoves, tallyMoves } from './moves.ts';

/** `npm run simulate -- --moves` tries many more, and prints what came of them (docs/how-it-knows.md). */
const SEEDS = 12;

describe('listings whose records move while they are read', () => {
  for (const [name, kind] of Object.entries(MOVING_KINDS))
    it(`${name}: COMPLETE by a key, by an overlap, or after a look at all pages is true`, async () => {
      for (const look of LOOKS) {
        const syncs: MovedSync[] = [];
        for (let seed = 0; seed < SEEDS; seed++) syncs.push(await simulateMoves(seed, kind, look));
        const proven = syncs.filter(({ evidence }) => look === 'all' || evidence === 'key' || evidence === 'overlap');
        const wrong = proven.filter(({ verdict, lost, undone }) => verdict === 'COMPLETE' && lost > 0 && !undone);
        assert.deepEqual(wrong, [], look);
        if (look === 'none' && name !== 'offsets' && name !== 'cursor by key')
          assert.equal(tallyMoves(syncs).true + tallyMoves(syncs).false, 0, 'without a look nothing is COMPLETE');
      }
    });

  it('are asked for at most twice, but by offsets, whose edges are repaired', async () => {
    for (const [name, kind] of Object.entries(MOVING_KINDS)) {
      const syncs: MovedSync[] = [];
      for (let seed = 0; seed < SEEDS; seed++) syncs.push(await simulateMoves(seed, kind, 'sample'));
      // The page behind the last one, and one that looks for the end, are asked for as well.
      if (name !== 'offsets')
        for (const { requests, pages } of syncs)
          assert.ok(requests <= 2 * pages + 3, `${name}: ${requests} of ${pages}`);
    }
  });

  it('that only look as if they could move are COMPLETE where they do not', async () => {
    for (const [name, kind] of Object.entries(MOVING_KINDS)) {
      const still = await simulateMoves(1, kind, 'sample', 0);
      // Numbered pages without a total have no explicit end.
      const expected = name === 'pages' ? 'UNKNOWN' : 'COMPLETE';
      assert.deepEqual([still.verdict, still.lost], [expected, 0], name);
    }
  });
});
