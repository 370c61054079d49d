import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hostile } from '../../hostile/api.ts';
import { hostileConnector } from '../../hostile/connector.ts';
import { type Row, rowsOf } from '../../hostile/rows.ts';
import { type Api, json, makeWorld } from '../world.ts';

/** An API whose every tenth row has a date that is none. */
const strange =
  (api: Api): Api =>
  (request) => {
    const answer = api(request);
    if ('failed' in answer) return answer;
    const body = JSON.parse(new TextDecoder().decode(answer.body));
    return json({ ...body, rows: body.rows.map((row: Row) => (row.id % 10_000 === 0 ? { ...row, at: 'soon' } : row)) });
  };

describe('records that come twice', () => {
  it('because a page was read again are known, although they were quarantined', async () => {
    const change = (rows: readonly Row[], asked: number) => (asked === 2 ? rows.slice(1) : rows);
    const connector = hostileConnector('offsets', { total: true });
    const world = makeWorld({ connector, api: strange(hostile(rowsOf(60), { change })) });
    const receipt = await world.sync('rows');
    assert.deepEqual(
      [receipt.verdict, receipt.evidence, receipt.reasons.map(({ code }) => code)],
      ['INCOMPLETE', null, ['quarantined']],
    );
    assert.deepEqual([receipt.movement.moved, receipt.movement.repaired], [1, 1]);
    const { delivered, quarantined, repeated, fetched } = receipt.records;
    assert.ok(quarantined > 6, 'some of them came twice');
    const ids = new Set(world.delivered(receipt).map((row) => Reflect.get(Object(row), 'id')));
    assert.equal(ids.size, 54);
    assert.equal(fetched - repeated, 60, `${delivered} ${quarantined}`);
  });

  it('in the same listing, quarantined or not, show that records moved', async () => {
    const change = ([first, ...rows]: readonly Row[], asked: number): readonly Row[] =>
      first === undefined ? rows : asked === 2 ? [...rows, first] : [first, ...rows];
    const connector = hostileConnector('pages', { total: true });
    const world = makeWorld({ connector, api: strange(hostile([{ id: 0, at: 0 }, ...rowsOf(59)], { change })) });
    const receipt = await world.sync('rows');
    assert.equal(receipt.verdict, 'INCOMPLETE');
    // The second look sees it, and brings the record that was on no page.
    assert.deepEqual(receipt.reasons.map(({ code }) => code).sort(), ['moved', 'quarantined']);
    assert.equal(receipt.records.fetched - receipt.records.repeated, 60);
  });

  it('in two windows are counted, and nothing is missing for it', async () => {
    const rows = rowsOf(95);
    // It takes both ends of a window as included.
    const inclusive: Api = (request) => {
      const { query } = request;
      const to = Number(query.get('to')) + 1;
      query.set('to', String(to));
      return hostile(rows)({ ...request, query });
    };
    const connector = hostileConnector('cursor', { slices: '30 minutes' });
    const world = makeWorld({ connector, api: inclusive });
    const receipt = await world.sync('rows');
    assert.deepEqual([receipt.verdict, receipt.evidence], ['COMPLETE', 'key']);
    const ids = world.delivered(receipt).map((row) => Reflect.get(Object(row), 'id'));
    assert.ok(ids.length > 95);
    assert.deepEqual([new Set(ids).size, receipt.records.repeated], [95, ids.length - 95]);
  });
});

describe('parents', () => {
  const connector = hostileConnector('cursor', { each: 1 });

  it('of which one moved away and another came twice are not all there, whatever their total says', async () => {
    const honest = hostile(rowsOf(300), { parents: { count: 250 } });
    const world = makeWorld({
      connector,
      api: (request) => {
        if (request.path !== '/parents' || request.query.get('page') !== '2') return honest(request);
        // Parent 100 has moved to the page that was read before, and parent 99 to this one.
        return json({ rows: Array.from({ length: 100 }, (_, i) => ({ id: i === 0 ? 99 : 100 + i })), total: 250 });
      },
    });
    const receipt = await world.sync('rows');
    assert.equal(receipt.verdict, 'INCOMPLETE');
    assert.deepEqual(
      receipt.reasons.map(({ code, slices }) => [code, slices]),
      [['count', [{ slice: 'all rows-parents' }]]],
    );
  });

  it('that do not fit their schema take their children with them, and the receipt says so', async () => {
    const honest = hostile(rowsOf(30), { parents: { count: 10 } });
    const world = makeWorld({
      connector,
      api: (request) => {
        if (request.path !== '/parents') return honest(request);
        return json({ rows: Array.from({ length: 10 }, (_, i) => ({ id: i === 4 ? 'four' : i })), total: 10 });
      },
    });
    const receipt = await world.sync('rows');
    assert.deepEqual([receipt.verdict, receipt.records.delivered], ['INCOMPLETE', 27]);
    assert.deepEqual(
      receipt.reasons.map(({ code, message }) => [code, message]),
      [['schema', '1 of the parents do not fit their schema, and their children were not listed']],
    );
  });
});
