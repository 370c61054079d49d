import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { type Connector, defineConnector, none, pages } from '../../../lib/core/connector/connector.ts';
import { TASK_VERSION } from '../../../lib/core/tasks.ts';
import { HOUR, SECOND } from '../../../lib/core/time.ts';
import { failedSyncs } from '../../../lib/pipeline/sync/failures.ts';
import { json, makeWorld, type World } from '../world.ts';

/** A sync that an operator asked for everything, of a stream that is incremental otherwise. */

const Row = z.object({ id: z.int(), at: z.iso.datetime() });
const connector = defineConnector({
  ...{ name: 'test', docs: 'none', baseUrl: 'http://api.test', params: z.object({}), auth: none(), limits: [] },
  streams: (stream) => ({
    rows: stream({
      request: ({ page, window }) => ({ path: '/rows', query: { page: page.number, since: window.from.iso } }),
      paging: pages({ size: 10 }),
      total: (reply) => reply.body.total,
      records: (body) => body.rows,
      schema: Row,
      key: 'id',
      since: { field: (row) => row.at, lookback: '1 minute' },
    }),
  }),
});
const COUNT = 25;
const all = Array.from({ length: COUNT }, (_, id) => ({
  id,
  at: new Date(Date.UTC(2026, 10, 1 + id)).toISOString(),
}));

function worldOf() {
  let [deployed, broken]: [Connector, boolean] = [connector, false];
  const world: World = makeWorld({
    connector,
    deployed: () => ({ connector: deployed, version: TASK_VERSION }),
    api({ query }) {
      const page = Number(query.get('page'));
      if (broken && page === 2) return json({}, {}, 422);
      const rows = all.filter(({ at }) => at >= (query.get('since') ?? ''));
      return json({ rows: rows.slice(10 * (page - 1), 10 * page), total: rows.length });
    },
  });
  return {
    world,
    deploy(revision: number) {
      world.clock.advance(SECOND);
      deployed = { ...connector, revision };
    },
    breakPage(is: boolean) {
      broken = is;
    },
    async start(asked: string) {
      world.clock.advance(HOUR);
      const at = new Date(world.clock.now()).toISOString();
      const task = { v: TASK_VERSION, kind: 'start', connection: 'main', stream: 'rows', at, asked } as const;
      await world.queue.send([{ task, group: 'main' }]);
    },
  };
}

describe('a sync that was asked for everything', () => {
  it('goes on as a full one when a deployment supersedes it', async () => {
    const { world, deploy, start } = worldOf();
    await world.sync('rows');
    await start('full');
    await world.workOnce();
    deploy(2);
    await world.settle();
    const [, superseded, next] = world.receipts();
    assert.equal(superseded?.reasons[0]?.code, 'superseded');
    assert.deepEqual([next?.mode, next?.verdict, next?.records.delivered], ['full', 'COMPLETE', COUNT]);
  });

  it('from a date goes on from that date', async () => {
    const { world, deploy, start } = worldOf();
    await world.sync('rows');
    await start('2026-11-11T00:00:00.000Z');
    await world.workOnce();
    deploy(2);
    await world.settle();
    const next = world.receipts().at(-1);
    assert.deepEqual([next?.verdict, next?.records.delivered], ['COMPLETE', 15]);
  });

  it('keeps its failures until a later one got everything: an incremental sync does not bring them', async () => {
    const { world, breakPage, start } = worldOf();
    await world.sync('rows');
    breakPage(true);
    await start('full');
    await world.settle();
    breakPage(false);
    world.clock.advance(HOUR);
    assert.deepEqual(await outcome(world), ['incremental', 'COMPLETE']);
    assert.equal(await failures(world), 1);
    await world.sendBack();
    await world.settle();
    const mended = world.receipts().find(({ revision }) => revision === 2);
    assert.deepEqual([mended?.mode, mended?.verdict, mended?.records.delivered], ['full', 'COMPLETE', COUNT]);
    assert.equal(await failures(world), 0);
  });

  it('and those are obsolete after a later full one', async () => {
    const { world, breakPage, start } = worldOf();
    await world.sync('rows');
    breakPage(true);
    await start('full');
    await world.settle();
    breakPage(false);
    await start('full');
    await world.settle();
    assert.equal(await failures(world), 0);
  });
});

async function outcome(world: World): Promise<unknown[]> {
  const { mode, verdict } = await world.sync('rows');
  return [mode, verdict];
}

const failures = async (world: World): Promise<number> =>
  (await Array.fromAsync(failedSyncs(world.invocation(), { connection: 'main', stream: 'rows' }))).length;
