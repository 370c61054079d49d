import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { type Connector, defineConnector, none, pages } from '../../../lib/core/connector/connector.ts';
import { HOUR, MINUTE } from '../../../lib/core/time.ts';
import type { Receipt } from '../../../lib/core/verdict/receipt.ts';
import { streamState } from '../../../lib/pipeline/store/sync-state.ts';
import { type Api, json, makeWorld, type World, type WorldOptions } from '../world.ts';

/** Two accounts behind one connection. Each record says whose it is. */
const SIZE = 10;
const COUNT = 45;
const Row = z.object({ id: z.string(), updated: z.iso.datetime() });
const connector = defineConnector({
  ...{ name: 'test', docs: 'none', baseUrl: 'http://api.test', auth: none(), limits: [] },
  params: z.object({ org: z.string() }),
  streams: (stream) => ({
    rows: stream({
      request: ({ params, page, window }) => ({
        path: `/${params.org}/rows`,
        query: { page: page.number, since: window.from.iso },
      }),
      paging: pages({ size: SIZE }),
      total: (reply) => reply.body.total,
      records: (body) => body.rows,
      schema: Row,
      key: 'id',
      since: { field: (row) => row.updated, lookback: '1 minute' },
    }),
  }),
});

/** `a` has newer records than `b`. */
const updatedIn = (org: string, index: number): string =>
  new Date(Date.UTC(2026, 10, org === 'a' ? 20 : 1, 0, index)).toISOString();
const honest: Api = ({ path, query }) => {
  const [, org = ''] = path.split('/');
  const all = Array.from({ length: COUNT }, (_, index) => ({ id: `${org}${index}`, updated: updatedIn(org, index) }));
  const asked = all.filter(({ updated }) => updated >= (query.get('since') ?? ''));
  const from = SIZE * (Number(query.get('page')) - 1);
  return json({ rows: asked.slice(from, from + SIZE), total: asked.length });
};

const KEY = { pk: 'test', sk: 'main' };
const become = (world: World, org: string): Promise<unknown> =>
  world.connections.update(KEY, { set: { params: JSON.stringify({ org }) } });
/** A worker remembers a connection for a minute; until then it goes on with the account that it knows, which is the sync's own. */
const forgetting = (world: World): void => world.clock.advance(2 * MINUTE);
const worldOf = (more: Partial<WorldOptions> = {}): World =>
  makeWorld({ connector, api: honest, params: { org: 'a' }, ...more });
/** Whose records a receipt delivers, and how many. */
const deliveredBy = (world: World, receipt: Receipt): Record<string, number> => {
  const ids = world.delivered(receipt).map((record) => Row.parse(record).id[0] ?? '');
  return Object.fromEntries([...Map.groupBy(ids, (id) => id)].map(([org, all]) => [org, all.length]));
};

describe('a connection that becomes another account', () => {
  it('in the middle of a sync: nothing of the first account is delivered, and all of the second', async () => {
    let asked = 0;
    const world: World = worldOf({
      api: (request) => {
        asked += 1;
        return honest(request);
      },
    });
    await world.connections.create(KEY, { params: '{"org":"a"}', status: 'active' });
    const at = new Date(world.clock.now()).toISOString();
    await world.queue.send([{ task: { v: 1, kind: 'tick', stream: 'rows', at }, group: 'main' }]);
    while (asked === 0) assert.ok(await world.workOnce());
    await become(world, 'b');
    forgetting(world);
    await world.settle();
    const [old, next] = world.receipts();
    assert.deepEqual(
      [old?.verdict, old?.reasons.map(({ code }) => code), old && deliveredBy(world, old)],
      ['INCOMPLETE', ['superseded'], {}],
    );
    assert.deepEqual([next?.verdict, next?.mode], ['COMPLETE', 'full']);
    assert.deepEqual(next && deliveredBy(world, next), { b: COUNT });
  });

  it('between two syncs: the second one asks for everything, and says why; the third for what changed', async () => {
    const world = worldOf();
    await world.sync('rows');
    // At once, so that the worker still remembers the account before.
    await become(world, 'b');
    const second = await world.sync('rows');
    assert.deepEqual([second.verdict, second.mode, second.watermark.before], ['COMPLETE', 'full', null]);
    assert.deepEqual(deliveredBy(world, second), { b: COUNT });
    assert.deepEqual(
      second.warnings.map(({ code }) => code),
      ['other-account'],
    );
    world.clock.advance(HOUR);
    const third = await world.sync('rows');
    assert.deepEqual([third.mode, third.watermark.before, third.warnings], ['incremental', updatedIn('b', 44), []]);
  });

  it('and back: what was known of the first one is not believed again', async () => {
    const world = worldOf();
    await world.sync('rows');
    await become(world, 'b');
    await world.sync('rows');
    await become(world, 'a');
    const back = await world.sync('rows');
    assert.deepEqual([back.mode, deliveredBy(world, back)], ['full', { a: COUNT }]);
  });

  it('by its secret alone: an operator says so', async () => {
    const world = worldOf();
    await world.sync('rows');
    await world.connections.update(KEY, { set: { account: 'another' } });
    assert.equal((await world.sync('rows')).mode, 'full');
  });

  it('is the same one where its parameters are written in another order', async () => {
    const two: Connector = { ...connector, params: z.object({ org: z.string(), at: z.string() }) };
    const world = makeWorld({ connector: two, api: honest, params: { org: 'a', at: 'x' } });
    await world.sync('rows');
    await world.connections.update(KEY, { set: { params: '{"at":"x","org":"a"}' } });
    assert.equal((await world.sync('rows')).mode, 'incremental');
  });

  it('before an old sync commits: that one’s watermark is not the new account’s', async () => {
    let stands = false;
    const world: World = worldOf({
      metered: (table) => ({
        ...table,
        async update(key, change, when) {
          if (stands && change.set?.watermark !== undefined) {
            // Another worker closes the sync meanwhile, and the connection changes; then a sync of the other account begins.
            stands = false;
            const { current = '' } = await streamOf(world);
            await world.queue.send([
              { task: { v: 1, kind: 'close', connection: 'main', stream: 'rows', sync: current }, group: 'main' },
            ]);
            while (await world.workOnce());
            await become(world, 'b');
            const at = new Date(world.clock.now()).toISOString();
            await world.queue.send([{ task: { v: 1, kind: 'tick', stream: 'rows', at }, group: 'main' }]);
            assert.ok(await world.workOnce());
            assert.ok(await world.workOnce());
          }
          return table.update(key, change, when);
        },
      }),
    });
    stands = true;
    await world.sync('rows');
    await world.settle();
    const { watermark } = await streamOf(world);
    assert.equal(watermark, updatedIn('b', 44));
  });

  it('after a receipt: what failed is not asked of the other account', async () => {
    let broken = true;
    const world = worldOf({
      api: (request) => (broken && request.query.get('page') === '3' ? json({}, {}, 422) : honest(request)),
    });
    const first = await world.sync('rows');
    assert.equal(first.verdict, 'INCOMPLETE');
    broken = false;
    await become(world, 'b');
    forgetting(world);
    assert.equal(await world.sendBack(), 1);
    await world.settle();
    const again = world.receipts().find(({ revision }) => revision === 2);
    assert.deepEqual([again?.verdict, again?.reasons[0]?.code], ['INCOMPLETE', 'other-account']);
    assert.deepEqual(again && deliveredBy(world, again), { a: COUNT - SIZE });
  });
});

const streamOf = async ({ syncs }: World) =>
  streamState.parse((await syncs.get({ pk: 'test/main#rows', sk: 'STREAM' })) ?? {});
