import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as z from 'zod';
import {
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
import { modelOf } from '../../lib/simulator/model.ts';

const params = z.object({ site: z.url(), team: z.string(), limit: z.int().default(10) });
type Spec = ConnectorSpec<typeof params, undefined, Record<string, Stream>>;
const declare = (streams: Spec['streams']) =>
  defineConnector({ name: 'small', docs: 'here', params, baseUrl: 'http://any', auth: none(), limits: [], streams });

const Item = z.object({ id: z.int(), name: z.string(), changed: z.iso.datetime() });
const plain: Spec['streams'] = (stream) => ({
  items: stream({
    request: () => ({ path: '/items' }),
    paging: one(),
    records: (body) => body,
    schema: Item,
    key: 'id',
  }),
});

const reads = (what: string) =>
  `Stream "items": the simulator finds no reply out of which its "${what}" reads what it should. Read one place of the body or one header, as it is.`;
const writes = (what: string) =>
  `Stream "items": its "request" writes "${what}" in a way that the simulator cannot read back. Put it there as it is, or as a plain sum or multiple.`;

describe('a declaration that cannot be turned round is refused with the stream and the function', () => {
  const cases: Readonly<Record<string, readonly [Spec['streams'], string | RegExp]>> = {
    'records behind text': [
      (stream) => ({
        items: stream({
          request: () => ({ path: '/' }),
          paging: one(),
          records: (body) => JSON.parse(body.data),
          schema: Item,
          key: 'id',
        }),
      }),
      reads('records'),
    ],
    'a total that is counted in pages': [
      (stream) => ({
        items: stream({
          request: ({ page }) => ({ path: '/', query: { page: page.number } }),
          paging: pages({ size: 10 }),
          records: (body) => body.items,
          total: (reply) => reply.body.pages * 10 + 3,
          schema: Item,
          key: 'id',
        }),
      }),
      reads('total'),
    ],
    'a cursor cut out of a URL': [
      (stream) => ({
        items: stream({
          request: ({ page }) => ({ path: '/', query: { cursor: page.cursor } }),
          paging: cursor({ size: 10, next: (reply) => new URL(reply.body.next).searchParams.get('cursor') }),
          records: (body) => body.items,
          schema: Item,
          key: 'id',
        }),
      }),
      reads('next'),
    ],
    'a link that is put together': [
      (stream) => ({
        items: stream({
          request: () => ({ path: '/' }),
          paging: links({ size: 10, next: (reply) => `/v2${reply.body.next}` }),
          records: (body) => body.items,
          schema: Item,
          key: 'id',
        }),
      }),
      reads('next'),
    ],
    'an end that never comes': [
      (stream) => ({
        items: stream({
          request: ({ page }) => ({ path: '/', query: { after: page.after } }),
          paging: keyset({ size: 10, after: (last) => last.id, more: () => true }),
          records: (body) => body.items,
          schema: Item,
          key: 'id',
        }),
      }),
      reads('more'),
    ],
    'keys that do not rise': [
      (stream) => ({
        items: stream({
          request: ({ page }) => ({ path: '/', query: { after: page.after } }),
          paging: keyset({ size: 10, after: (last) => last.name, more: (reply) => reply.body.more }),
          records: (body) => body.items,
          schema: Item,
          key: 'id',
        }),
      }),
      'Stream "items": its "after" must give text or a number that rises from record to record: read the key or the date.',
    ],
    'a page in letters': [
      (stream) => ({
        items: stream({
          request: ({ page }) => ({ path: '/', query: { page: page.number.toString(36) } }),
          paging: pages({ size: 10 }),
          records: (body) => body,
          schema: Item,
          key: 'id',
        }),
      }),
      writes('page'),
    ],
    'an offset turned into the number of a page': [
      (stream) => ({
        items: stream({
          request: ({ page }) => ({ path: '/', query: { page: Math.floor(page.offset / page.size) } }),
          paging: offsets({ size: 10 }),
          records: (body) => body,
          schema: Item,
          key: 'id',
        }),
      }),
      writes('page'),
    ],
    'a cursor in a code': [
      (stream) => ({
        items: stream({
          request: ({ page }) => ({ path: '/', query: { c: page.cursor && btoa(page.cursor) } }),
          paging: cursor({ size: 10, next: (reply) => reply.body.next }),
          records: (body) => body.items,
          schema: Item,
          key: 'id',
        }),
      }),
      writes('page'),
    ],
    'a window in hours': [
      (stream) => ({
        items: stream({
          request: ({ window }) => ({ path: '/', query: { hour: Math.floor(window.from.seconds / 3_600) } }),
          paging: one(),
          records: (body) => body,
          schema: Item,
          key: 'id',
          since: { field: (item) => item.changed, lookback: '1 day' },
        }),
      }),
      writes('window'),
    ],
    'a window whose ends run into each other': [
      (stream) => ({
        items: stream({
          request: ({ window }) => ({ path: '/', query: { window: `${window.from.millis}${window.to.millis}` } }),
          paging: one(),
          records: (body) => body,
          schema: Item,
          key: 'id',
          since: { field: (item) => item.changed, lookback: '1 day' },
        }),
      }),
      writes('window'),
    ],
    'a date put together': [
      (stream) => ({
        items: stream({
          request: ({ window }) => ({ path: '/', query: { since: window.from.iso } }),
          paging: one(),
          records: (body) => body,
          schema: z.object({ id: z.int(), year: z.int(), month: z.int() }),
          key: 'id',
          since: { field: (item) => `${item.year}-${item.month}`, lookback: '1 day' },
        }),
      }),
      'Stream "items": the simulator finds no field that it could set so that "since.field" gives the date it should. Read one field of the record, as it is.',
    ],
    'a request that fails': [
      (stream) => ({
        items: stream({
          request: ({ page }) => {
            if (page.number > 1_000) throw new Error('too far');
            return { path: '/', query: { page: page.number } };
          },
          paging: pages({ size: 10 }),
          records: (body) => body,
          schema: Item,
          key: 'id',
        }),
      }),
      'Stream "items": its "request" fails for {"number":104729,"size":10}: too far',
    ],
    'a schema with a rule of its own': [
      (stream) => ({
        items: stream({
          request: () => ({ path: '/' }),
          paging: one(),
          records: (body) => body,
          schema: z.object({ id: z.int(), sum: z.int().refine((sum) => sum === -1, 'must be minus one') }),
          key: 'id',
        }),
      }),
      'Stream "items": the simulator cannot make records for its "schema": at "sum", must be minus one.',
    ],
    'a key that cannot differ': [
      (stream) => ({
        items: stream({
          request: () => ({ path: '/' }),
          paging: one(),
          records: (body) => body,
          schema: z.object({ id: z.enum(['a', 'b']) }),
          key: 'id',
        }),
      }),
      /^Stream "items": the simulator cannot make records whose "key" differs: \["[ab]"\] came twice\.$/,
    ],
    'parents that are all the same': [
      (stream) => ({
        ...plain(stream),
        parts: stream({
          each: { of: 'items', pick: () => 'the only one' },
          request: ({ parent }) => ({ path: `/items/${parent}` }),
          paging: one(),
          records: (body) => body,
          schema: Item,
          key: 'id',
        }),
      }),
      'Stream "parts": its "each.pick" must give text or a number that differs from record to record.',
    ],
    'a parent in a code': [
      (stream) => ({
        ...plain(stream),
        parts: stream({
          each: { of: 'items', pick: (item) => item.name },
          request: ({ parent }) => ({ path: `/items/${btoa(parent)}` }),
          paging: one(),
          records: (body) => body,
          schema: Item,
          key: 'id',
        }),
      }),
      writes('parent').replace('items', 'parts'),
    ],
    'a count of pages': [
      (stream) => ({
        items: stream({
          request: () => ({ path: '/items' }),
          paging: one(),
          records: (body) => body,
          count: { request: () => ({ path: '/count' }), read: (reply) => reply.body.pages * 10, exact: false },
          schema: Item,
          key: 'id',
        }),
      }),
      reads('count.read'),
    ],
    'a setup that wants a text of its own': [
      (stream) => ({
        items: stream({
          setup: {
            request: () => ({ path: '/fields' }),
            read: ({ body }) => z.object({ version: z.literal('7b') }).parse(body),
          },
          request: () => ({ path: '/items' }),
          paging: one(),
          records: (body) => body,
          schema: Item,
          key: 'id',
        }),
      }),
      reads('setup.read'),
    ],
    'two streams that ask the same': [
      (stream) => ({ ...plain(stream), twins: plain(stream).items ?? assert.fail() }),
      'Stream "items": its "request" cannot be told from that of stream "twins".',
    ],
  };
  for (const [title, [streams, message]] of Object.entries(cases)) {
    test(title, () => assert.throws(() => modelOf(declare(streams)), { name: 'SimulatorRefusal', message }));
  }
});

describe('options that make no sense are refused', () => {
  const connector = declare(plain);
  test('records of an unknown stream', () => {
    assert.throws(() => modelOf(connector, { records: { orders: 3 } }), {
      message: 'Connector "small" has no stream "orders".',
    });
  });
  test('half a record', () => {
    assert.throws(() => modelOf(connector, { records: 0.5 }), {
      message: 'Stream "items" cannot have 0.5 records; it must be a whole number from 0.',
    });
  });
  test('wrong parameters', () => {
    assert.throws(() => modelOf(connector, { params: { site: 'http://any', team: 7 } }), {
      message: /^Connector "small": parameter "team": /,
    });
  });
});

test('parameters are taken as given, with their defaults, or made up', () => {
  const connector = declare(plain);
  const given = { site: 'http://any', team: 'blue' };
  assert.deepEqual(modelOf(connector, { params: given }).client.params, { ...given, limit: 10 });
  const made = params.parse(modelOf(connector, { params: { team: 'red' } }).client.params);
  assert.deepEqual(made, { site: made.site, team: 'red', limit: 10 });
});

test('each stream has as many records as it is told to have, 1,000 by default', () => {
  const both = declare((stream) => ({
    ...plain(stream),
    others: stream({
      request: () => ({ path: '/others' }),
      paging: one(),
      records: (body) => body,
      schema: Item,
      key: 'id',
    }),
  }));
  const counts = (records?: number | Record<string, number>) =>
    modelOf(both, records === undefined ? {} : { records }).streams.map((stream) => stream.records.count);
  assert.deepEqual(counts(), [1_000, 1_000]);
  assert.deepEqual(counts(7), [7, 7]);
  assert.deepEqual(counts({ others: 5 }), [1_000, 5]);
});

test('the same seed gives the same API, another seed other records', () => {
  const records = (seed: number) => {
    const [stream = assert.fail()] = modelOf(declare(plain), { seed }).streams;
    return Array.from({ length: 50 }, (_, index) => stream.records.record(index));
  };
  assert.deepEqual(records(1), records(1));
  assert.notDeepEqual(records(1), records(2));
});

test('records changed after the date at which a stream starts, so its first sync lists them all', () => {
  const start = '2025-06-01T00:00:00.000Z';
  const connector = declare((stream) => ({
    items: stream({
      request: ({ window }) => ({ path: '/items', query: { since: window.from.iso } }),
      paging: one(),
      records: (body) => body,
      schema: Item,
      key: 'id',
      since: { field: (item) => item.changed, lookback: '1 day', start },
    }),
  }));
  const [stream = assert.fail()] = modelOf(connector).streams;
  assert.equal(Item.parse(stream.records.record(0)).changed, start);
});
