import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { KNOWN } from '../../simulation/known-trees.ts';
import { checkTree, simulateTree } from '../../simulation/tree.ts';

/** `npm run simulate -- --tree --seeds N` tries as many as one likes. */
const SEEDS = 120;

it(`${SEEDS} trees of any shape under any schedule close, exactly once, with exact counts`, async () => {
  for (let seed = KNOWN.length; seed < SEEDS; seed++)
    assert.deepEqual(await simulateTree(seed), [], `npm run simulate -- --tree --seed ${seed}`);
});

describe('a tree closes once, with exact counts, although', () => {
  for (const [name, shape, schedule] of KNOWN) it(name, () => checkTree(shape, schedule));
});

it('a tree breaks without a rule', () => {
  const simulate = join(import.meta.dirname, '../../simulation/simulate.ts');
  // A parent keeps the set of children whose tasks may be unsent.
  const rule = 'R6';
  const args = [simulate, '--tree', '--without', rule, '--seeds', '500', '--quiet'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(status, 1, stderr);
  assert.match(stdout, /^seed \d+ breaks the tree: /m, stderr);
});
