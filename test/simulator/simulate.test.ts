import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as z from 'zod';
import {
  apiKey,
  basic,
  bearer,
  type Connector,
  type ConnectorSpec,
  cursor,
  defineConnector,
  keyset,
  links,
  none,
  offsets,
  one,
  pages,
  type Stream,
} from '../../lib/core/connector/connector.ts';
import { csv, jsonLines, xml } from '../../lib/readers/index.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { held, send, walk } from './walk.ts';

const Item = z.object({ id: z.int(), name: z.string(), note: z.string().nullish() });
const params = z.object({});
type Spec = ConnectorSpec<typeof params, undefined, Record<string, Stream>>;
type Streams = Spec['streams'];

const declare = (streams: Streams, more: Partial<Spec> = {}): Connector =>
  defineConnector({
    name: 'small',
    docs: 'here',
    params,
    baseUrl: 'https://api.example.com',
    auth: none(),
    limits: [],
    ...more,
    streams,
  });

/** Ways in which real APIs list, each written as a connector would. */
const LISTINGS: Readonly<Record<string, Streams>> = {
  'one response that is the list': (stream) => ({
    items: stream({
      request: () => ({ path: '/items' }),
      paging: one(),
      records: (body) => body,
      schema: Item,
      key: 'id',
    }),
  }),
  'JSON lines': (stream) => ({
    items: stream({
      request: ({ page }) => ({ path: '/export', query: { page: page.number } }),
      paging: pages({ size: 10 }),
      read: jsonLines(),
      records: (body) => body,
      schema: Item,
      key: 'id',
    }),
  }),
  'CSV, with the next cursor in a header': (stream) => ({
    items: stream({
      request: ({ page }) => ({ path: '/export', query: { after: page.cursor } }),
      paging: cursor({ size: 10, next: (reply) => reply.header('x-next') }),
      read: csv({ columns: ['id', 'name'] }),
      records: (body) => body,
      schema: z.object({ id: z.string(), name: z.string() }),
      key: 'id',
    }),
  }),
  'XML, with a total': (stream) => ({
    items: stream({
      request: ({ page }) => ({ path: '/export', query: { page: page.number } }),
      paging: pages({ size: 10 }),
      read: xml({ lists: ['item'] }),
      records: (body) => body.items.item ?? [],
      total: (reply) => Number(reply.body.items.total),
      schema: z.object({ id: z.string(), name: z.string() }),
      key: 'id',
    }),
  }),
  'pages counted from 1, with a total in the body': (stream) => ({
    items: stream({
      request: ({ page }) => ({ path: '/items', query: { page: page.number, per_page: page.size } }),
      paging: pages({ size: 10 }),
      records: (body) => body.items,
      total: (reply) => reply.body.meta.total,
      schema: Item,
      key: 'id',
    }),
  }),
  'pages counted from 0, asked for by their first row': (stream) => ({
    items: stream({
      request: ({ page }) => ({ path: '/items', query: { startAt: page.number * page.size, maxResults: page.size } }),
      paging: pages({ size: 10, first: 0 }),
      records: (body) => body.values,
      total: (reply) => Number(reply.header('x-total-count')),
      schema: Item,
      key: 'id',
    }),
  }),
  'pages in the path, and the first one has a path of its own': (stream) => ({
    items: stream({
      request: ({ page }) => ({ path: page.number === 1 ? '/items' : `/items/page/${page.number}` }),
      paging: pages({ size: 10 }),
      records: (body) => z.object({ ok: z.literal(true), items: z.array(z.unknown()) }).parse(body).items,
      schema: Item,
      key: 'id',
    }),
  }),
  'offsets as a range of rows in a header': (stream) => ({
    items: stream({
      request: ({ page: { offset, size } }) => ({
        path: '/items',
        headers: { Range: `rows=${offset}-${offset + size - 1}` },
      }),
      paging: offsets({ size: 10 }),
      records: (body) => body[1],
      total: (reply) => reply.body[0].total,
      schema: Item,
      key: 'id',
    }),
  }),
  'offsets in a JSON body': (stream) => ({
    items: stream({
      request: ({ page }) => ({
        method: 'POST',
        path: '/search',
        json: { from: page.offset, size: page.size, sort: ['id'] },
      }),
      paging: offsets({ size: 10 }),
      records: (body) => body.hits.hits.map((hit: { _source: unknown }) => hit._source),
      total: (reply) => reply.body.hits.total.value,
      schema: Item,
      key: 'id',
    }),
  }),
  'a cursor that is null at the end': (stream) => ({
    items: stream({
      request: ({ page }) => ({ path: '/items', query: { limit: page.size, cursor: page.cursor } }),
      paging: cursor({ size: 10, next: (reply) => reply.body.meta.next }),
      records: (body) => body.data ?? [],
      schema: Item,
      key: 'id',
    }),
  }),
  'a cursor that begins with a star and comes in a header': (stream) => ({
    items: stream({
      request: ({ page }) => ({ path: '/items', query: { cursorMark: page.cursor ?? '*', rows: page.size } }),
      paging: cursor({ size: 10, next: (reply) => reply.header('x-next') }),
      records: (body) => body.response.docs,
      schema: Item,
      key: 'id',
    }),
  }),
  'a GraphQL connection with edges': (stream) => ({
    items: stream({
      request: ({ page }) => ({
        method: 'POST',
        path: '/graphql',
        json: {
          query: 'query($n:Int!,$c:String){items(first:$n,after:$c){…}}',
          variables: { n: page.size, c: page.cursor },
        },
      }),
      paging: cursor({
        size: 10,
        next: ({ body: { data } }) => (data.items.pageInfo.hasNextPage ? data.items.pageInfo.endCursor : null),
      }),
      records: (body) => body.data.items.edges.map((edge: { node: unknown }) => edge.node),
      schema: Item,
      key: 'id',
    }),
  }),
  'a cursor in a form, of records that are put together': (stream) => ({
    items: stream({
      request: ({ page }) => ({
        method: 'POST',
        path: '/list',
        form: { limit: `${page.size}`, ...(page.cursor && { page: page.cursor }) },
      }),
      paging: cursor({ size: 10, next: (reply) => (reply.body.more ? reply.body.cursor : undefined) }),
      records: (body) =>
        body.entries.map((row: { id: number; attributes: object }) => ({ ...row.attributes, id: row.id })),
      schema: Item,
      key: 'id',
    }),
  }),
  'a cursor that a whole path leads to': (stream) => ({
    items: stream({
      request: ({ page }) => ({ path: page.cursor ? `/items/after/${encodeURIComponent(page.cursor)}` : '/items' }),
      paging: cursor({ size: 10, next: (reply) => reply.body[0].paging?.next?.after }),
      records: (body) => body[1],
      schema: Item,
      key: 'id',
    }),
  }),
  'links in a header': (stream) => ({
    items: stream({
      request: ({ page }) => ({ path: '/items', query: { per_page: page.size } }),
      paging: links({ size: 10 }),
      records: (body) => body,
      schema: Item,
      key: 'id',
    }),
  }),
  'links in the body': (stream) => ({
    items: stream({
      request: ({ page }) => ({ path: '/items', headers: { Prefer: `odata.maxpagesize=${page.size}` } }),
      paging: links({ size: 10, next: (reply) => reply.body['@odata.nextLink'] }),
      records: (body) => body.value,
      total: (reply) => reply.body['@odata/count'],
      schema: Item,
      key: 'id',
    }),
  }),
  'links whose body is checked': (stream) => ({
    items: stream({
      request: () => ({ path: '/items' }),
      paging: links({ size: 10, next: (reply) => Envelope.parse(reply.body).links.next ?? undefined }),
      records: (body) => Envelope.parse(body).items,
      schema: Item,
      key: 'id',
    }),
  }),
  'a keyset by number': (stream) => ({
    items: stream({
      request: ({ page }) => ({ path: '/items', query: { limit: page.size, starting_after: page.after } }),
      paging: keyset({ size: 10, after: (last) => last.id, more: (reply) => reply.body.has_more }),
      records: (body) => body.data,
      schema: Item,
      key: 'id',
    }),
  }),
  'a keyset, the newest first': (stream) => ({
    items: stream({
      request: ({ page }) => ({ path: '/items', query: { limit: page.size, before: page.after } }),
      paging: keyset({ size: 10, after: (last) => last.id, more: (reply) => reply.body.left !== 0 }),
      records: (body) => body.data,
      schema: Item,
      key: 'id',
      order: 'newest first',
    }),
  }),
  'a keyset in a filter that goes on while pages are full': (stream) => ({
    items: stream({
      request: ({ page }) => ({
        method: 'POST',
        path: '/query',
        json: page.after === undefined ? { top: page.size } : { top: page.size, where: `id > ${page.after}` },
      }),
      paging: keyset({ size: 10, after: (last) => last.id, more: (reply) => reply.body.rows.length === 10 }),
      records: (body) => body.rows,
      schema: Item,
      key: 'id',
    }),
  }),
};
const Envelope = z.object({ items: z.array(Item), links: z.object({ next: z.url().nullable() }) });

