import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import type { Connector } from '../../../lib/core/connector/connector.ts';
import { cursor, pages } from '../../../lib/core/connector/connector.ts';
import { TASK_VERSION } from '../../../lib/core/tasks.ts';
import type { Receipt } from '../../../lib/core/verdict/receipt.ts';
import { connectorOf } from '../kinds.ts';
import { type Api, json, makeWorld, type World } from '../world.ts';

/** The API has renamed a field of every third record. */
const all = Array.from({ length: 60 }, (_, id) => (id % 3 === 0 ? { id, sum: id } : { id, total: id }));
const api: Api = ({ query }) => {
  const start = query.has('page') ? (Number(query.get('page')) - 1) * 10 : Number(query.get('cursor') ?? 0);
  return json({
    rows: all.slice(start, start + 10),
    total: all.length,
    next: start + 10 < all.length ? start + 10 : null,
  });
};

const before = z.object({ id: z.int(), total: z.number() });
const after = z.union([before, z.object({ id: z.int(), sum: z.number() })]);
const half = z.union([before, z.object({ id: z.int().max(30), sum: z.number() })]);

const kinds = {
  'a numbered listing': (schema: z.ZodType<{ id: number }>): Connector =>
    connectorOf((stream) =>
      stream({
        request: ({ page }) => ({ path: '/rows', query: { page: page.number } }),
        paging: pages({ size: 10 }),
        records: (body) => body.rows,
        total: (reply) => reply.body.total,
        schema,
        key: 'id',
      }),
    ),
  'a chain': (schema: z.ZodType<{ id: number }>): Connector =>
    connectorOf((stream) =>
      stream({
        request: ({ page }) => ({ path: '/rows', query: { cursor: page.cursor } }),
        paging: cursor({ size: 10, next: (reply) => reply.body.next }),
        records: (body) => body.rows,
        schema,
        key: 'id',
      }),
    ),
};

const ids = (world: World, receipt: Receipt): number[] =>
  world
    .delivered(receipt)
    .map((row) => Number(Reflect.get(Object(row), 'id')))
    .sort((a, b) => a - b);

/** The phase that a sync is in after its second look. */
const LOOKED = 1;

for (const [what, connector] of Object.entries(kinds)) {
  describe(`${what}: a renamed field, mended in the connector`, () => {
    const run = async (death?: { call: number; moment: 'before' | 'after' }) => {
      let current = connector(before);
      const deployed = () => ({ connector: current, version: TASK_VERSION });
      const world = makeWorld({ connector: current, api, deployed, ...(death === undefined ? {} : { death }) });
      const first = await world.sync('rows');
      const requests = world.http.requests.length;
      const map = async (schema: z.ZodType<{ id: number }>, phase: number): Promise<Receipt> => {
        current = connector(schema);
        const { connection, stream, sync } = first;
        await world.queue.send([
          { task: { v: 1, kind: 'redrive', connection, stream, sync, phase, what: 'records' }, group: 'main' },
        ]);
        await world.settle();
        const last = world.receipts().at(-1);
        assert.ok(last);
        return last;
      };
      return { world, first, map, requests };
    };

    it('what was quarantined is delivered, in the same sync, without a request', async () => {
      const { world, first, map, requests } = await run();
      assert.deepEqual(first.records, { fetched: 60, delivered: 40, quarantined: 20, repeated: 0 });
      const second = await map(half, LOOKED);
      assert.deepEqual([second.sync, second.revision, second.reasons[0]?.code], [first.sync, 2, 'quarantined']);
      assert.deepEqual(second.records, { fetched: 60, delivered: 51, quarantined: 9, repeated: 0 });
      const third = await map(after, LOOKED + 1);
      assert.deepEqual([third.revision, third.verdict, third.reasons], [3, 'COMPLETE', []]);
      assert.deepEqual(third.records, { fetched: 60, delivered: 60, quarantined: 0, repeated: 0 });
      assert.deepEqual(
        ids(world, third),
        all.map(({ id }) => id),
      );
      assert.deepEqual(third.pages, first.pages);
      assert.equal(world.http.requests.length, requests);
      assert.deepEqual(world.receipts()[0], first);
      const listed = world.readLines(third.manifest).map((line) => Object(line));
      assert.ok(listed.every((line) => !('quarantine' in line)));
    });

    it('nothing is lost or doubled by a worker that dies on the way', async () => {
      const clean = await run();
      const from = clean.world.calls();
      await clean.map(after, LOOKED);
      for (let call = from + 1; call <= clean.world.calls(); call += 5) {
        const { world, map } = await run({ call, moment: call % 2 === 0 ? 'before' : 'after' });
        const last = await map(after, LOOKED);
        assert.deepEqual([last.revision, last.verdict, last.records.quarantined], [2, 'COMPLETE', 0], `call ${call}`);
        assert.deepEqual(
          ids(world, last),
          all.map(({ id }) => id),
          `call ${call}`,
        );
      }
    });
  });
}

