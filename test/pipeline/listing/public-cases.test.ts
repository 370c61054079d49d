import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import {
  apiKey,
  bearer,
  type ConnectorSpec,
  clientCredentials,
  cursor,
  defineConnector,
  exchange,
  job,
  keyset,
  links,
  none,
  one,
  type Stream,
} from '../../../lib/core/connector/connector.ts';
import { MINUTE } from '../../../lib/core/time.ts';
import { csv, jsonLines } from '../../../lib/readers/index.ts';
import { type Api, json, makeWorld } from '../world.ts';

/** What people reported of APIs in public, and how a connector says it: each of them ends COMPLETE. */

const params = z.object({});
type Spec = ConnectorSpec<typeof params, undefined, Record<string, Stream>>;
const declare = (streams: Spec['streams'], more: Partial<Spec> = {}) =>
  defineConnector({
    ...{ name: 'test', docs: 'none', baseUrl: 'https://api.test', params, auth: none(), limits: [], streams, ...more },
  });
const Row = z.looseObject({ id: z.union([z.int(), z.bigint(), z.string()]) });
const listed = { records: (body: { rows: unknown[] }) => body.rows, schema: Row, key: 'id' } as const;
const idsIn = (records: readonly unknown[]): unknown[] => records.map((record) => Reflect.get(Object(record), 'id'));
const reply = (body: string, headers: Record<string, string> = {}, status = 200) => ({
  ...{ status, headers, body: new TextEncoder().encode(body) },
});

describe('authorization', () => {
  const rows = (stream: Parameters<Spec['streams']>[0]) => ({
    rows: stream({ ...listed, request: () => ({ path: '/rows' }), paging: one() }),
  });

  it('a token after another word than Bearer', async () => {
    const connector = declare(rows, {
      auth: clientCredentials({ tokenUrl: 'https://api.test/token', sendAs: { scheme: 'Zoho-oauthtoken' } }),
    });
    const api: Api = ({ path, headers }) => {
      if (path === '/token') return json({ access_token: 'at1', expires_in: 3_600, token_type: 'Bearer' });
      return headers.authorization === 'Zoho-oauthtoken at1' ? json({ rows: [{ id: 1 }] }) : json({}, {}, 401);
    };
    const secret = { clientId: 'a', clientSecret: 'b' };
    const receipt = await makeWorld({ connector, api, secret, budget: 5 * MINUTE }).sync('rows');
    assert.deepEqual([receipt.verdict, receipt.records.delivered], ['COMPLETE', 1]);
  });

  it('two keys in two headers, both secret', async () => {
    const connector = declare(rows, {
      auth: apiKey({
        secret: z.object({ key: z.string(), application: z.string() }),
        send: ({ key, application }) => ({ headers: { 'DD-API-KEY': key, 'DD-APPLICATION-KEY': application } }),
      }),
    });
    const api: Api = ({ headers }) =>
      headers['dd-api-key'] === 'KEY-A' && headers['dd-application-key'] === 'KEY-B'
        ? json({ rows: [{ id: 1 }] })
        : json({ errors: ['Forbidden'] }, {}, 403);
    const world = makeWorld({ connector, api, secret: { key: 'KEY-A', application: 'KEY-B' } });
    assert.equal((await world.sync('rows')).verdict, 'COMPLETE');
    assert.doesNotMatch(world.everything(), /KEY-[AB]/);
  });

  it('a session by cookie, whose end is a redirect to a page for people', async () => {
    let sessions = 0;
    let pages = 0;
    const connector = declare(
      (stream) => ({
        rows: stream({
          ...listed,
          request: ({ page }) => ({ path: '/rows', query: { page: page.cursor } }),
          paging: cursor({ size: 1, next: (answer) => answer.body.next }),
        }),
      }),
      {
        auth: exchange({
          secret: z.object({ user: z.string(), password: z.string() }),
          request: ({ secret }) => ({ method: 'POST', path: 'https://api.test/session', json: secret }),
          read: (answer) => ({ token: /sid=\w+/.exec(answer.header('set-cookie') ?? '')?.[0] ?? '' }),
          sendAs: { header: 'cookie' },
        }),
        errors: [{ when: (answer) => answer.status === 302, is: 'reauthorise', because: 'the session is over' }],
      },
    );
    const api: Api = ({ path, headers, query }) => {
      if (path === '/session') {
        sessions += 1;
        return json({}, { 'set-cookie': `sid=s${sessions}; Path=/` });
      }
      if (headers.cookie !== `sid=s${sessions}` || (pages === 3 && sessions === 1))
        return reply('', { location: '/login' }, 302);
      pages += 1;
      const page = Number(query.get('page') ?? 1);
      return json({ rows: [{ id: page }], next: page < 6 ? String(page + 1) : null });
    };
    const world = makeWorld({ connector, api, secret: { user: 'u', password: 'p' }, budget: 5 * MINUTE });
    const receipt = await world.sync('rows');
    assert.deepEqual([receipt.verdict, receipt.records.delivered], ['COMPLETE', 6], JSON.stringify(receipt.reasons));
    assert.equal(sessions, 2);
  });
});

