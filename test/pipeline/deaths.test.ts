import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { cursor, defineConnector, none, pages } from '../../lib/core/connector/connector.ts';
import { SECOND } from '../../lib/core/time.ts';
import { honest, kinds, Row, rows } from './kinds.ts';
import { json, makeWorld, type World } from './world.ts';

/** Enough for several blocks, and for a chain of several steps. */
const RECORDS = 150;
/** How often a page is tried in these worlds. */
const ATTEMPTS = 5;
/** Where the queue has a message of everything, housekeeping has nothing to take up. */
const takenUp = ({ log }: World) => log.lines.filter(({ message }) => message === 'sync taken up');
/** A page and a little. */
const SHORT = 12;
/** Enough for some pages. */
const GROWN = 45;

for (const [kind, { connector, evidence }] of Object.entries(kinds)) {
  describe(`${kind}: a worker that dies at any call`, () => {
    for (const moment of ['before', 'after'] as const) {
      it(`${moment} its effect: nothing is lost, nothing counts twice`, async () => {
        const api = honest(rows(RECORDS));
        const clean = makeWorld({ connector, api });
        await clean.sync('rows');
        assert.ok(clean.calls() > 20);
        for (let call = 1; call <= clean.calls(); call++) {
          const world = makeWorld({ connector, api, death: { call, moment } });
          const receipt = await world.sync('rows');
          const context = `death ${moment} call ${call}`;
          assert.deepEqual(receipt.reasons, [], context);
          assert.equal(receipt.evidence, evidence, context);
          const ids = world.delivered(receipt).map((row) => Reflect.get(Object(row), 'id'));
          assert.deepEqual(
            ids.sort((a, b) => a - b),
            rows(RECORDS).map(({ id }) => id),
            context,
          );
          assert.equal(receipt.records.delivered, RECORDS, context);
          assert.equal(world.receipts().length, 1, context);
          assert.ok(world.events.published.length >= 1, context);
        }
      });
    }
  });
}

it('a read that came to nothing does not end a listing that has grown since', async () => {
  const { connector } = kinds['offsets with a total'];
  /** Two pages, of which the second is short, until that was asked for once; then more. */
  const growing = () => {
    let asked = 0;
    return (request: Parameters<ReturnType<typeof honest>>[0]) => honest(rows(asked++ < 2 ? SHORT : GROWN))(request);
  };
  const clean = makeWorld({ connector, api: growing() });
  await clean.sync('rows');
  let reread = 0;
  for (let call = 1; call <= clean.calls(); call++) {
    const world = makeWorld({ connector, api: growing(), death: { call, moment: 'before' } });
    const receipt = await world.sync('rows');
    const second = world.http.requests.filter(({ url }) => new URL(url).searchParams.get('offset') === '9');
    if (second.length < 2) continue;
    reread += 1;
    assert.equal(receipt.verdict, 'COMPLETE', `death at call ${call}`);
    // It grew while it was read, so pages were read again: each record comes at least once.
    const ids = new Set(world.delivered(receipt).map((row) => Reflect.get(Object(row), 'id')));
    assert.equal(ids.size, GROWN, `death at call ${call}`);
  }
  assert.ok(reread >= 3, `${reread} deaths between the read of the second page and its commit`);
});

/** A chain below each parent. */
const Parent = z.object({ id: z.string() });
const families = defineConnector({
  name: 'test',
  docs: 'none',
  baseUrl: 'http://api.test',
  params: z.object({}),
  auth: none(),
  limits: [],
  streams: (stream) => ({
    parents: stream({
      request: ({ page }) => ({ path: '/parents', query: { page: page.number } }),
      paging: pages({ size: 10 }),
      total: (reply) => reply.body.total,
      records: (body) => body.rows,
      schema: Parent,
      key: 'id',
    }),
    rows: stream({
      each: { of: 'parents', pick: (parent) => parent.id },
      request: ({ parent, page }) => ({ path: '/rows', query: { of: parent, cursor: page.cursor, size: page.size } }),
      paging: cursor({ size: 10, next: (reply) => reply.body.next }),
      records: (body) => body.rows,
      schema: Row,
      key: 'id',
    }),
  }),
});

/** The first page has all parents. */
const parentsOn = ({ query }: { query: URLSearchParams }, ...all: readonly string[]) =>
  json({ rows: query.get('page') === '1' ? all.map((id) => ({ id })) : [], total: all.length });

