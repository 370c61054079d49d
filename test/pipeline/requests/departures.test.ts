import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as z from 'zod';
import { bearer, defineConnector, pages } from '../../../lib/core/connector/connector.ts';
import { SECOND } from '../../../lib/core/time.ts';
import { type Api, json, makeWorld, type World } from '../world.ts';

/** 15 records by page, one request a second. */
const connector = defineConnector({
  name: 'rows',
  docs: 'none',
  params: z.object({}),
  baseUrl: 'https://api.test',
  auth: bearer(),
  limits: [{ requests: 1, per: '1 second' }],
  streams: (stream) => ({
    rows: stream({
      request: ({ page }) => ({ path: '/rows', query: { page: page.number } }),
      paging: pages({ size: 5 }),
      total: (reply) => reply.body.total,
      records: (body) => body.rows,
      schema: z.object({ id: z.number() }),
      key: 'id',
    }),
  }),
});
const page = (number: number) =>
  json({ total: 15, rows: Array.from({ length: number > 3 ? 0 : 5 }, (_, i) => ({ id: 5 * (number - 1) + i })) });

/** A sync, and when each of its requests left: none sooner than a second after the one before. */
async function syncOf(api: (world: World) => Api) {
  const left: number[] = [];
  const world: World = makeWorld({
    connector,
    api: (request) => {
      left.push(world.clock.now());
      return api(world)(request);
    },
  });
  const receipt = await world.sync('rows');
  for (const [i, at] of left.slice(1).entries()) assert.ok(at - (left[i] ?? 0) >= SECOND, `request ${i + 2}`);
  return { world, left, receipt };
}

it('a redirect within the origin is followed, with the credential, and takes a slot of its own', async () => {
  const { receipt, left, world } = await syncOf(
    () =>
      ({ path, query }) =>
        path === '/rows'
          ? json({}, { location: `/moved?page=${query.get('page')}` }, 307)
          : page(Number(query.get('page'))),
  );
  assert.deepEqual([receipt.verdict, receipt.records.delivered], ['COMPLETE', 15]);
  // Three pages, the one after the last full one, and two by the second look; each of them twice.
  assert.deepEqual([receipt.requests.sent, left.length], [12, 12]);
  assert.ok(world.http.requests.every(({ headers }) => headers.authorization === 'Bearer t'));
});

it('a redirect that leads in a circle ends, and only its page is missing', async () => {
  const { receipt, left } = await syncOf(
    () =>
      ({ path, query }) =>
        query.get('page') === '2'
          ? json({}, { location: path === '/rows' ? '/moved?page=2' : '/rows?page=2' }, 302)
          : page(Number(query.get('page'))),
  );
  assert.equal(receipt.verdict, 'INCOMPLETE');
  assert.deepEqual(receipt.reasons[0], {
    code: 'redirect',
    message: 'it was redirected more than 5 times',
    pages: [2],
  });
  assert.equal(receipt.records.delivered, 10);
  // Two others, and what was redirected five times.
  assert.deepEqual([receipt.requests.sent, left.length], [8, 8]);
});

it('a request that is sent again with a key that was rotated takes a slot of its own', async () => {
  const { receipt, left } = await syncOf((world) => ({ query, headers }) => {
    const number = Number(query.get('page'));
    if (number < 2 || headers.authorization === 'Bearer new') return page(number);
    world.rotate({ token: 'new' });
    return json({}, {}, 401);
  });
  assert.deepEqual([receipt.verdict, receipt.records.delivered], ['COMPLETE', 15]);
  assert.equal(left.length, 7);
});
