import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import {
  type ConnectorSpec,
  cursor,
  defineConnector,
  links,
  none,
  one,
  type Stream,
} from '../../../lib/core/connector/connector.ts';
import { jsonLines } from '../../../lib/readers/index.ts';
import { type Api, json, makeWorld } from '../world.ts';

const params = z.object({});
type Spec = ConnectorSpec<typeof params, undefined, Record<string, Stream>>;
const declare = (streams: Spec['streams'], more: Partial<Spec> = {}) =>
  defineConnector({
    ...{ name: 'test', docs: 'none', baseUrl: 'http://api.test', params, auth: none(), limits: [], streams, ...more },
  });
const Row = z.object({ id: z.int() });

describe('what a connector is given', () => {
  it('a next page may be computed from the page that was asked for', async () => {
    const connector = declare((stream) => ({
      rows: stream({
        request: ({ page }) => ({ path: '/rows', query: { from: page.cursor ?? '0' } }),
        paging: cursor({
          size: 10,
          next: ({ body }, { page }) =>
            body.length < page.size ? undefined : String(Number(page.cursor ?? 0) + page.size),
        }),
        records: (body, { page }) => body.map((id: number) => ({ id: id + Number(page.cursor ?? 0) })),
        schema: Row,
        key: 'id',
      }),
    }));
    const api: Api = ({ query }) =>
      json(Array.from({ length: Math.min(10, 25 - Number(query.get('from'))) }, (_, id) => id));
    const world = makeWorld({ connector, api });
    const receipt = await world.sync('rows');
    assert.deepEqual([receipt.verdict, receipt.records.delivered], ['COMPLETE', 25]);
  });

  it('a parent for which null is picked has no children, and its listing is complete', async () => {
    const connector = declare((stream) => ({
      orders: stream({
        request: () => ({ path: '/orders' }),
        paging: one(),
        records: (b) => b,
        schema: z.looseObject(Row.shape),
        key: 'id',
      }),
      lines: stream({
        each: { of: 'orders', pick: (order) => (order.more ? String(order.id) : null) },
        request: ({ parent }) => ({ path: `/orders/${parent}/lines` }),
        paging: one(),
        records: (b) => b,
        schema: Row,
        key: 'id',
      }),
    }));
    const asked: string[] = [];
    const api: Api = ({ path }) => {
      asked.push(path);
      return path === '/orders' ? json([{ id: 1 }, { id: 2, more: true }, { id: 3 }]) : json([{ id: 7 }]);
    };
    const receipt = await makeWorld({ connector, api }).sync('lines');
    assert.deepEqual([receipt.verdict, receipt.records.delivered], ['COMPLETE', 1]);
    assert.deepEqual(asked, ['/orders', '/orders/2/lines']);
  });

  it('records are read by the stream’s reader, and a day without any has no body', async () => {
    for (const [text, count] of [
      ['{"id":1}\n{"id":2}\n', 2],
      ['', 0],
    ] as const) {
      const connector = declare((stream) => ({
        rows: stream({
          request: () => ({ path: '/' }),
          paging: one(),
          read: jsonLines(),
          records: (b) => b,
          schema: Row,
          key: 'id',
        }),
      }));
      const api: Api = () => ({ status: 200, headers: {}, body: new TextEncoder().encode(text) });
      const receipt = await makeWorld({ connector, api }).sync('rows');
      assert.deepEqual([receipt.verdict, receipt.records.delivered], ['COMPLETE', count]);
    }
  });
});

