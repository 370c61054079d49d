import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import {
  type Connector,
  cursor,
  defineConnector,
  links,
  none,
  offsets,
  one,
  pages,
  type Raw,
  type Request,
} from '../../lib/core/connector/connector.ts';
import { modelOf } from '../../lib/simulator/model.ts';
import { makeWorld } from '../pipeline/world.ts';
import { wired } from './wired.ts';

/** Streams that list by the records of another, by a client that is the whole pipeline. */

const Shop = z.object({
  id: z.int(),
  slug: z.string(),
  region: z.enum(['eu', 'us']),
  owner: z.object({ name: z.string().optional() }).optional(),
});
const Order = z.object({ id: z.int(), changed: z.iso.datetime() });

type Asking = {
  readonly pick: (shop: Raw) => unknown;
  readonly together?: number;
  readonly request: (at: { parent: Raw; parents: readonly Raw[]; page: { cursor: string | undefined } }) => Request;
};

const connector = ({ pick, together, request }: Asking): Connector =>
  defineConnector({
    name: 'shops',
    docs: 'here',
    params: z.object({}),
    baseUrl: 'https://api.test/v1',
    auth: none(),
    limits: [],
    streams: (stream) => ({
      shops: stream({
        request: ({ page }) => ({ path: '/shops', query: { page: page.number } }),
        paging: pages({ size: 10 }),
        records: (body) => body.shops,
        total: (reply) => reply.body.total,
        schema: Shop,
        key: 'id',
      }),
      orders: stream({
        each: { of: 'shops', pick, ...(together === undefined ? {} : { together }) },
        request,
        paging: cursor({ size: 20, next: (reply) => reply.body.next }),
        records: (body) => body.orders,
        schema: Order,
        key: 'id',
      }),
    }),
  });

const SHOPS = 25;
const ORDERS = 777;

const ASKING: Readonly<Record<string, Asking>> = {
  'by a text in the path': {
    pick: (shop) => shop.slug,
    request: ({ parent, page }) => ({ path: `/shops/${parent}/orders`, query: { cursor: page.cursor } }),
  },
  'by a number that is not the key, in the query': {
    pick: (shop) => shop.id,
    request: ({ parent, page }) => ({ path: '/orders', query: { shop: parent, cursor: page.cursor } }),
  },
  'by an object of which two fields are written, and one is often missing': {
    pick: (shop) => ({ owner: shop.owner?.name, slug: shop.slug }),
    request: ({ parent, page }) => ({
      path: `/owners/${parent.owner}/shops/${parent.slug}/orders`,
      query: { cursor: page.cursor },
    }),
  },
  'by four together, as objects in a JSON list': {
    pick: (shop) => shop.slug,
    together: 4,
    request: ({ parents, page }) => ({
      method: 'POST',
      path: '/orders/search',
      json: { inputs: parents.map((slug) => ({ type: 'shop', slug })), after: page.cursor },
    }),
  },
  'by four together, with commas between them': {
    pick: (shop) => shop.id,
    together: 4,
    request: ({ parents, page }) => ({ path: '/orders', query: { shops: parents.join(), cursor: page.cursor } }),
  },
  'by four together, under one name of the query': {
    pick: (shop) => shop.slug,
    together: 4,
    request: ({ parents, page }) => ({ path: '/orders', query: { shop: parents, cursor: page.cursor } }),
  },
  'by four together, in a query language': {
    pick: (shop) => shop.slug,
    together: 4,
    request: ({ parents, page }) => ({
      path: '/query',
      query: { q: `shop in (${parents.map((slug) => `'${slug}'`).join(' or ')})`, cursor: page.cursor },
    }),
  },
};

async function run(asked: Connector, stream: string, records: Record<string, number>) {
  const model = modelOf(asked, { records });
  const world = makeWorld({ connector: asked, api: wired(model) });
  const receipt = await world.sync(stream);
  const ids = world.delivered(receipt).map((record) => Reflect.get(Object(record), 'id'));
  return { receipt, ids, requests: world.http.requests.length };
}

