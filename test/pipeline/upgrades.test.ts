import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { type Connector, cursor, defineConnector, none, pages, type Span } from '../../lib/core/connector/connector.ts';
import { TASK_VERSION } from '../../lib/core/tasks.ts';
import { MINUTE, SECOND } from '../../lib/core/time.ts';
import { honest, kinds, Row, rows } from './kinds.ts';
import { makeWorld, type World } from './world.ts';

/** Enough for many invocations, so that a deployment falls into the middle. */
const RECORDS = 1_200;
const ids = (found: readonly unknown[]): number[] =>
  found.map((row) => z.object({ id: z.number() }).parse(row).id).sort((a, b) => a - b);
const ALL = rows(RECORDS).map(({ id }) => id);

/** A connector of one stream, in a revision. */
const revised = (revision: number, kind: 'pages' | 'cursor' = 'pages', schedule: Span = '1 day'): Connector =>
  defineConnector({
    name: 'test',
    docs: 'none',
    revision,
    schedule,
    baseUrl: 'http://api.test',
    params: z.object({}),
    auth: none(),
    limits: [],
    streams: (stream) => ({
      rows:
        kind === 'pages'
          ? stream({
              request: ({ page }) => ({ path: '/rows', query: { page: page.number, size: page.size } }),
              paging: pages({ size: 10 }),
              total: (reply) => reply.body.total,
              records: (body) => body.rows,
              schema: Row,
              key: 'id',
            })
          : stream({
              request: ({ page }) => ({ path: '/rows', query: { cursor: page.cursor, size: page.size } }),
              paging: cursor({ size: 10, next: (reply) => reply.body.next }),
              records: (body) => body.rows,
              schema: Row,
              key: 'id',
            }),
    }),
  });

/** Counts the requests of an API, so that a deployment can be told to fall between two of them. */
function counting() {
  let sent = 0;
  const api = honest(rows(RECORDS));
  return {
    sent: () => sent,
    api(request: Parameters<typeof api>[0]) {
      sent += 1;
      return api(request);
    },
  };
}

describe('a deployment whose code writes newer tasks, in the middle of a sync', () => {
  for (const [kind, { connector }] of Object.entries(kinds)) {
    it(`${kind}: old tasks are taken by new code; rolled back, new ones wait or are rebuilt; nothing is lost`, async () => {
      const { api, sent } = counting();
      const seen = new Set<string>();
      const world: World = makeWorld({
        connector,
        api(request) {
          // So slow that an invocation ends, and the next one is of another version, also in the middle of a chain.
          world.clock.advance(2 * SECOND);
          return api(request);
        },
        deployed() {
          const version = sent() > 20 && sent() <= 60 ? TASK_VERSION + 1 : TASK_VERSION;
          seen.add(`${version} after ${sent() > 60 ? 'the roll-back' : sent() > 20 ? 'the deployment' : 'nothing'}`);
          return { connector, version };
        },
      });
      const receipt = await world.sync('rows');
      assert.equal(receipt.verdict, 'COMPLETE');
      assert.deepEqual(receipt.reasons, []);
      assert.deepEqual(ids(world.delivered(receipt)), ALL);
      assert.equal(seen.size, 3);
    });
  }

  it('what it does not know a worker hands back: the message comes again, and is done by code that knows it', async () => {
    let version = TASK_VERSION;
    const { connector } = kinds['pages with a total'];
    const world = makeWorld({ connector, api: honest(rows(5)), deployed: () => ({ connector, version }) });
    await world.connections.create({ pk: connector.name, sk: 'main' }, { params: '{}', status: 'active' });
    const start = { kind: 'start', connection: 'main', stream: 'rows', at: '2026-11-22T12:00:00.000Z' } as const;
    await world.queue.send([{ task: { ...start, v: TASK_VERSION + 1 }, group: 'main' }]);
    for (let time = 0; time < 5; time++) {
      assert.equal(await world.workOnce(), true);
      assert.equal(await world.workOnce(), false, 'it is hidden until its visibility ends');
      world.clock.advance(6 * MINUTE);
    }
    assert.deepEqual(world.receipts(), []);
    version = TASK_VERSION + 1;
    await world.settle();
    assert.deepEqual(
      world.receipts().map(({ verdict }) => verdict),
      ['COMPLETE'],
    );
  });

  it('older than the version before it is not read', async () => {
    const { connector } = kinds['pages with a total'];
    const world = makeWorld({ connector, api: honest([]), deployed: () => ({ connector, version: TASK_VERSION + 2 }) });
    await world.queue.send([
      { task: { v: TASK_VERSION, kind: 'tick', stream: 'rows', at: '2026-11-22T12:00:00Z' }, group: 'rows' },
    ]);
    await world.workOnce();
    assert.deepEqual(world.log.lines, []);
    assert.notEqual(world.queue.next(), undefined);
  });
});

