import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import {
  ConnectorError,
  cursor,
  defineConnector,
  isConnector,
  none,
  offsets,
  pages,
} from '../../../lib/core/connector/connector.ts';

const base = {
  name: 'shop',
  docs: 'https://docs.test',
  baseUrl: 'https://api.test',
  params: z.object({ org: z.string() }),
  auth: none(),
  limits: [],
};
const row = {
  request: ({ page, params }: { page: { number: number }; params: { org: string } }) => ({
    path: `/${params.org}/rows`,
    query: { page: page.number },
  }),
  paging: pages({ size: 10 }),
  records: (body: { rows: unknown[] }) => body.rows,
  schema: z.object({ id: z.number(), at: z.string() }),
  key: 'id',
} as const;

const define = (connector: object, stream: object = {}) =>
  defineConnector({ ...base, streams: (make) => ({ rows: make({ ...row, ...stream }) }), ...connector });

describe('defineConnector', () => {
  it('gives a connector', () => {
    const connector = define({});
    assert.ok(isConnector(connector));
    assert.equal(connector.schedule('rows'), '1 day');
    assert.equal(connector.baseUrl({ params: {}, grant: undefined }), 'https://api.test');
  });

  const refusals: [string, object, object, RegExp][] = [
    ['a misspelt field', { nmae: 1 }, {}, /"shop".*"nmae"/],
    ['a misspelt field of a stream', {}, { recrods: 1 }, /stream "rows".*"recrods"/],
    ['a field that is missing', { docs: undefined }, {}, /^Connector "shop": "docs": is missing\.$/],
    [
      'a key that its schema drops',
      {},
      { key: ['id', 'ident'] },
      /its key "ident" is no field of its schema, which has: id, at\.$/,
    ],
    [
      'a request that is a promise',
      {},
      { request: async () => ({ path: '/rows' }) },
      /is a promise: it must be the request itself/,
    ],
    ['a request that returns nothing', {}, { request: () => {} }, /its request is nothing: .*needs a "return"/],
    ['a name that cannot name a queue', { name: 'My Shop' }, {}, /"name": must be lower case/],
    ['a base URL that is none', { baseUrl: 'api.test' }, {}, /"baseUrl"/],
    ['no stream', { streams: () => ({}) }, {}, /declares no stream/],
    ['a schedule that is no duration', { schedule: 'often' }, {}, /"schedule": must be a duration/],
    [
      'a request that ignores its page',
      {},
      { request: () => ({ path: '/rows' }) },
      /ignores "page".*"number":1.*"number":2/,
    ],
    [
      'a request that ignores its cursor',
      {},
      { paging: cursor({ size: 10, next: () => null }), request: () => ({ path: '/rows' }) },
      /ignores "page"/,
    ],
    [
      'a request that ignores the window it declares',
      {},
      { since: { field: (record: { at: string }) => record.at, lookback: '1 minute' } },
      /declares "since", but its request ignores "window"/,
    ],
    ['offsets that cannot overlap', {}, { paging: offsets({ size: 1 }) }, /page size is 1.*from 2/],
    [
      'a limit of nothing',
      { limits: [{ requests: 0, per: '1 second' }] },
      {},
      /limits: "0.requests": must be at least 1\.$/,
    ],
    ['an error rule without a reason', { errors: [{ when: () => true, is: 'retry' }] }, {}, /"errors.0.because"/],
    [
      'an outcome that is none',
      { errors: [{ when: () => true, is: 'fine', because: 'x' }] },
      {},
      /"errors.0.is": Invalid option/,
    ],
    [
      'a wait that nobody waits for',
      { errors: [{ when: () => true, is: 'failure', wait: '1 minute', because: 'x' }] },
      {},
      /"errors.0.wait": has no meaning here/,
    ],
    ['a "since" without a lookback', {}, { since: { field: () => '' } }, /"since\.lookback": is missing/],
    [
      'a "since" by two things',
      {},
      { since: { number: () => 1, token: () => '' } },
      /"since": must have one of "field" \(a date\), "number" and "token"/,
    ],
    [
      'a zone of numbers',
      {},
      { since: { number: () => 1, zone: 'UTC' } },
      /"since": must have "lookback", "start" and "zone" only with "field"/,
    ],
    ['a number that is not asked from', {}, { since: { number: () => 1 } }, /its request ignores "window\.number"/],
    ['a token of numbered pages', {}, { since: { token: () => '' } }, /by token with numbered pages/],
    [
      'slices of numbers',
      {},
      {
        since: { number: () => 1 },
        slices: { width: '1 day', least: '1 second' },
        request: ({ page, window }: { page: { number: number }; window: { number?: number } }) => ({
          path: '/rows',
          query: { page: page.number, after: window.number },
        }),
      },
      /declares "slices" without "since" by a date/,
    ],
    ['slices of nothing', {}, { slices: { width: '1 day', least: '1 second' } }, /declares "slices" without "since"/],
    [
      'a parent that is no stream',
      {},
      {
        each: { of: 'x', pick: () => 1 },
        request: ({ page, parent }: { page: { number: number }; parent: number }) => ({
          path: `/rows/${parent}`,
          query: { page: page.number },
        }),
      },
      /"each.of": there is no stream "x"/,
    ],
    [
      'a stream that is its own parent',
      {},
      {
        each: { of: 'rows', pick: () => 1 },
        request: ({ page, parent }: { page: { number: number }; parent: number }) => ({
          path: `/rows/${parent}`,
          query: { page: page.number },
        }),
      },
      /"rows" is its own parent/,
    ],
    ['parents that the request ignores', {}, { each: { of: 'rows', pick: () => 1 } }, /request ignores "parent"/],
  ];
  for (const [what, connector, stream, message] of refusals) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => define(connector, stream),
        (error: unknown) => {
          assert.ok(error instanceof ConnectorError);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  it('does not judge a request that needs real parameters', () => {
    assert.ok(
      define(
        {},
        {
          request: ({ page, params }: { page: { number: number }; params: { json: string } }) => ({
            path: JSON.parse(params.json),
            query: { p: page.number },
          }),
        },
      ),
    );
  });
});

it('a parent may be an object, of which the request writes a field', () => {
  const orders = {
    ...row,
    each: { of: 'rows', pick: ({ id, at }: { id: number; at: string }) => ({ id, at }) },
    request: ({ parent, page }: { parent: { id: number }; page: { number: number } }) => ({
      path: `/rows/${parent.id}`,
      query: { page: page.number },
    }),
  };
  assert.ok(defineConnector({ ...base, streams: (make) => ({ rows: make(row), orders: make(orders) }) }));
});

it('what a stranger exports is no connector', () => {
  for (const value of [undefined, null, 1, {}, [], { name: 'x', streams: {} }]) assert.ok(!isConnector(value));
});