describe('what is new', () => {
  it('a token of the last page begins the next sync', async () => {
    const connector = declare((stream) => ({
      users: stream({
        request: ({ window }) => ({ path: '/users/delta', query: { deltatoken: window.token } }),
        paging: links({ size: 20, next: (answer) => answer.body['@odata.nextLink'] }),
        since: {
          token: (answer) => new URL(answer.body['@odata.deltaLink']).searchParams.get('deltatoken'),
        },
        ...{ records: (body) => body.value, schema: Row, key: 'id' },
      }),
    }));
    const api: Api = ({ query }) => {
      const link = (name: string, value: string) => `https://api.test/users/delta?${name}=${value}`;
      if (query.get('deltatoken') === 'a')
        return json({ value: [{ id: '3' }], '@odata.deltaLink': link('deltatoken', 'b') });
      const at = Number(query.get('skiptoken') ?? 0);
      const value = Array.from({ length: 20 }, (_, id) => ({ id: String(at + id) }));
      return json({
        value,
        ...(at < 40
          ? { '@odata.nextLink': link('skiptoken', String(at + 20)) }
          : { '@odata.deltaLink': link('deltatoken', 'a') }),
      });
    };
    const world = makeWorld({ connector, api });
    const first = await world.sync('users');
    const second = await world.sync('users');
    assert.deepEqual([first.verdict, first.mode, first.records.delivered], ['COMPLETE', 'full', 60]);
    assert.deepEqual([second.verdict, second.mode, second.records.delivered], ['COMPLETE', 'incremental', 1]);
  });

  it('a token that every page gives is no sign of the last one', async () => {
    const connector = declare((stream) => ({
      entries: stream({
        ...listed,
        request: ({ page, window }) => ({ path: '/entries', query: { cursor: page.cursor ?? window.token } }),
        paging: cursor({ size: 2, next: (answer) => answer.body.next }),
        since: { token: (answer) => answer.body.position },
      }),
    }));
    const api: Api = ({ query }) => {
      const at = Number(query.get('cursor') ?? 0);
      return json({
        rows: [{ id: at }, { id: at + 1 }],
        position: String(at + 2),
        // What leads on from the second page is forgotten.
        ...(at === 0 ? { next: '2' } : {}),
      });
    };
    const receipt = await makeWorld({ connector, api }).sync('entries');
    assert.deepEqual([receipt.verdict, receipt.reasons[0]?.code], ['UNKNOWN', 'end-inferred']);
  });

  it('nothing, by a 304', async () => {
    const connector = declare((stream) => ({
      rows: stream({
        ...{ ...listed, paging: one() },
        request: ({ window }) => ({
          path: '/rows',
          headers: { 'if-modified-since': new Date(window.from.millis).toUTCString() },
        }),
        since: { field: (row) => String(Reflect.get(row, 'changed')), lookback: '5 minutes' },
      }),
    }));
    let asked = 0;
    const api: Api = () => {
      asked += 1;
      return asked === 1 ? json({ rows: [{ id: 1, changed: '2026-11-20T00:00:00Z' }] }) : reply('', {}, 304);
    };
    const world = makeWorld({ connector, api });
    assert.equal((await world.sync('rows')).verdict, 'COMPLETE');
    const second = await world.sync('rows');
    assert.deepEqual([second.verdict, second.records.delivered], ['COMPLETE', 0], JSON.stringify(second.reasons));
  });
});