describe('a deployment that raises the revision of the connector, in the middle of a sync', () => {
  for (const kind of ['pages', 'cursor'] as const) {
    it(`closes it as superseded, delivers nothing of it, and begins anew; into ${kind}`, async () => {
      const { api, sent } = counting();
      const [before, after] = [revised(1), revised(2, kind)];
      const deployed = () => ({ connector: sent() > 30 ? after : before, version: TASK_VERSION });
      const world = makeWorld({ connector: before, api, deployed });
      await world.sync('rows');
      const [first, second, ...others] = world.receipts();
      assert.ok(first && second);
      assert.deepEqual(others, []);
      assert.deepEqual([first.verdict, first.reasons.map(({ code }) => code)], ['INCOMPLETE', ['superseded']]);
      assert.match(first.reasons[0]?.message ?? '', /revision changed from 1 to 2 meanwhile/);
      assert.ok(first.requests.sent > 0);
      assert.deepEqual(world.delivered(first), []);
      assert.equal(second.verdict, 'COMPLETE');
      assert.deepEqual(ids(world.delivered(second)), ALL);
      assert.equal(world.failures.next(), undefined, 'nothing was set aside');
    });
  }

  for (const [from, to] of [
    ['pages', 'cursor'],
    ['cursor', 'pages'],
  ] as const) {
    it(`or forgets to, although ${from} became ${to}: the same`, async () => {
      const { api, sent } = counting();
      const [before, after] = [revised(1, from), revised(1, to)];
      const deployed = () => ({ connector: sent() > 30 ? after : before, version: TASK_VERSION });
      const world = makeWorld({
        connector: before,
        deployed,
        api(request) {
          // So slow that the walk of a chain takes several invocations.
          world.clock.advance(2 * SECOND);
          return api(request);
        },
      });
      await world.sync('rows');
      const [first, second] = world.receipts();
      assert.ok(first && second);
      assert.deepEqual([first.verdict, first.reasons.map(({ code }) => code)], ['INCOMPLETE', ['superseded']]);
      assert.match(first.reasons[0]?.message ?? '', /listed in another way/);
      assert.equal(second.verdict, 'COMPLETE');
      assert.deepEqual(ids(world.delivered(second)), ALL);
    });
  }

  it('and is rolled back: the sync of the newer revision is superseded in its turn', async () => {
    const { api, sent } = counting();
    const [older, newer] = [revised(1), revised(2, 'cursor')];
    const deployed = () => ({ connector: sent() > 30 && sent() <= 130 ? newer : older, version: TASK_VERSION });
    const world = makeWorld({ connector: older, api, deployed });
    await world.sync('rows');
    const receipts = world.receipts();
    assert.deepEqual(
      receipts.map(({ verdict }) => verdict),
      ['INCOMPLETE', 'INCOMPLETE', 'COMPLETE'],
    );
    const last = receipts.at(-1);
    assert.ok(last);
    assert.deepEqual(ids(world.delivered(last)), ALL);
  });

  it('is found by housekeeping, too, where no message is left', async () => {
    const [before, after] = [revised(1), revised(2)];
    let connector = before;
    const world = makeWorld({
      connector,
      api: honest(rows(RECORDS)),
      deployed: () => ({ connector, version: TASK_VERSION }),
    });
    await world.connections.create({ pk: 'test', sk: 'main' }, { params: '{}', status: 'active' });
    await world.queue.send([
      {
        task: { v: TASK_VERSION, kind: 'start', connection: 'main', stream: 'rows', at: '2026-11-22T12:00:00.000Z' },
        group: 'main',
      },
    ]);
    await world.workOnce();
    for (const { receipt } of world.queue.receive(10)) world.queue.remove(receipt);
    connector = after;
    world.clock.advance(MINUTE);
    await world.housekeep();
    await world.settle();
    assert.deepEqual(
      world.receipts().map(({ verdict }) => verdict),
      ['INCOMPLETE', 'COMPLETE'],
    );
  });
});

it('a stream that was taken out of the connector closes, too, and nothing begins in its place', async () => {
  const { api, sent } = counting();
  const before = revised(1);
  const { rows: listed } = before.streams;
  assert.ok(listed);
  const after: Connector = { ...before, streams: { others: listed } };
  const deployed = () => ({ connector: sent() > 30 ? after : before, version: TASK_VERSION });
  const world = makeWorld({ connector: before, api, deployed });
  await world.sync('rows');
  const receipts = world.receipts();
  assert.deepEqual(
    receipts.map(({ verdict, reasons }) => [verdict, reasons.map(({ code }) => code)]),
    [['INCOMPLETE', ['superseded']]],
  );
  assert.match(receipts[0]?.reasons[0]?.message ?? '', /has no stream "rows" any more/);
  assert.deepEqual(await Array.fromAsync(world.syncs.live('test')), []);
});
