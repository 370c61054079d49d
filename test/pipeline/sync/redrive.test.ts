import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Task } from '../../../lib/core/tasks.ts';
import { MINUTE } from '../../../lib/core/time.ts';
import { forSync } from '../../../lib/pipeline/invocation.ts';
import { openPhase } from '../../../lib/pipeline/sync/redrive.ts';
import { readSync } from '../../../lib/pipeline/sync/start-sync.ts';
import { checkTree } from '../../simulation/tree.ts';
import { honest, kinds, rows } from '../kinds.ts';
import { type Api, json, makeWorld, type World } from '../world.ts';

const RECORDS = 333;
/** One kind of listing and one of chain stand for all: the ways of a death do not depend on the rest. */
const MORTAL = new Set(['offsets without a total', 'cursor']);

/** An API that refuses whatever asks for one of these records, until it is mended. */
function refusing(all: readonly { id: number }[], ...broken: readonly number[]) {
  const right = honest(all);
  let mended = false;
  const api: Api = (request) => {
    const answer = right(request);
    const body = 'body' in answer ? JSON.parse(new TextDecoder().decode(answer.body)) : {};
    const hit = broken.some((id) => body.rows.some((row: { id: number }) => row.id === id));
    return hit && !mended ? json({ no: 'such page' }, {}, 422) : answer;
  };
  return {
    api,
    mend: () => {
      mended = true;
    },
  };
}

const ids = (world: World, receipt: Parameters<World['delivered']>[0]): number[] =>
  world
    .delivered(receipt)
    .map((row) => Number(Reflect.get(Object(row), 'id')))
    .sort((a, b) => a - b);
const all = rows(RECORDS).map(({ id }) => id);

for (const [kind, { connector, evidence }] of Object.entries(kinds)) {
  describe(`${kind}: what failed, sent back once the API is mended`, () => {
    it('closes the same sync as COMPLETE, in a second revision; the first one stays', async () => {
      const { api, mend } = refusing(rows(RECORDS), 5, 171, 172, 332);
      const world = makeWorld({ connector, api });
      const first = await world.sync('rows');
      assert.equal(first.verdict, 'INCOMPLETE');
      mend();
      while ((await world.sendBack()) > 0) await world.settle();
      const receipts = world.receipts();
      const last = receipts.at(-1);
      assert.deepEqual(receipts[0], first);
      assert.ok(last);
      assert.deepEqual([last.sync, last.revision, last.verdict, last.evidence], [first.sync, 2, 'COMPLETE', evidence]);
      assert.deepEqual(last.reasons, []);
      assert.deepEqual(ids(world, last), all);
      assert.equal(last.pages.failed, 0);
      assert.equal(last.pages.planned, last.pages.fetched);
      assert.equal(last.requests.sent, world.http.requests.length);
      assert.equal(receipts.length, 2);
    });

    it('fails again while the API is not mended, each time in a revision of its own', async () => {
      const { api, mend } = refusing(rows(RECORDS), 175);
      const world = makeWorld({ connector, api });
      await world.sync('rows');
      for (let revision = 2; revision <= 3; revision++) {
        assert.equal(await world.sendBack(), 1);
        await world.settle();
        const last = world.receipts().at(-1);
        assert.deepEqual([last?.revision, last?.verdict, last?.pages.failed], [revision, 'INCOMPLETE', 1]);
      }
      mend();
      await world.sendBack();
      await world.settle();
      assert.deepEqual([world.receipts().at(-1)?.revision, world.receipts().at(-1)?.verdict], [4, 'COMPLETE']);
    });

    for (const moment of MORTAL.has(kind) ? (['before', 'after'] as const) : []) {
      it(`survives a worker that dies at any call, ${moment} its effect, and messages that come three times`, async () => {
        const run = async (call?: number) => {
          const { api, mend } = refusing(rows(RECORDS), 5, 171);
          const world = makeWorld({ connector, api, ...(call === undefined ? {} : { death: { call, moment } }) });
          await world.sync('rows');
          mend();
          const before = world.calls();
          await world.sendBack(3);
          await world.settle();
          return { world, before };
        };
        const clean = await run();
        for (let call = clean.before + 1; call <= clean.world.calls(); call += 2) {
          const { world } = await run(call);
          const last = world.receipts().at(-1);
          const context = `death ${moment} call ${call}`;
          assert.ok(last);
          assert.deepEqual([last.revision, last.verdict, last.reasons], [2, 'COMPLETE', []], context);
          assert.deepEqual(ids(world, last), all, context);
          assert.equal(world.receipts().length, 2, context);
        }
      });
    }
  });
}