describe('bodies', () => {
  it('every success has an error whose code is "ok"', async () => {
    const connector = declare(
      (stream) => ({
        videos: stream({
          request: ({ page }) => ({ path: '/list', method: 'POST', json: { cursor: page.cursor } }),
          paging: cursor({
            size: 20,
            next: ({ body: { data } }) => (data.has_more ? String(data.cursor) : null),
          }),
          ...{ records: (body) => body.data.videos, schema: Row, key: 'id' },
        }),
      }),
      { errors: [{ when: (answer) => answer.body?.error?.code === 'ok', is: 'page', because: 'that is no error' }] },
    );
    const api: Api = ({ body = '{}' }) => {
      const at = Number(JSON.parse(body).cursor ?? 0);
      const videos = Array.from({ length: Math.min(20, 45 - at) }, (_, id) => ({ id: String(at + id) }));
      return json({ data: { videos, cursor: at + 20, has_more: at + 20 < 45 }, error: { code: 'ok', message: '' } });
    };
    const receipt = await makeWorld({ connector, api }).sync('videos');
    assert.deepEqual([receipt.verdict, receipt.records.delivered], ['COMPLETE', 45], JSON.stringify(receipt.reasons));
    assert.equal(receipt.notes?.length, 1);
  });

  it('one JSON value a line; a day without any has no body', async () => {
    const events = (query: Record<string, number>) => (stream: Parameters<Spec['streams']>[0]) => ({
      events: stream({
        ...{ request: () => ({ path: '/export', query }), paging: one(), read: jsonLines() },
        ...{ records: (lines: unknown[]) => lines, schema: Row, key: 'id' },
      }),
    });
    const api: Api = ({ query }) => reply(query.has('empty') ? '' : '{"id":1}\n{"id":2}\n');
    for (const [query, count] of [
      [{}, 2],
      [{ empty: 1 }, 0],
    ] as const) {
      const receipt = await makeWorld({ connector: declare(events(query)), api }).sync('events');
      assert.deepEqual([receipt.verdict, receipt.records.delivered], ['COMPLETE', count]);
    }
  });

  it('null at the end is no list; with `?? []` it is an end', async () => {
    const users = (records: (body: { users: unknown[] }) => unknown[]) =>
      declare((stream) => ({
        users: stream({
          request: ({ page }) => ({ path: '/users', query: { token: page.cursor } }),
          paging: cursor({ size: 10, next: (answer) => answer.body.next_token, sparse: true }),
          ...{ records, schema: Row, key: 'id' },
        }),
      }));
    const api: Api = ({ query }) =>
      json(query.has('token') ? { users: null, next_token: null } : { users: [{ id: 1 }], next_token: '10' });
    const strict = await makeWorld({ connector: users((body) => body.users), api }).sync('users');
    assert.match(strict.reasons[0]?.message ?? '', /there is null, not a list: .*`\?\? \[\]`/);
    const mended = await makeWorld({ connector: users((body) => body.users ?? []), api }).sync('users');
    assert.deepEqual([mended.verdict, mended.records.delivered], ['COMPLETE', 1], JSON.stringify(mended.reasons));
  });
});

