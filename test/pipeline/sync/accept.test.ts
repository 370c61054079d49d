import assert from 'node:assert/strict';
import { it } from 'node:test';
import { forSync } from '../../../lib/pipeline/invocation.ts';
import { acceptSync } from '../../../lib/pipeline/sync/accept.ts';
import { failedSyncs } from '../../../lib/pipeline/sync/failures.ts';
import { hostile } from '../../hostile/api.ts';
import { hostileConnector } from '../../hostile/connector.ts';
import { rowsOf } from '../../hostile/rows.ts';
import { json, makeWorld } from '../world.ts';

const REASON = 'the supplier has confirmed that page 3 was lost for good';

it('what a sync lacks is accepted: a new revision says so, and the next sync asks only for what is new', async () => {
  const rows = rowsOf(45);
  const api = hostile(rows);
  const connector = hostileConnector('pages', { total: true, slices: '1000 hours' });
  const world = makeWorld({
    connector,
    api: (request) => (request.query.get('page') === '3' ? json({}, {}, 500) : api(request)),
  });
  const first = await world.sync('rows');
  assert.deepEqual([first.verdict, first.watermark.after], ['INCOMPLETE', null]);
  const standing = () => Array.fromAsync(failedSyncs(world.invocation(), { connection: 'main', stream: 'rows' }));
  assert.equal((await standing()).length, 1);
  const ref = { connection: 'main', stream: 'rows', sync: first.sync };
  assert.equal(await acceptSync(forSync(world.invocation(), ref), REASON), undefined);
  assert.match((await acceptSync(forSync(world.invocation(), ref), REASON)) ?? '', /accepted already/);
  assert.deepEqual(await standing(), []);

  const second = world.receipts().at(-1);
  assert.ok(second);
  assert.deepEqual([second.sync, second.revision, second.verdict], [first.sync, 2, 'INCOMPLETE']);
  assert.equal(second.accepted?.reason, REASON);
  assert.deepEqual(second.reasons, first.reasons);
  assert.equal(second.records.delivered, first.records.delivered);
  assert.equal(second.watermark.after, new Date(rows.at(-1)?.at ?? 0).toISOString());

  const third = await world.sync('rows');
  assert.equal(third.mode, 'incremental');
  assert.deepEqual([third.verdict, third.watermark.before], ['COMPLETE', second.watermark.after]);
});

it('a sync that is not there, or not closed, cannot be accepted', async () => {
  const world = makeWorld({ connector: hostileConnector('pages', { total: true }), api: hostile(rowsOf(5)) });
  const ref = { connection: 'main', stream: 'rows', sync: '20260101T000000000Z' };
  assert.match((await acceptSync(forSync(world.invocation(), ref), REASON)) ?? '', /there is no sync/);
});
