import assert from 'node:assert/strict';
import { it } from 'node:test';
import { TASK_VERSION } from '../../../lib/core/tasks.ts';
import type { Change, Table } from '../../../lib/pipeline/ports.ts';
import { honest, kinds, rows } from '../kinds.ts';
import { makeWorld, type World } from '../world.ts';

/** A sync that another revision meets, and what befalls whoever ends it. */

const { connector: before } = kinds['pages with a total'];
const after = { ...before, revision: 2 };
const RECORDS = 5;

/** What a write finds in its way. */
type Trouble = (change: Change, write: () => ReturnType<Table['update']>) => ReturnType<Table['update']>;

/** A sync that has begun, its first page's task in the queue; from now on another revision is deployed, and each write meets `trouble`. */
async function deployedUnder(trouble: (world: World) => Trouble) {
  let connector = before;
  let meets: Trouble | undefined;
  const world = makeWorld({
    connector,
    api: honest(rows(RECORDS)),
    deployed: () => ({ connector, version: TASK_VERSION }),
    metered: (table) => ({
      ...table,
      async update(key, change, when) {
        const write = () => table.update(key, change, when);
        return meets === undefined ? write() : meets(change, write);
      },
    }),
  });
  await world.connections.create({ pk: connector.name, sk: 'main' }, { params: '{}', status: 'active' });
  const start = { kind: 'start', connection: 'main', stream: 'rows', at: '2026-11-22T11:59:00.000Z' } as const;
  await world.queue.send([{ task: { ...start, v: TASK_VERSION }, group: 'main' }]);
  await world.workOnce();
  connector = after;
  meets = trouble(world);
  return {
    world,
    rollBack() {
      connector = before;
    },
  };
}

/** Dies once, when it has written down that a sync is superseded. */
function dies(): Trouble {
  let dead = false;
  return async (change, write) => {
    const written = await write();
    if (dead || change.set?.superseded === undefined) return written;
    dead = true;
    throw new Error('died');
  };
}

/** What the queue does by itself: nobody keeps house. */
async function untilEmpty({ queue, clock, workOnce }: World): Promise<void> {
  for (let next = queue.next(); next !== undefined; next = queue.next()) {
    clock.advance(Math.max(0, next - clock.now()));
    await workOnce();
  }
}

const verdicts = (world: World): string[] => world.receipts().map(({ verdict }) => verdict);

it('who finds a sync superseded and dies is followed by his message, which asks for the close', async () => {
  const { world } = await deployedUnder(dies);
  await untilEmpty(world);
  assert.deepEqual(verdicts(world), ['INCOMPLETE', 'COMPLETE']);
});

it('what was superseded is closed by housekeeping even if no message is left and the deployment is rolled back', async () => {
  const { world, rollBack } = await deployedUnder(dies);
  await world.workOnce();
  world.clock.advance(60 * 60_000);
  for (const { receipt } of world.queue.receive(10)) world.queue.remove(receipt);
  rollBack();
  await world.housekeep();
  await untilEmpty(world);
  assert.deepEqual(verdicts(world), ['INCOMPLETE', 'COMPLETE']);
});

it('who closes a superseded sync may stand still: the one that begins in its place finds the stream free', async () => {
  let stoodStill = false;
  const { world } = await deployedUnder(({ workOnce }) => async (change, write) => {
    if (!stoodStill && change.remove?.includes('current')) {
      stoodStill = true;
      // Meanwhile others do all that was sent so far.
      await workOnce();
    }
    return write();
  });
  await untilEmpty(world);
  assert.equal(stoodStill, true);
  assert.deepEqual(verdicts(world), ['INCOMPLETE', 'COMPLETE']);
});