describe('pages', () => {
  it('cursors come back as they were given, whatever stands in them', async () => {
    const cursors = ['a+b/c==', "x=1&y=#é %20~'()*", '{"k":[1,"ß"]}', '  spaces  '];
    const connector = declare((stream) => ({
      rows: stream({
        ...listed,
        request: ({ page }) => ({ path: '/rows', query: { cursor: page.cursor } }),
        paging: cursor({ size: 1, next: (answer) => answer.body.next }),
      }),
    }));
    const api: Api = ({ query }) => {
      const at = cursors.indexOf(query.get('cursor') ?? '') + 1;
      return json({ rows: [{ id: at }], next: cursors[at] ?? null });
    };
    const receipt = await makeWorld({ connector, api }).sync('rows');
    assert.deepEqual([receipt.verdict, receipt.records.delivered], ['COMPLETE', 5], JSON.stringify(receipt.reasons));
  });

  it('a keyset by ids beyond 2^53, and children by such an id', async () => {
    const ids = Array.from({ length: 30 }, (_, at) => String(9_223_372_036_854_770_000n + BigInt(at * 7)));
    const connector = declare((stream) => ({
      messages: stream({
        request: ({ page }) => ({ path: '/m', query: { after: page.after } }),
        paging: keyset({ size: 10, after: (last) => last.id, more: (answer) => answer.body.more }),
        ...{ ...listed, order: 'by key' },
      }),
      reactions: stream({
        each: { of: 'messages', pick: (message) => message.id },
        request: ({ parent }) => ({ path: `/m/${parent}/r` }),
        ...{ paging: one(), records: (body) => body, schema: Row, key: 'id' },
      }),
    }));
    const api: Api = ({ path, query }) => {
      const [, of] = /^\/m\/(\d+)\/r$/.exec(path) ?? [];
      if (of !== undefined) return reply(ids.includes(of) ? `[{"id":${of}1}]` : '{}', {}, ids.includes(of) ? 200 : 404);
      const rest = ids.slice(ids.indexOf(query.get('after') ?? '') + 1);
      const rows = rest.slice(0, 10).map((id) => `{"id":${id}}`);
      return reply(`{"rows":[${rows}],"more":${rest.length > 10}}`);
    };
    const world = makeWorld({ connector, api });
    const receipt = await world.sync('reactions');
    assert.deepEqual([receipt.verdict, receipt.records.delivered], ['COMPLETE', 30], JSON.stringify(receipt.reasons));
    assert.ok(idsIn(world.delivered(receipt)).length === 30);
  });
});

describe('reports', () => {
  /** A report is made by 202, asked for, and lies with somebody else: by its URL, or after a redirect. */
  const reports = (isRedirected: boolean) =>
    declare(
      (stream) => ({
        orders: stream({
          request: ({ page }) =>
            page.job === undefined
              ? { path: '/reports', method: 'POST', json: { reportType: 'ORDERS' } }
              : { path: `/reports/${page.job}` },
          paging: job({
            start: (answer) => answer.body.reportId,
            ready: (answer) => answer.body.processingStatus === 'DONE',
            files: (answer) => [isRedirected ? '/file' : answer.body.url],
          }),
          ...{ read: csv({ columns: ['order-id'], delimiter: '\t' }), records: (rows) => rows },
          ...{ schema: z.object({ 'order-id': z.string(), amount: z.string() }), key: 'order-id' },
        }),
      }),
      { auth: bearer() },
    );

  for (const isRedirected of [false, true])
    it(`are made, waited for, and fetched elsewhere${isRedirected ? ', after a redirect' : ''}`, async () => {
      let polls = 0;
      const api: Api = ({ url, path, method, headers }) => {
        if (url.startsWith('https://files.test/')) {
          assert.equal(headers.authorization, undefined);
          return reply('order-id\tamount\n1\t10\n2\t20\n');
        }
        assert.equal(headers.authorization, 'Bearer t');
        if (method === 'POST') return json({ reportId: '1' }, {}, 202);
        if (path === '/file') return reply('', { location: 'https://files.test/1?sig=abc' }, 302);
        polls += 1;
        if (polls < 3) return json({ processingStatus: 'IN_PROGRESS' });
        return json({ processingStatus: 'DONE', url: 'https://files.test/1?sig=abc' });
      };
      const world = makeWorld({ connector: reports(isRedirected), api });
      const receipt = await world.sync('orders');
      assert.deepEqual([receipt.verdict, receipt.records.delivered], ['COMPLETE', 2], JSON.stringify(receipt.reasons));
      assert.equal(receipt.requests.retried, 0);
    });
});