for (const [what, connector] of Object.entries(kinds)) {
  it(`${what}, strict: a page that came and did not fit is read again by the mended connector, and not asked for`, async () => {
    let current = connector(before);
    const world = makeWorld({
      connector: current,
      api,
      strict: true,
      deployed: () => ({ connector: current, version: TASK_VERSION }),
    });
    const first = await world.sync('rows');
    assert.deepEqual([first.verdict, first.reasons[0]?.code, first.records.delivered], ['INCOMPLETE', 'schema', 0]);
    const asked = new Set(world.http.requests.map(({ url }) => url));
    const sent = world.http.requests.length;
    current = connector(after);
    await world.sendBack();
    await world.settle();
    const last = world.receipts().at(-1);
    assert.ok(last);
    assert.deepEqual([last.sync, last.revision, last.verdict], [first.sync, 2, 'COMPLETE']);
    assert.deepEqual(
      ids(world, last),
      all.map(({ id }) => id),
    );
    // Five of the six pages are asked for once more, by the second look.
    const again = world.http.requests.slice(sent).filter(({ url }) => asked.has(url));
    assert.ok(again.length <= 5, String(again.length));
  });
}

it('a page that holds what must not be kept is asked for again', async () => {
  let current = kinds['a chain'](before);
  const secretive: Api = ({ query }) =>
    json({ rows: [{ id: 1, sum: 1 }], next: null, password: query.get('cursor') ?? 'hunter2' });
  const world = makeWorld({
    connector: current,
    api: secretive,
    strict: true,
    deployed: () => ({ connector: current, version: TASK_VERSION }),
  });
  await world.sync('rows');
  current = kinds['a chain'](after);
  await world.sendBack();
  await world.settle();
  assert.deepEqual([world.receipts().at(-1)?.verdict, world.http.requests.length], ['COMPLETE', 2]);
  assert.ok(![...world.objects.stored.keys()].some((key) => key.includes('/kept/')));
});

it('a record in which a name stands twice stays quarantined, whatever is mended: half of it was never read', async () => {
  let current = kinds['a chain'](before);
  const torn = new TextEncoder().encode('{"rows":[{"id":1,"sum":1},{"id":2,"total":1,"total":2}],"next":null}');
  const world = makeWorld({
    connector: current,
    api: () => ({ status: 200, headers: { 'content-type': 'application/json' }, body: torn }),
    deployed: () => ({ connector: current, version: TASK_VERSION }),
  });
  const first = await world.sync('rows');
  assert.equal(first.records.quarantined, 2);
  current = kinds['a chain'](after);
  const { connection, stream, sync } = first;
  await world.queue.send([
    { task: { v: TASK_VERSION, kind: 'redrive', connection, stream, sync, phase: 0, what: 'records' }, group: 'main' },
  ]);
  await world.settle();
  const last = world.receipts().at(-1) ?? assert.fail();
  assert.deepEqual([last.revision, last.records.delivered, last.records.quarantined], [2, 1, 1]);
  assert.deepEqual(world.delivered(last), [{ id: 1, sum: 1 }]);
});
