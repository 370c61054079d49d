import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import {
  bearer,
  type Connector,
  clientCredentials,
  cursor,
  defineConnector,
  pages,
} from '../../../lib/core/connector/connector.ts';
import { TASK_VERSION } from '../../../lib/core/tasks.ts';
import type { TransportFailure, WireReply } from '../../../lib/pipeline/ports.ts';
import { json, makeWorld, type World } from '../world.ts';

const connectorBy = (auth: Connector['auth']): Connector =>
  defineConnector({
    name: 'rows',
    docs: '',
    params: z.object({}),
    baseUrl: 'https://api.test',
    auth,
    limits: [],
    streams: (stream) => ({
      rows: stream({
        request: ({ page }) => ({ path: '/rows', query: { page: page.number } }),
        paging: pages({ size: 2 }),
        total: (reply) => reply.body.total,
        records: (body) => body.rows,
        schema: z.object({ id: z.number() }),
        key: 'id',
      }),
    }),
  });

const keyed = connectorBy(bearer());
/** One request at a time: the next page is known only when the one before it has come. */
const chained = defineConnector({
  name: 'rows',
  docs: '',
  params: z.object({}),
  baseUrl: 'https://api.test',
  auth: bearer(),
  limits: [],
  streams: (stream) => ({
    rows: stream({
      request: ({ page }) => ({ path: '/rows', query: { page: page.cursor ?? 1 } }),
      paging: cursor({ size: 2, next: (reply) => reply.body.next }),
      records: (body) => body.rows,
      schema: z.object({ id: z.number() }),
      key: 'id',
    }),
  }),
});
const PAGES = 60;
const page = (number: number, of = PAGES): WireReply =>
  json({
    rows: number > of ? [] : [{ id: 2 * number }, { id: 2 * number + 1 }],
    total: 2 * of,
    next: number < of ? String(number + 1) : null,
  });
const NO = json({ message: 'who are you?' }, {}, 401);
const keyOf = (headers: Readonly<Record<string, string>>): string => headers.authorization ?? '';
const statusOf = async (world: World): Promise<Record<string, unknown>> =>
  Object(await world.connections.get({ pk: 'rows', sk: 'main' }));
const pausesOf = (world: World): number =>
  world.log.lines.filter(({ message }) => message === 'connection paused').length;

describe('an API that does not take the key', () => {
  for (const [many, connector, most] of [
    ['the one request under way', chained, 1],
    ['what is under way', keyed, 45],
  ] as const) {
    it(`because it was rotated in the middle of a sync: no page is lost, no failure is recorded; refused is ${many}`, async () => {
      let [right, refused] = ['Bearer one', 0];
      const world = makeWorld({
        connector,
        secret: { token: 'one' },
        api: ({ query, headers }) => {
          if (Number(query.get('page')) === 20 && right === 'Bearer one') {
            right = 'Bearer two';
            world.rotate({ token: 'two' });
          }
          if (keyOf(headers) === right) return page(Number(query.get('page')));
          refused += 1;
          return NO;
        },
      });
      const receipt = await world.sync('rows');
      assert.deepEqual([receipt.verdict, receipt.reasons, receipt.pages.failed], ['COMPLETE', [], 0]);
      assert.equal(receipt.records.delivered, 2 * PAGES);
      assert.ok(refused >= 1 && refused <= most, `${refused} requests were refused`);
      assert.equal(world.failures.next(), undefined);
      assert.equal((await statusOf(world)).status, 'active');
      assert.doesNotMatch(world.everything(), /Bearer|"one"|"two"/);
    });
  }

  it('and never did: the connection is paused before a thousand pages fail, once, and goes on by itself with another key', async () => {
    let [right, requests] = ['', 0];
    const world = makeWorld({
      connector: keyed,
      secret: { token: 'wrong' },
      api: ({ query, headers }) => {
        requests += 1;
        return keyOf(headers) === right ? page(Number(query.get('page')), 1_000) : NO;
      },
      // Somebody mends it two hours later.
      deployed: () => {
        if (right === '' && world.clock.now() > Date.UTC(2026, 10, 22, 14)) {
          right = 'Bearer right';
          world.rotate({ token: 'right' });
        }
        return { connector: keyed, version: TASK_VERSION };
      },
    });
    const receipt = await world.sync('rows');
    assert.deepEqual([receipt.verdict, receipt.reasons], ['COMPLETE', []]);
    assert.equal(receipt.records.delivered, 2_000);
    assert.equal(pausesOf(world), 1);
    assert.ok(requests <= 1_050, `${requests} requests`);
    assert.equal(world.failures.next(), undefined);
  });

  it('for one page alone: that page fails, and the connection goes on', async () => {
    const world = makeWorld({
      connector: keyed,
      api: ({ query }) => (query.get('page') === '7' ? NO : page(Number(query.get('page')))),
    });
    const receipt = await world.sync('rows');
    assert.deepEqual(
      receipt.reasons.map(({ code, pages: at }) => [code, at]),
      [
        ['http-401', [7]],
        ['count', undefined],
      ].slice(0, receipt.reasons.length),
    );
    assert.equal(receipt.records.delivered, 2 * PAGES - 2);
    assert.equal((await statusOf(world)).status, 'active');
  });

  it('any more, though it did: nothing fails, and after a minute in which nothing works the connection is paused', async () => {
    let requests = 0;
    const world = makeWorld({
      connector: keyed,
      api: ({ query }) => {
        requests += 1;
        return requests > 20 ? NO : page(Number(query.get('page')), 1_000);
      },
    });
    const receipt = await world.sync('rows');
    assert.equal(receipt.verdict, 'INCOMPLETE');
    assert.equal(receipt.reasons[0]?.code, 'paused');
    assert.match(receipt.reasons[0]?.message ?? '', /refuses the credential of this connection/);
    assert.equal(pausesOf(world), 1);
    assert.ok(requests < 200, `${requests} requests`);
  });
});

