import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Schedule } from '../simulation/schedule.ts';
import type { Shape } from '../simulation/shapes.ts';
import { checkTree, simulateTree } from '../simulation/tree.ts';

/** `npm run simulate -- --tree --seeds N` tries as many as one likes. */
const SEEDS = 200;

it(`${SEEDS} trees of any shape under any schedule close, exactly once, with exact counts`, async () => {
  for (let seed = 0; seed < SEEDS; seed++)
    assert.deepEqual(await simulateTree(seed), [], `npm run simulate -- --tree --seed ${seed}`);
});

const shape: Shape = {
  ...{ paging: 'pages', size: 2, families: [0], levels: 0, together: 1, gone: [], hours: 0, reach: undefined },
  ...{ expires: 0, asks: 'nothing', broken: [] },
};
const schedule: Schedule = { workers: 1, batch: 1, pace: 0, housekeeping: false, mishaps: [] };

describe('what broke it once', () => {
  const cases: Record<string, [Partial<Shape>, Partial<Schedule>]> = {
    'a failure that is sent back before its page is written down as failed': [
      { levels: 1, broken: [0] },
      { workers: 2, pace: 384 },
    ],
    'a count that is refused, of a page that came': [{ asks: 'count', broken: [1] }, {}],
    'the last record lies just behind what the API lets be read': [
      { paging: 'endless offsets', size: 3, families: [5], hours: 2, reach: 1 },
      {},
    ],
    'the page that is to show the end fails in phase after phase': [
      { paging: 'endless offsets', size: 3, families: [6], hours: 1, asks: 'setup', broken: [7] },
      {},
    ],
    'two read one page, and one of them opens the next while the other finds the end': [
      { paging: 'offsets', size: 3, families: [4, 2, 6, 0], hours: 3, asks: 'count', broken: [7] },
      {
        workers: 2,
        pace: 106,
        mishaps: [
          { at: 15, what: 'comes again', by: 3 },
          { at: 114, what: 'dies before', by: 3 },
        ],
      },
    ],
    'a worker that has no time left to ask for the setup': [
      { levels: 1, asks: 'setup' },
      { mishaps: [{ at: 39, what: 'starts late', by: 3_000_000 }] },
    ],
  };
  for (const [name, [of, under]] of Object.entries(cases))
    it(name, () => checkTree({ ...shape, ...of }, { ...schedule, ...under }));
});

it('a tree breaks without a rule', () => {
  const simulate = join(import.meta.dirname, '../simulation/simulate.ts');
  const rule = 'a parent remembers which children may be unsent';
  const args = [simulate, '--tree', '--without', rule, '--seeds', '500', '--quiet'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(status, 1, stderr);
  assert.match(stdout, /^seed \d+ breaks the tree: /m, stderr);
});