describe('every way of listing gives every record exactly once', () => {
  for (const [title, streams] of Object.entries(LISTINGS)) {
    const connector = declare(streams);
    const newestFirst = connector.streams.items?.order === 'newest first';
    for (const count of [0, 1, 10, 37]) {
      test(`${title}: ${count} records`, async (t) => {
        const simulation = await simulate(connector, { records: count });
        t.after(simulation.stop);
        const found = await walk(connector, simulation, 'items');
        const expected = held(simulation, 'items', count);
        assert.deepEqual(found, newestFirst ? expected.toReversed() : expected);
      });
    }
  }
});

test('what is read by index is sent as a list', async (t) => {
  const connector = declare(LISTINGS['offsets as a range of rows in a header'] ?? assert.fail());
  const simulation = await simulate(connector, { records: 3 });
  t.after(simulation.stop);
  const { body } = await send(simulation, { path: '/items', headers: { range: 'rows=0-9' } });
  assert.deepEqual(body, [{ total: 3 }, held(simulation, 'items', 3)]);
});

test('totals are told on every page, even on one behind the end', async (t) => {
  const connector = declare(LISTINGS['pages counted from 1, with a total in the body'] ?? assert.fail());
  const simulation = await simulate(connector, { records: 37 });
  t.after(simulation.stop);
  for (const number of [1, 4, 5, 99]) {
    const reply = await send(simulation, { path: '/items', query: { page: number, per_page: 10 } });
    assert.equal(connector.streams.items?.total?.(reply), 37);
  }
});