describe('the simulator lists by parents', () => {
  for (const [title, asking] of Object.entries(ASKING)) {
    it(title, async () => {
      const { receipt, ids } = await run(connector(asking), 'orders', { shops: SHOPS, orders: ORDERS });
      assert.deepEqual([receipt.verdict, receipt.evidence], ['COMPLETE', 'end'], JSON.stringify(receipt.reasons));
      assert.deepEqual([ids.length, new Set(ids).size], [ORDERS, ORDERS]);
    });
  }

  const [asking = assert.fail()] = Object.values(ASKING);
  it('of which there is none', async () => {
    const { receipt, ids } = await run(connector(asking), 'orders', { shops: 0, orders: ORDERS });
    assert.deepEqual([receipt.verdict, ids.length], ['COMPLETE', 0]);
  });

  it('of which there is one', async () => {
    const { receipt, ids } = await run(connector(asking), 'orders', { shops: 1, orders: 5 });
    assert.deepEqual([receipt.verdict, ids.length], ['COMPLETE', 5]);
  });

  it('of which a request names one that there is not: 404', () => {
    const api = wired(modelOf(connector(asking), { records: 30 }));
    const get = (path: string) => {
      const url = `https://api.test/v1${path}`;
      return api({ method: 'GET', url, headers: {}, path, query: new URL(url).searchParams });
    };
    assert.equal(Reflect.get(get('/shops/shops-0000000030/orders'), 'status'), 200);
    assert.equal(Reflect.get(get('/shops/shops-0000000031/orders'), 'status'), 404);
    assert.equal(Reflect.get(get('/shops/anything/orders'), 'status'), 404);
  });

  it('that can be asked for by themselves, at a path that begins like that of their children', async () => {
    const named = connector(asking);
    const orders = named.streams.orders ?? assert.fail();
    const details = {
      ...orders,
      request: ({ parent }: { parent: Raw }) => ({ path: `/shops/${parent}` }),
      paging: one(),
    };
    const both: Connector = { ...named, streams: { ...named.streams, details } };
    for (const stream of ['orders', 'details']) {
      const { receipt, ids } = await run(both, stream, { shops: 5, orders: 60, details: 50 });
      assert.deepEqual([receipt.verdict, ids.length], ['COMPLETE', stream === 'orders' ? 60 : 50]);
    }
  });

  it('that have parents of their own, in a window, over links that no longer say whose children they lead to', async () => {
    const deep = defineConnector({
      name: 'deep',
      docs: 'here',
      params: z.object({}),
      baseUrl: 'https://api.test',
      auth: none(),
      limits: [],
      streams: (stream) => {
        const since = {
          field: (order: { changed: string }) => order.changed,
          lookback: '1 minute',
          start: '2020-01-01T00:00:00Z',
        } as const;
        return {
          shops: stream({
            request: ({ page }) => ({ path: '/shops', query: { offset: page.offset } }),
            paging: offsets({ size: 10 }),
            records: (body) => body,
            schema: Shop,
            key: 'id',
          }),
          orders: stream({
            each: { of: 'shops', pick: (shop) => String(shop.slug) },
            request: ({ parent, window }) => ({ path: `/shops/${parent}/orders`, query: { since: window.from.iso } }),
            paging: links({ size: 10 }),
            records: (body) => body,
            schema: Order,
            key: 'id',
            since,
          }),
          lines: stream({
            each: { of: 'orders', pick: (order) => Number(order.id), together: 10 },
            request: ({ parents, window }) => ({
              path: '/lines',
              query: { order: parents, from: window.from.iso, to: window.to.iso },
            }),
            paging: links({ size: 7 }),
            records: (body) => body,
            count: {
              request: ({ parents, window }) => ({
                path: '/lines/count',
                query: { order: parents, from: window.from.iso, to: window.to.iso },
              }),
              read: (reply) => reply.body.count,
              exact: true,
            },
            schema: Order,
            key: 'id',
            since,
            slices: { width: '365 days', least: '1 day' },
          }),
          notes: stream({
            each: { of: 'shops', pick: (shop) => shop.id },
            request: ({ parent }) => ({ path: `/notes/${parent}` }),
            paging: one(),
            records: (body) => body,
            schema: z.object({ id: z.int() }),
            key: 'id',
          }),
        };
      },
    });
    const records = { shops: 9, orders: 87, lines: 600, notes: 40 };
    for (const [stream, evidence] of [
      ['orders', 'end'],
      ['lines', 'end'],
      ['notes', 'end'],
    ] as const) {
      const { receipt, ids } = await run(deep, stream, records);
      assert.deepEqual([receipt.verdict, receipt.evidence], ['COMPLETE', evidence], JSON.stringify(receipt.reasons));
      assert.deepEqual([ids.length, new Set(ids).size], [records[stream], records[stream]]);
    }
  });
});