const CLIENT = { clientId: 'me', clientSecret: 'client-S3CR3T-that-nobody-may-see' };
const HUSH = 'token-S3CR3T-that-nobody-may-see';
const good = json({ access_token: HUSH, expires_in: 3_600, token_type: 'Bearer' });

describe('a token endpoint that misbehaves three times: a reason, no crash, no secret, and then the sync', () => {
  const bytes = (text: string) => ({ status: 200, headers: {}, body: new TextEncoder().encode(text) });
  const hostile: [name: string, reply: WireReply | TransportFailure, says: RegExp][] = [
    [
      'an error with status 200',
      json({ error: 'server_error', access_token: HUSH }),
      /with an error inside: server_error/,
    ],
    ['HTML', bytes(`<html>${HUSH}`), /no JSON object/],
    ['no token', json({ note: HUSH, echo: CLIENT }), /there is no "access_token"/],
    ['a token that is no text', json({ access_token: [HUSH] }), /"access_token" is no text/],
    ['a token with a line break', json({ access_token: `${HUSH}\n` }), /"access_token" is no text/],
    ['an expiry in the past', json({ access_token: HUSH, expires_in: -1 }), /"expires_in" is no time to come/],
    ['an expiry beyond all time', json({ access_token: HUSH, expires_in: 1e18 }), /"expires_in" is no time to come/],
    ['500 with the secret', json({ echo: CLIENT.clientSecret }, {}, 500), /HTTP 500/],
    [
      'its own words, which are the secret',
      json({ error: CLIENT.clientSecret }, {}, 400),
      /an error that is no plain word/,
    ],
    ['a hang', { failed: 'timeout', message: `No complete answer within 60000 ms.` }, /no answer \(timeout\)/],
    ['a redirect elsewhere', { ...json({}, { location: `https://evil.test/?${HUSH}` }, 307) }, /it redirects/],
  ];
  for (const [name, reply, says] of hostile) {
    it(name, async () => {
      let asked = 0;
      const world = makeWorld({
        connector: connectorBy(clientCredentials({ tokenUrl: 'https://login.test/token' })),
        secret: CLIENT,
        api: ({ url, query, headers }) => {
          if (!url.startsWith('https://login.test/')) {
            assert.equal(keyOf(headers), `Bearer ${HUSH}`);
            return page(Number(query.get('page')), 5);
          }
          asked += 1;
          return asked <= 3 ? reply : good;
        },
      });
      const receipt = await world.sync('rows');
      assert.deepEqual([receipt.verdict, receipt.reasons], ['COMPLETE', []]);
      assert.equal(asked, 4);
      const reasons = world.log.lines
        .filter(({ message }) => message === 'token request failed')
        .map(({ fields }) => fields.reason);
      assert.equal(reasons.length, 3);
      for (const reason of reasons) assert.match(String(reason), says);
      assert.ok(world.http.requests.every(({ url }) => !url.includes('evil')));
      // The memory's seals hide without a key; what is written otherwise is looked at as it is.
      const seen = world.everything();
      assert.ok(seen.includes('"worked"'));
      for (const secret of [HUSH, CLIENT.clientSecret]) assert.ok(!seen.includes(secret), secret);
    });
  }

  it('a client that it does not know pauses the connection at once', async () => {
    let asked = 0;
    const world = makeWorld({
      connector: connectorBy(clientCredentials({ tokenUrl: 'https://login.test/token' })),
      secret: CLIENT,
      api: () => {
        asked += 1;
        return json({ error: 'invalid_client', error_description: CLIENT.clientSecret }, {}, 401);
      },
    });
    const receipt = await world.sync('rows');
    assert.match(receipt.reasons[0]?.message ?? '', /the token endpoint refuses: invalid_client/);
    assert.deepEqual([asked, pausesOf(world)], [1, 1]);
    assert.doesNotMatch(world.everything(), /S3CR3T/);
  });
});