const { connector } = kinds['pages with a total'];

it('whoever began a phase long ago, and only now goes on, begins nothing', async () => {
  const { api, mend } = refusing(rows(RECORDS), 171);
  const world = makeWorld({ connector, api });
  const { connection, stream, sync } = await world.sync('rows');
  const ref = { connection, stream, sync };
  const seen = await readSync(forSync(world.invocation(), ref));
  assert.ok(seen);
  mend();
  await world.sendBack();
  await world.settle();
  const requests = world.http.requests.length;
  const root = { kind: 'listing', opened: 0, covered: 34, from: 0, to: 0 };
  await openPhase(forSync(world.invocation(), ref), seen, root, { from: 'closed', revision: 2, repairs: 0 });
  await world.settle();
  assert.equal((await readSync(forSync(world.invocation(), ref)))?.status, 'closed');
  assert.equal(world.http.requests.length, requests);
  assert.equal(world.receipts().length, 2);
});

it('what is sent back while its sync is open waits for the close', async () => {
  const { api, mend } = refusing(rows(3_000), 171);
  let early: Task | undefined;
  const world = makeWorld({
    connector,
    api: (request) => {
      early ??= world.failures.receive(1)[0]?.task;
      if (early !== undefined) mend();
      return api(request);
    },
  });
  const queue = world.queue.send;
  world.queue.send = async (messages) => {
    if (early !== undefined) await queue([{ task: early, group: 'main' }]);
    early = undefined;
    await queue(messages);
  };
  await world.sync('rows');
  assert.deepEqual(
    world.receipts().map(({ revision, verdict }) => [revision, verdict]),
    [
      [1, 'INCOMPLETE'],
      [2, 'COMPLETE'],
    ],
  );
});

it('a failure is obsolete once a later sync got everything: nothing is asked for', async () => {
  const { api, mend } = refusing(rows(RECORDS), 171);
  const world = makeWorld({ connector, api });
  await world.sync('rows');
  mend();
  const second = await world.sync('rows');
  assert.equal(second.verdict, 'COMPLETE');
  const requests = world.http.requests.length;
  assert.equal(await world.sendBack(), 1);
  await world.settle();
  assert.equal(world.http.requests.length, requests);
  assert.equal(world.receipts().length, 2);
});

it('a page that fails without a total is asked for again, and the listing goes on behind it', async () => {
  const { api, mend } = refusing(rows(RECORDS), 0);
  const world = makeWorld({ connector, api });
  const first = await world.sync('rows');
  assert.deepEqual([first.pages.fetched, first.reasons.map(({ code }) => code)], [0, ['http-422', 'cut-short']]);
  mend();
  await world.sendBack();
  await world.settle();
  const last = world.receipts().at(-1);
  assert.deepEqual([last?.revision, last?.verdict, last?.records.delivered], [2, 'COMPLETE', RECORDS]);
});

it('hundreds of scattered pages come back in one phase', async () => {
  const broken = Array.from({ length: 200 }, (_, i) => 15 + i * 20);
  const { api, mend } = refusing(rows(4_000), ...broken);
  const world = makeWorld({ connector, api });
  const first = await world.sync('rows');
  assert.equal(first.pages.failed, 200);
  mend();
  assert.equal(await world.sendBack(), 200);
  await world.settle();
  const last = world.receipts().at(-1);
  assert.deepEqual([last?.revision, last?.verdict, last?.records.delivered], [2, 'COMPLETE', 4_000]);
  assert.ok(world.clock.now() - Date.parse(last?.startedAt ?? '') < 30 * MINUTE);
});

it('a page that is sent back after its sync was looked at again is asked for', () =>
  checkTree(
    {
      ...{ paging: 'offsets', size: 2, families: [0, 3, 0], levels: 1, listed: 'pages', together: 1, gone: [] },
      ...{ hours: 0, expires: 0, asks: 'nothing', broken: [5] },
    },
    { workers: 1, batch: 1, pace: 0, housekeeping: false, attempts: 1_000, mishaps: [] },
  ));
