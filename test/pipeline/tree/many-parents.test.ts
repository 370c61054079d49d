import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { TASK_VERSION } from '../../../lib/core/tasks.ts';
import { bundles } from '../../../lib/pipeline/tree/read-tree.ts';
import { hostile } from '../../hostile/api.ts';
import { hostileConnector } from '../../hostile/connector.ts';
import { rowsOf } from '../../hostile/rows.ts';
import { json, makeWorld } from '../world.ts';

const PARENTS = 1_200;
const connector = hostileConnector('cursor', { each: 1 });
const idsOf = (rows: readonly unknown[]): number[] => rows.map((row) => Number(Reflect.get(Object(row), 'id')));

describe('more parents than are read at once when the sync is closed', () => {
  it('each is listed once, those that vanished are none, and each child comes once', async () => {
    const vanished = Array.from({ length: PARENTS / 100 }, (_, i) => 100 * i + 7);
    const api = hostile(rowsOf(2 * PARENTS), { parents: { count: PARENTS, vanished } });
    const world = makeWorld({ connector, api });
    const receipt = await world.sync('rows');
    const expected = 2 * (PARENTS - vanished.length);
    assert.deepEqual([receipt.verdict, receipt.evidence, receipt.reasons], ['COMPLETE', 'count', []]);
    assert.deepEqual([receipt.records.delivered, receipt.records.repeated], [expected, 0]);
    assert.equal(new Set(idsOf(world.delivered(receipt))).size, expected);
    assert.equal(receipt.requests.sent, world.http.requests.length);
    assert.equal(
      receipt.pages.fetched,
      PARENTS + PARENTS / 100 + 1,
      'the parents, and their own listing with one page behind it',
    );
  });

  it('those that fail are named, and asked for again, alone', async () => {
    const broken = new Set(['3', '42', '999', '1000', '1199']);
    const honest = hostile(rowsOf(PARENTS), { parents: { count: PARENTS } });
    let mended = false;
    const world = makeWorld({
      connector,
      api: (request) =>
        !mended && broken.has(request.query.get('parents') ?? '') ? json({}, {}, 403) : honest(request),
    });
    const first = await world.sync('rows');
    assert.equal(first.verdict, 'INCOMPLETE');
    assert.deepEqual(
      new Set(first.reasons[0]?.slices?.map(({ slice }) => slice)),
      new Set([...broken].map((parent) => parent)),
    );
    const before = world.http.requests.length;
    mended = true;
    await world.sendBack();
    await world.settle();
    const last = world.receipts().at(-1) ?? assert.fail();
    assert.deepEqual([last.verdict, last.revision, last.records.delivered], ['COMPLETE', 2, PARENTS]);
    assert.equal(new Set(idsOf(world.delivered(last))).size, PARENTS);
    // Besides, three pages of the parents: the second look.
    assert.equal(world.http.requests.length - before, broken.size + 3);
  });

  it('what does not fit is mapped again, wherever it hangs', async () => {
    const strange = hostile(rowsOf(PARENTS), { parents: { count: PARENTS } });
    let deployed = connector;
    const world = makeWorld({
      connector,
      deployed: () => ({ connector: deployed, version: TASK_VERSION }),
      api: (request) => {
        const parent = request.query.get('parents');
        if (parent !== '12' && parent !== '1199') return strange(request);
        return json({ rows: [{ id: Number(parent), at: 'yesterday' }], next: null });
      },
    });
    const first = await world.sync('rows');
    assert.deepEqual([first.verdict, first.records.quarantined], ['COMPLETE', 2]);
    const rows = connector.streams.rows ?? assert.fail();
    const schema = z.object({ id: z.number(), at: z.unknown() });
    deployed = { ...connector, streams: { ...connector.streams, rows: { ...rows, schema } } };
    const task = {
      v: TASK_VERSION,
      kind: 'redrive',
      connection: 'main',
      stream: 'rows',
      sync: first.sync,
      // The second look at the parents was the first phase after the sync's own.
      phase: 1,
    } as const;
    await world.queue.send([{ task: { ...task, what: 'records' }, group: 'main' }]);
    await world.settle();
    const last = world.receipts().at(-1) ?? assert.fail();
    assert.deepEqual([last.revision, last.records.quarantined, last.records.delivered], [2, 0, PARENTS]);
  });

  for (const opened of [1_001, 9_999, 10_000, 10_001, 100_000, 123_456])
    it(`${opened} children: each is in one bundle, and no bundle is large`, () => {
      const found = new Uint8Array(opened);
      for (const { index, whole } of bundles(opened)) {
        let size = 0;
        // The numbers that begin with these digits: one, ten, a hundred …
        for (let many = 1; index * many < opened && (many === 1 || whole); many *= 10)
          for (let one = index * many; one < Math.min(opened, (index + 1) * many); one++) {
            found[one] = (found[one] ?? 0) + 1;
            size += 1;
          }
        assert.ok(size <= 1_111, `${size} children in one bundle`);
      }
      assert.deepEqual([found[0], new Set(found.subarray(1))], [0, new Set([1])]);
    });
});