describe('an API’s own words', () => {
  const plain: Spec['streams'] = (stream) => ({
    rows: stream({
      request: ({ page }) => ({ path: '/rows', query: { page: page.cursor } }),
      paging: cursor({ size: 1, next: (reply) => reply.body.next }),
      records: (body) => body.rows,
      schema: Row,
      key: 'id',
    }),
  });

  it('an answer that a rule takes for a page is noted in the receipt, with how often it came', async () => {
    const connector = declare(plain, {
      errors: [{ when: (reply) => reply.body.error?.code === 'ok', is: 'page', because: 'every success has an error' }],
    });
    const api: Api = ({ query }) =>
      json({
        error: { code: 'ok' },
        rows: [{ id: Number(query.get('page') ?? 1) }],
        next: query.has('page') ? null : '2',
      });
    const receipt = await makeWorld({ connector, api }).sync('rows');
    assert.equal(receipt.verdict, 'COMPLETE');
    assert.deepEqual(receipt.notes, [{ message: 'HTTP 200: every success has an error', pages: 2 }]);
  });

  const refusing = async (more: Partial<Spec>, refusal: ReturnType<typeof json>): Promise<number> => {
    const times: number[] = [];
    const world = makeWorld({
      connector: declare(plain, more),
      api: () => {
        times.push(world.clock.now());
        return times.length === 1 ? refusal : json({ rows: [{ id: 1 }], next: null });
      },
    });
    const receipt = await world.sync('rows');
    assert.deepEqual([receipt.verdict, times.length], ['COMPLETE', 2]);
    return Math.round(((times[1] ?? 0) - (times[0] ?? 0)) / 1_000);
  };
  const limited = json({ retry: 42 }, {}, 400);

  it('how long to wait is read from a refusal by the rule’s function, or by learn', async () => {
    const rule = {
      when: (reply: { status: number }) => reply.status === 400,
      is: 'throttled',
      because: 'a limit',
    } as const;
    assert.equal(await refusing({ errors: [{ ...rule, wait: (reply) => reply.body.retry * 1_000 }] }, limited), 42);
    const learn: Spec['learn'] = (reply) =>
      reply.body.retry === undefined ? undefined : { left: 0, resetsAt: String(reply.body.retry) };
    assert.equal(await refusing({ errors: [rule], learn }, limited), 42);
  });

  it('advice is followed no longer than the connector’s patience', async () => {
    const long = json({}, { 'retry-after': '7200' }, 429);
    assert.ok((await refusing({}, long)) >= 7_200);
    const shorter = await refusing({ patience: '10 minutes' }, long);
    assert.ok(shorter >= 600 && shorter < 1_200, `${shorter} s`);
  });

  it('one answer may take as long, and be as large, as its stream says', async () => {
    const sent: { deadline: number; bound: number }[] = [];
    const connector = declare((stream) => ({ rows: { ...(plain(stream).rows ?? assert.fail()), largest: 5_000 } }), {
      timeout: '45 seconds',
      largest: 1_000,
    });
    const world = makeWorld({ connector, api: () => json({ rows: [], next: null }) });
    const { send } = world.http;
    world.http.send = (request, limits) => {
      sent.push(limits);
      return send(request, limits);
    };
    await world.sync('rows');
    assert.deepEqual(sent, [{ deadline: 45_000, bound: 5_000 }]);
  });
});

describe('an API that lists the newest change first and knows no filter', () => {
  const Dated = z.object({ id: z.int(), at: z.iso.datetime() });
  const connector = declare((stream) => ({
    rows: stream({
      request: () => ({ path: '/rows', query: { sort: 'newest' } }),
      paging: links({ size: 10 }),
      order: 'newest first',
      records: (body) => body.rows,
      total: (reply) => reply.body.total,
      schema: Dated,
      key: 'id',
      since: { field: (row) => row.at, lookback: '1 hour' },
    }),
  }));
  const DAY = 86_400_000;

  it('is read to its end once, then to the first page that lies wholly before the window', async () => {
    let rows = Array.from({ length: 95 }, (_, id) => ({
      id,
      at: new Date(Date.UTC(2026, 10, 20) - id * DAY).toISOString(),
    }));
    const api: Api = ({ query, url }) => {
      const from = Number(query.get('from') ?? 0);
      const next = new URL(url);
      next.searchParams.set('from', String(from + 10));
      const link = from + 10 < rows.length ? { link: `<${next}>; rel="next"` } : {};
      return json({ rows: rows.slice(from, from + 10), total: rows.length }, link);
    };
    const world = makeWorld({ connector, api });
    const first = await world.sync('rows');
    assert.deepEqual([first.verdict, first.mode, first.pages.fetched], ['COMPLETE', 'full', 10]);
    const changed = { id: 50, at: new Date(world.clock.now()).toISOString() };
    rows = [changed, ...rows.filter(({ id }) => id !== 50)];
    const second = await world.sync('rows');
    assert.deepEqual([second.verdict, second.mode, second.pages.fetched], ['COMPLETE', 'incremental', 2]);
  });

  it('and by numbered pages, or in another order, is refused with what helps', () => {
    const ignoring = { path: '/rows' };
    assert.throws(
      () =>
        declare((stream) => ({
          rows: stream({
            ...{
              request: () => ignoring,
              paging: links({ size: 10 }),
              records: (body) => body,
              schema: Dated,
              key: 'id',
            },
            since: { field: (row) => row.at, lookback: '1 hour' },
          }),
        })),
      /ignores "window".*order: 'newest first'/,
    );
  });
});