const plain: Streams = (stream) => ({
  items: stream({
    request: () => ({ path: '/items' }),
    paging: one(),
    records: (body) => body,
    schema: Item,
    key: 'id',
  }),
});

describe('the secret', () => {
  const cases = [
    { auth: bearer(), headers: ({ token }: Secret) => ({ authorization: `Bearer ${token}` }) },
    {
      auth: basic(),
      headers: (secret: Secret) => ({ authorization: `Basic ${btoa(`${secret.username}:${secret.password}`)}` }),
    },
    { auth: apiKey({ header: 'X-Api-Key' }), headers: ({ key }: Secret) => ({ 'x-api-key': `${key}` }) },
  ];
  for (const { auth, headers } of cases) {
    test(`opens an API with ${auth.kind}, and nothing else does`, async (t) => {
      const simulation = await simulate(declare(plain, { auth }), { records: 3 });
      t.after(simulation.stop);
      const secret = z.record(z.string(), z.string()).parse(simulation.secret);
      assert.ok(auth.secret.safeParse(secret).success);
      const wrong = Object.fromEntries(Object.keys(secret).map((field) => [field, 'wrong']));
      assert.equal((await send(simulation, { path: '/items' }, headers(secret))).status, 200);
      assert.equal((await send(simulation, { path: '/items' }, headers(wrong))).status, 401);
      const { status, body } = await send(simulation, { path: '/items' });
      assert.equal(status, 401);
      assert.equal(body.error, 'unauthorized');
      assert.ok(!JSON.stringify(body).includes(Object.values(secret).at(-1) ?? assert.fail()));
    });
  }

  type Secret = Readonly<Record<string, string>>;
});

test('every reply carries the date', async (t) => {
  const simulation = await simulate(declare(plain));
  t.after(simulation.stop);
  const before = Math.floor(Date.now() / 1_000) * 1_000;
  const reply = await send(simulation, { path: '/items' });
  const date = Date.parse(reply.header('date') ?? '');
  assert.ok(before <= date && date <= Date.now(), `${date}`);
});

test('requests are counted by stream, those of no stream are not', async (t) => {
  const simulation = await simulate(
    declare((stream) => ({
      ...plain(stream),
      others: { ...(plain(stream).items ?? assert.fail()), request: () => ({ path: '/others' }) },
    })),
  );
  t.after(simulation.stop);
  for (const path of ['/items', '/others', '/items', '/nowhere']) await send(simulation, { path });
  assert.deepEqual(simulation.requests(), { items: 2, others: 1 });
});

test('a base URL with a path of its own may be kept or replaced', async (t) => {
  const simulation = await simulate(declare(plain, { baseUrl: 'https://api.example.com/v2/rest' }), { records: 3 });
  t.after(simulation.stop);
  for (const path of ['/items', '/v2/rest/items']) assert.equal((await send(simulation, { path })).status, 200);
  assert.equal((await send(simulation, { path: '/v3/items' })).status, 404);
});

test('a body that is too long, and one that is no JSON, are refused, and the API stays up', async (t) => {
  const simulation = await simulate(declare(plain), { records: 3 });
  t.after(simulation.stop);
  const post = async (body: string) =>
    (await fetch(`${simulation.url}/items`, { method: 'POST', headers: { 'content-type': 'application/json' }, body }))
      .status;
  assert.equal(await post('x'.repeat(5_000_000)), 413);
  assert.equal(await post('{"broken"'), 404);
  assert.equal((await send(simulation, { path: '/items' })).status, 200);
});

test('trouble is what it was told to make', async (t) => {
  const html = { status: 500, headers: { 'content-type': 'text/html' }, body: '<h1>Oops</h1>' };
  const simulation = await simulate(declare(plain), { trouble: { every: { requests: 2, answer: html }, cap: 3 } });
  t.after(simulation.stop);
  assert.equal((await send(simulation, { path: '/items' })).body.length, 3);
  const response = await fetch(`${simulation.url}/items`);
  const { status, headers } = response;
  assert.deepEqual([status, headers.get('content-type'), await response.text()], [500, 'text/html', '<h1>Oops</h1>']);
});

test('once stopped, it is gone, and stopping it again does nothing', async () => {
  const simulation = await simulate(declare(plain));
  await send(simulation, { path: '/items' });
  await simulation.stop();
  await simulation.stop();
  await assert.rejects(fetch(`${simulation.url}/items`));
});
