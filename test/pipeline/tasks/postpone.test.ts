import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pagesTask } from '../../../lib/core/tasks.ts';
import { MINUTE, SECOND } from '../../../lib/core/time.ts';
import { forSync } from '../../../lib/pipeline/invocation.ts';
import { readSync } from '../../../lib/pipeline/sync/start-sync.ts';
import { postponeTasks } from '../../../lib/pipeline/tasks/postpone.ts';
import { honest, kinds, rows } from '../kinds.ts';
import { makeWorld } from '../world.ts';

/** A sync that has begun and whose tasks are taken away, and one of them postponed. */
async function postponed(wait: number) {
  const { connector } = kinds['pages with a total'];
  const world = makeWorld({ connector, api: honest(rows(5)) });
  await world.connections.create({ pk: connector.name, sk: 'main' }, { params: '{}', status: 'active' });
  const ref = { connection: 'main', stream: 'rows', sync: '20261122T115900000Z' };
  const start = { v: 1, kind: 'start', connection: 'main', stream: 'rows', at: '2026-11-22T11:59:00.000Z' } as const;
  await world.queue.send([{ task: start, group: 'main' }]);
  await world.workOnce();
  for (const { receipt } of world.queue.receive(10)) world.queue.remove(receipt);
  const task = pagesTask(ref, '0.0-0', { from: 0, to: 0 });
  await postponeTasks(forSync(world.invocation(), ref), { limiters: [], tasks: [{ task, requests: 1 }], least: wait });
  const { parkedUntil } = (await readSync(forSync(world.invocation(), ref))) ?? assert.fail('no sync');
  return { comes: world.queue.next(), now: world.clock.now(), parkedUntil };
}

describe('a task that has to wait', () => {
  for (const [what, wait] of [
    ['for as long as a message can, waits in the queue', 15 * MINUTE],
    ['for a moment longer, by a clock that is behind, waits for the rest where it comes', 15 * MINUTE + 54],
  ] as const)
    it(what, async () => {
      const { comes, now, parkedUntil } = await postponed(wait);
      assert.ok(comes !== undefined && comes >= now + 15 * MINUTE - 2 * SECOND && comes <= now + 15 * MINUTE);
      assert.equal(parkedUntil, undefined);
    });

  it('for longer than that, leaves it to housekeeping', async () => {
    const { comes, now, parkedUntil } = await postponed(16 * MINUTE);
    assert.deepEqual([comes, parkedUntil], [undefined, now + 16 * MINUTE]);
  });
});
