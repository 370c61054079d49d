import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as z from 'zod';
import { pages } from '../../../lib/core/connector/connector.ts';
import type { Change } from '../../../lib/pipeline/ports.ts';
import { streamState } from '../../../lib/pipeline/store/sync-state.ts';
import { connectorOf } from '../kinds.ts';
import { json, makeWorld, type World } from '../world.ts';

/** A worker that closes a sync stands still before one of its writes, long enough for others to do whatever is to be done. Then it goes on. */

const Item = z.object({ id: z.number(), updated: z.iso.datetime() });
const connector = connectorOf((stream) =>
  stream({
    request: ({ page, window }) => ({ path: '/rows', query: { page: page.number, since: window.from.iso } }),
    paging: pages({ size: 10 }),
    total: (reply) => reply.body.total,
    records: (body) => body.rows,
    schema: Item,
    key: 'id',
    since: { field: (item) => item.updated, lookback: '5 minutes' },
  }),
);
const itemOf = (id: number) => ({ id, updated: new Date(Date.UTC(2026, 10, 22, 11, id)).toISOString() });

/** A world whose second page fails until it is mended. `meanwhile`: what others do before the first write that is `at` the moment. */
function stoodStill(at: (change: Change) => boolean, meanwhile: (world: World) => Promise<void>) {
  let [broken, count, waits] = [true, 15, false];
  const world: World = makeWorld({
    connector,
    api({ query }) {
      const page = Number(query.get('page'));
      if (page === 2 && broken) return json({}, {}, 422);
      const all = Array.from({ length: count }, (_, id) => itemOf(id));
      return json({ rows: all.slice(10 * (page - 1), 10 * page), total: count });
    },
    metered: (table) => ({
      ...table,
      async update(key, change, when) {
        if (waits && at(change)) {
          waits = false;
          await meanwhile(world);
        }
        return table.update(key, change, when);
      },
    }),
  });
  return {
    world,
    /** From now on somebody stands still. */
    arm() {
      waits = true;
    },
    mend() {
      broken = false;
    },
    /** One more record. */
    grow() {
      count += 1;
    },
  };
}

const untilIdle = async ({ workOnce }: World): Promise<void> => {
  while (await workOnce());
};
const tick = async ({ queue, clock }: World): Promise<void> => {
  clock.advance(1_000);
  const at = new Date(clock.now()).toISOString();
  await queue.send([{ task: { v: 1, kind: 'tick', stream: 'rows', at }, group: 'main' }]);
};
/** The close of the first sync, once more. */
const closeAgain = async (world: World): Promise<void> => {
  const { current, lastClosed } = await stream(world);
  const sync = current ?? String(lastClosed);
  await world.queue.send([{ task: { v: 1, kind: 'close', connection: 'main', stream: 'rows', sync }, group: 'main' }]);
  await untilIdle(world);
};
const stream = async ({ syncs }: World) =>
  streamState.parse((await syncs.get({ pk: 'test/main#rows', sk: 'STREAM' })) ?? {});

it('before it closes a phase: a later one goes on', async () => {
  const { world, arm, mend } = stoodStill(
    ({ set }) => set?.status === 'closed',
    async (world) => {
      await closeAgain(world);
      mend();
      assert.equal(await world.sendBack(), 1);
      assert.equal(await world.workOnce(), true);
    },
  );
  arm();
  await world.sync('rows');
  await world.settle();
  assert.deepEqual(
    world.receipts().map(({ revision, verdict }) => [revision, verdict]),
    [
      [1, 'INCOMPLETE'],
      [2, 'COMPLETE'],
    ],
  );
});

it('before it frees its stream: the next sync has it', async () => {
  const { world, arm } = stoodStill(
    ({ remove }) => remove?.includes('current') === true,
    async (world) => {
      await closeAgain(world);
      await tick(world);
      assert.equal(await world.workOnce(), true);
      assert.equal(await world.workOnce(), true);
      assert.notEqual((await stream(world)).current, undefined);
      await tick(world);
    },
  );
  arm();
  await world.sync('rows');
  await world.settle();
  assert.deepEqual([world.receipts().length, (await stream(world)).skipped], [2, 1]);
});

it('before it commits its watermark: that of a later sync stands', async () => {
  const { world, arm, mend, grow } = stoodStill(
    ({ set }) => set?.watermark !== undefined,
    async (world) => {
      grow();
      await tick(world);
      await untilIdle(world);
    },
  );
  await world.sync('rows');
  mend();
  arm();
  await world.sendBack();
  await world.settle();
  assert.deepEqual(
    world.receipts().map(({ verdict }) => verdict),
    ['INCOMPLETE', 'COMPLETE', 'COMPLETE'],
  );
  assert.equal((await stream(world)).watermark, itemOf(15).updated);
});
