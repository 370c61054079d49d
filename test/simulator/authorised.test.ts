import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import {
  type Auth,
  apiKey,
  authorizationCode,
  basic,
  bearer,
  type Connector,
  clientCredentials,
  cursor,
  defineConnector,
  exchange,
  oauth1,
  type Raw,
  signed,
} from '../../lib/core/connector/connector.ts';
import { HOUR, MINUTE } from '../../lib/core/time.ts';
import { modelOf } from '../../lib/simulator/model.ts';
import { makeWorld } from '../pipeline/world.ts';
import { consent, simulatedWorld, wired } from './wired.ts';

/** Every way to be authorised, by a client that is the whole pipeline. */

const RECORDS = 345;
const TOKEN_URL = 'https://login.test/oauth/token';
const Params = z.object({ tenant: z.string() });

/** `at`: where the base URL leads, if the grant says so. */
const connector = (auth: Auth<Raw, Raw>, at?: (grant: Raw) => string): Connector =>
  defineConnector({
    name: 'guarded',
    docs: 'here',
    params: Params,
    baseUrl: at === undefined ? 'https://api.test/v2' : ({ grant }) => at(grant),
    auth,
    limits: [],
    streams: (stream) => ({
      rows: stream({
        request: ({ page }) => ({ method: 'POST', path: '/rows', json: { size: page.size, after: page.cursor } }),
        paging: cursor({ size: 100, next: (reply) => reply.body.next }),
        records: (body) => body.rows,
        schema: z.object({ id: z.string() }),
        key: 'id',
      }),
    }),
  });

const instance = z.object({ instance_url: z.url() });
const login = exchange<Raw>({
  secret: z.object({ user: z.string(), password: z.string() }),
  request: ({ secret, params }) => ({
    method: 'POST',
    path: '/login',
    json: { tenant: params.tenant, user: secret.user, password: secret.password },
  }),
  read: (reply) => ({ token: reply.body.session.id, expiresIn: reply.body.session.ttl }),
});
const code = { authorizeUrl: 'https://login.test/authorize', tokenUrl: TOKEN_URL, scopes: ['read'] };

const CASES: Readonly<Record<string, Connector>> = {
  'a bearer token': connector(bearer()),
  'a password': connector(basic()),
  'a key in a header': connector(apiKey({ header: 'X-Key' })),
  'a key in the query': connector(apiKey({ query: 'api_key' })),
  'two keys, one in a header and one in the query': connector(
    apiKey({
      secret: z.object({ app: z.string(), token: z.string() }),
      send: ({ app, token }) => ({ headers: { 'x-app': app }, query: { token } }),
    }),
  ),
  'a word of its own before the token': connector(bearer({ scheme: 'Token' })),
  'OAuth 1.0': connector(oauth1({ method: 'HMAC-SHA256' })),
  'a signature over method, path and date': connector(
    signed({
      sign: ({ method, path }, { hmac, time, secret }) => ({
        headers: {
          date: time.http,
          'x-signature': hmac('sha256', secret.key, `${method}\n${path}\n${time.http}`, 'hex'),
        },
      }),
    }),
  ),
  'a signature in the query, over the body, with a nonce and a date in seconds': connector(
    signed({
      secret: z.object({ id: z.string(), key: z.string() }),
      sign: ({ url, body }, { hmac, digest, time, nonce, secret }) => {
        const signature = hmac(
          'sha512',
          secret.key,
          [time.seconds + nonce, url, digest('sha256', body, 'hex')],
          'base64',
        );
        return { query: { id: secret.id, at: time.seconds, nonce, signature } };
      },
    }),
  ),
  'client credentials': connector(clientCredentials({ tokenUrl: TOKEN_URL })),
  'client credentials, and a word of its own before the token': connector(
    clientCredentials({ tokenUrl: TOKEN_URL, sendAs: { scheme: 'Zoho-oauthtoken' } }),
  ),
  'client credentials in the body, a token in a header of its own, and a base URL that comes with it': connector(
    clientCredentials({
      ...{ tokenUrl: (params: Raw) => `https://${params.tenant}.test/token`, authenticate: 'client_secret_post' },
      ...{ lifetime: '1 hour', sendAs: { header: 'X-Access-Token' }, grant: instance },
    }),
    (grant) => `${grant.instance_url}/services`,
  ),
  'a client that signs its assertion': connector(
    clientCredentials({ tokenUrl: TOKEN_URL, authenticate: 'private_key_jwt', alg: 'ES256' }),
  ),
  'a login': connector(login),
  'an assertion for a token that says when it ends': connector(
    exchange({
      secret: z.object({ privateKey: z.string(), app: z.string() }),
      assertion: { alg: 'RS256', claims: (_, now) => ({ iat: now - 60, exp: now + 540 }) },
      request: ({ assertion }) => ({
        ...{ method: 'POST', path: '/app/tokens' },
        headers: { authorization: `Bearer ${assertion}` },
      }),
      read: (reply) => ({ token: reply.body.token, expiresAt: reply.body.expires_at }),
    }),
  ),
  'a consent': connector(authorizationCode(code)),
  'a consent, and a place that is found out with it': connector(
    authorizationCode({
      ...{ ...code, authenticate: 'none' },
      discover: {
        request: { path: 'https://api.test/oauth/resources' },
        read: (reply, params: Raw) => ({
          cloud: String(reply.body.find((one: Raw) => one.name === params.tenant).cloud.id),
        }),
      },
    }),
    (grant) => `https://api.test/ex/${grant.cloud}`,
  ),
};

describe('the simulator lets in whoever comes with', () => {
  for (const [title, guarded] of Object.entries(CASES)) {
    it(title, async () => {
      const model = modelOf(guarded, { records: RECORDS });
      const { world, statuses } = simulatedWorld(model);
      const { auth } = guarded;
      if (auth.kind === 'authorizationCode') await consent(world, Params.parse(model.client.params));
      for (const mode of ['first', 'an hour and a half later'] as const) {
        if (mode !== 'first') world.clock.advance(1.5 * HOUR);
        const receipt = await world.sync('rows');
        assert.deepEqual([receipt.verdict, receipt.records.delivered], ['COMPLETE', RECORDS], mode);
      }
      // Tokens are renewed in time: nothing is ever refused.
      assert.deepEqual(
        statuses.filter((status) => status >= 400),
        [],
      );
    });
  }
});

describe('the simulator refuses', () => {
  for (const [title, guarded] of Object.entries(CASES)) {
    const { kind } = guarded.auth;
    if (kind === 'authorizationCode') continue;
    it(`${title}, of somebody else`, async () => {
      const model = modelOf(guarded, { records: RECORDS });
      const { secret: stranger } = modelOf(guarded, { seed: 2 }).client;
      const { params } = model.client;
      const world = makeWorld({
        ...{ connector: guarded, params: Params.parse(params), secret: stranger, budget: 5 * MINUTE },
        api: wired(model, () => Date.UTC(2026, 10, 22, 12)),
      });
      const receipt = await world.sync('rows');
      assert.deepEqual([receipt.verdict, receipt.records.delivered], ['INCOMPLETE', 0]);
      const item = await world.connections.get({ pk: 'guarded', sk: 'main' });
      assert.equal(item?.status, 'paused');
    });
  }
});