it('what kills whoever reads it is set aside, and takes no neighbour with it: pages', async () => {
  const { connector } = kinds['pages with a total'];
  const deadly = '/rows?page=4&size=10';
  const world = makeWorld({ connector, api: honest(rows(RECORDS)), death: { request: deadly } });
  const receipt = await world.sync('rows');
  assert.deepEqual(
    receipt.reasons.map(({ code, pages }) => [code, pages]),
    [
      ['died', [4]],
      ['count', undefined],
    ],
  );
  assert.equal(receipt.records.delivered, RECORDS - 10);
  assert.equal(world.http.requests.filter(({ url }) => url.endsWith(deadly)).length, ATTEMPTS + 1);
  assert.deepEqual(takenUp(world), []);
});

it('what kills whoever reads it is set aside, and takes no neighbour with it: chains', async () => {
  const api = honest(rows(RECORDS));
  const world: World = makeWorld({
    connector: families,
    api(request) {
      // So slow that both chains are committed before the deadly page is asked for.
      world.clock.advance(3 * SECOND);
      return request.path === '/parents' ? parentsOn(request, 'a', 'b') : api(request);
    },
    death: { request: '/rows?of=a&cursor=40&size=10' },
  });
  const receipt = await world.sync('rows');
  assert.deepEqual(
    receipt.reasons.map(({ code }) => code),
    ['died', 'cut-short'],
  );
  assert.equal(receipt.records.delivered, 40 + RECORDS);
  assert.deepEqual(takenUp(world), []);
});

it('parents that only a read that came to nothing found have no children', async () => {
  const api = honest(rows(10));
  let reread = 0;
  for (let call = 1; ; call++) {
    let asked = 0;
    const world = makeWorld({
      connector: families,
      api(request) {
        if (request.path !== '/parents') return api(request);
        if (request.query.get('page') === '1') asked += 1;
        return parentsOn(request, ...(asked === 1 ? ['a', 'gone'] : ['a']));
      },
      death: { call, moment: 'after' },
    });
    const { verdict } = await world.sync('rows');
    assert.equal(verdict, 'COMPLETE', `death at call ${call}`);
    if (world.calls() < call) break;
    if (asked < 2) continue;
    reread += 1;
    const gone = world.http.requests.filter(({ url }) => new URL(url).searchParams.get('of') === 'gone');
    assert.deepEqual(gone, [], `death at call ${call}`);
  }
  assert.ok(reread >= 3, `${reread} deaths between the read of the parents and its commit`);
});

it('a chain that has moved has all attempts at the page where it stands', async () => {
  const { connector } = kinds.cursor;
  const api = honest(rows(RECORDS));
  const world: World = makeWorld({
    connector,
    api(request) {
      world.clock.advance(3 * SECOND);
      return api(request);
    },
    death: { request: '/rows?cursor=40&size=10', times: ATTEMPTS + 1 },
  });
  const { verdict, reasons } = await world.sync('rows');
  assert.deepEqual([verdict, reasons], ['COMPLETE', []]);
});

it('a message that comes back before the lease of a dead worker is over waits for it', async () => {
  const { connector } = kinds.cursor;
  const visibility = 30;
  const world = makeWorld({ connector, api: honest(rows(RECORDS)), visibility, death: { request: 5 } });
  const { verdict } = await world.sync('rows');
  assert.equal(verdict, 'COMPLETE');
  assert.deepEqual(takenUp(world), []);
});

it('limits that are edited in the middle cut a listing otherwise, and no page is in two blocks', async () => {
  const { connector } = kinds['pages with a total'];
  const api = honest(rows(120));
  for (let call = 1; ; call++) {
    // Whoever comes after a death knows other limits than who died.
    let asked = 0;
    const limits = () => (asked++ % 2 === 0 ? [] : [{ requests: 1, per: '1 second' } as const]);
    const world = makeWorld({ connector: { ...connector, limits }, api, death: { call, moment: 'after' } });
    const receipt = await world.sync('rows');
    assert.equal(receipt.verdict, 'COMPLETE', `death at call ${call}`);
    assert.deepEqual([receipt.records.delivered, receipt.records.repeated], [120, 0], `death at call ${call}`);
    if (world.calls() < call) break;
  }
});
