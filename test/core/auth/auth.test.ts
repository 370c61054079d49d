import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { keepsTokens } from '../../../lib/core/auth/auth-scheme.ts';
import { standIns } from '../../../lib/core/auth/stand-in.ts';
import {
  apiKey,
  authorizationCode,
  bearer,
  ConnectorError,
  clientCredentials,
  exchange,
  oauth1,
  signed,
} from '../../../lib/core/connector/connector.ts';

/** What a connector's file may hold: nobody has checked its types. */
const loosely = (make: (options: never) => unknown, options: unknown): unknown =>
  Reflect.apply(make, undefined, [options]);
const tokenUrl = 'https://a.test/token';
const secret = z.object({ privateKey: z.string() });
const request = () => ({ path: '/token' });
const read = () => ({ token: 't' });

describe('an authorisation that could not work is refused with a sentence', () => {
  const wrong: [name: string, make: () => unknown, sentence: RegExp][] = [
    ['a key nowhere', () => loosely(apiKey, {}), /^apiKey: /],
    ['a header that is none', () => apiKey({ header: 'X Key' }), /"header".*name of a header/],
    ['no token URL', () => loosely(clientCredentials, {}), /"tokenUrl": is missing/],
    ['a token URL that is none', () => clientCredentials({ tokenUrl: 'a.test/token' }), /"tokenUrl": must be a URL/],
    [
      'a lifetime that is none',
      () => loosely(clientCredentials, { tokenUrl, lifetime: '1 h' }),
      /"lifetime": .*1 hour/,
    ],
    ['a misspelt option', () => loosely(clientCredentials, { tokenUrl, scope: 'a' }), /clientCredentials: .*"scope"/],
    [
      'a client that proves nothing',
      () => clientCredentials({ tokenUrl, authenticate: 'none' }),
      /"authenticate" cannot be "none"/,
    ],
    ['no authorize URL', () => loosely(authorizationCode, { tokenUrl, scopes: [] }), /"authorizeUrl"/],
    ['an exchange without a read', () => loosely(exchange, { secret, request }), /"read": is missing/],
    [
      'an unknown algorithm',
      () => loosely(exchange, { secret, request, read, assertion: { alg: 'none', claims: () => ({}) } }),
      /"assertion.alg"/,
    ],
    ['a scheme of two words', () => bearer({ scheme: 'Api Key' }), /bearer: "scheme".*one word/],
    [
      'a token sent nowhere',
      () => loosely(clientCredentials, { tokenUrl, sendAs: {} }),
      /"sendAs".*header or a scheme/,
    ],
    [
      'keys that the secret does not have',
      () => loosely(apiKey, { secret, send: () => ({ headers: { 'x-app': standIns().app } }) }),
      /^apiKey: .*no field "app"/,
    ],
    ['no signature', () => loosely(signed, {}), /^signed: "sign": is missing/],
    ['a signature to come', () => loosely(signed, { sign: async () => ({}) }), /^signed: /],
    ['an unknown method of OAuth 1.0', () => loosely(oauth1, { method: 'RSA-SHA1' }), /^oauth1: "method"/],
  ];
  for (const [name, make, sentence] of wrong) {
    it(name, () => assert.throws(make, (error) => error instanceof ConnectorError && sentence.test(error.message)));
  }
});

it('a secret has the fields that its way of authorising needs', () => {
  const fits = (auth: { secret: z.ZodType }, value: object): boolean => auth.secret.safeParse(value).success;
  const basic = clientCredentials({ tokenUrl });
  assert.ok(fits(basic, { clientId: 'c', clientSecret: 's' }));
  assert.ok(!fits(basic, { clientId: 'c' }));
  const jwt = clientCredentials({ tokenUrl, authenticate: 'private_key_jwt' });
  assert.ok(fits(jwt, { clientId: 'c', privateKey: 'pem' }));
  assert.ok(!fits(jwt, { clientId: 'c', clientSecret: 's' }));
  const open = authorizationCode({ authorizeUrl: 'https://a.test/auth', tokenUrl, authenticate: 'none' });
  assert.ok(fits(open, { clientId: 'c' }));
  assert.ok(fits(signed({ sign: () => ({}) }), { key: 'k' }));
  const numbered = signed({ secret: z.object({ keyId: z.string(), key: z.string() }), sign: () => ({}) });
  assert.ok(!fits(numbered, { key: 'k' }));
  assert.ok(fits(oauth1(), { consumerKey: 'c', consumerSecret: 's' }));
  assert.ok(!fits(oauth1(), { consumerKey: 'c', consumerSecret: 's', token: 't' }));
});

it('what is not said has its default', () => {
  const auth = authorizationCode({ authorizeUrl: 'https://a.test/auth', tokenUrl, consent: '365 days' });
  assert.ok(keepsTokens(auth) && auth.kind === 'authorizationCode');
  assert.equal(auth.authorizeUrl({}), 'https://a.test/auth');
  assert.deepEqual(
    [auth.authenticate, auth.idle, auth.consent, auth.lifetime],
    ['client_secret_basic', 30 * 86_400_000, 365 * 86_400_000, undefined],
  );
  assert.ok(!keepsTokens(apiKey({ header: 'x' })));
});
