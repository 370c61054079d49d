import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as z from 'zod';
import { authorise, parseSecret, withoutKey } from '../../../lib/core/auth/authorise.ts';
import { apiKey, basic, bearer, clientCredentials, none } from '../../../lib/core/connector/connector.ts';
import { buildRequest } from '../../../lib/core/connector/request.ts';
import { kinds } from '../../pipeline/kinds.ts';

const connector = { ...kinds.cursor.connector, headers: { 'X-Version': '7' } };
const signing = { now: 0, nonce: '', digest: () => '', hmac: () => '' };
const build = (base: string, request: Parameters<typeof buildRequest>[2], url?: string) =>
  buildRequest(connector, base, request, url);

it('a request is built onto the base URL, whose own path is kept', () => {
  assert.equal(build('https://a.test/v1/', { path: '/rows' }).url, 'https://a.test/v1/rows');
  assert.equal(build('https://a.test', { path: 'rows' }).url, 'https://a.test/rows');
  const query = { page: 2, on: true, none: undefined, tag: ['a b', 'c&d'] };
  assert.equal(
    build('https://a.test', { path: '/rows', query }).url,
    'https://a.test/rows?page=2&on=true&tag=a+b&tag=c%26d',
  );
});

it('a path cannot leave the origin, and a base URL must be one', () => {
  assert.equal(new URL(build('https://a.test', { path: '//evil.test/x' }).url).host, 'a.test');
  assert.equal(new URL(build('https://a.test', { path: '@evil.test/x' }).url).host, 'a.test');
  assert.throws(() => build('nowhere', { path: '/' }), /not a URL/);
});

it('a body is JSON or a form, with its content type', () => {
  const json = build('https://a.test', { path: '/', method: 'POST', json: { a: 1 } });
  const long = build('https://a.test', { path: '/', method: 'POST', json: { after: 12345678901234567890n } });
  assert.equal(long.body, '{"after":12345678901234567890}', 'an id that no double can hold');
  assert.deepEqual([json.method, json.body, json.headers['content-type']], ['POST', '{"a":1}', 'application/json']);
  const form = build('https://a.test', { path: '/', method: 'POST', form: { a: '1 2' } });
  assert.deepEqual([form.body, form.headers['content-type']], ['a=1+2', 'application/x-www-form-urlencoded']);
  assert.equal(json.headers['x-version'], '7');
});

it('a secret goes where its kind says', () => {
  const request = build('https://a.test', { path: '/' });
  const header = (auth: Parameters<typeof authorise>[1], secret: object, name: string) =>
    authorise(request, auth, secret, signing).headers[name];
  assert.equal(header(bearer(), { token: 't' }, 'authorization'), 'Bearer t');
  assert.equal(
    header(basic(), { username: 'u', password: 'pä' }, 'authorization'),
    `Basic ${Buffer.from('u:pä').toString('base64')}`,
  );
  assert.equal(header(apiKey({ header: 'X-Key' }), { key: 'k' }, 'x-key'), 'k');
  assert.deepEqual(authorise(request, none(), undefined, signing), request);
  const flow = { tokenUrl: 'https://a.test/token' };
  assert.equal(header(clientCredentials(flow), { token: 't' }, 'authorization'), 'Bearer t');
  const named = clientCredentials({ ...flow, sendAs: { header: 'X-Shop-Token' } });
  assert.equal(header(named, { token: 't' }, 'x-shop-token'), 't');
  assert.equal(header(named, { token: 't' }, 'authorization'), undefined);
  const worded = clientCredentials({ ...flow, sendAs: { scheme: 'Zoho-oauthtoken' } });
  assert.equal(header(worded, { token: 't' }, 'authorization'), 'Zoho-oauthtoken t');
  assert.equal(header(bearer({ scheme: 'Token' }), { token: 't' }, 'authorization'), 'Token t');
});

it('a key in the query is in what is sent, and in nothing that is kept', () => {
  const auth = apiKey({ query: 'api_key' });
  const request = build('https://a.test', { path: '/rows', query: { page: 2 } });
  const sent = authorise(request, auth, { key: 'k&' }, signing).url;
  assert.equal(sent, 'https://a.test/rows?page=2&api_key=k%26');
  assert.equal(withoutKey(auth, sent), 'https://a.test/rows?page=2');
  assert.equal(withoutKey(auth, 'https://a.test/rows?q=%20x'), 'https://a.test/rows?q=%20x');
  assert.equal(withoutKey(bearer(), sent), sent);
});

it('a secret that cannot be used is refused without being quoted', () => {
  assert.deepEqual(parseSecret(bearer(), '{"token":"hush"}'), { secret: { token: 'hush' } });
  for (const text of [undefined, 'hush', '{"tokn":"hush"}', '"hush"', '{"token":""}', '{"token":{"hush":1}}']) {
    const parsed = parseSecret(bearer(), text);
    assert.ok('problem' in parsed && !parsed.problem.includes('hush'), text);
  }
  assert.deepEqual(
    z.object({ problem: z.string() }).parse(parseSecret(basic(), '{"username":"u"}')).problem,
    'it lacks, or mistypes: password',
  );
  assert.deepEqual(parseSecret(bearer(), '["hush"]'), { problem: 'it is no JSON object' });
});

for (const path of [
  '/orgs/../users',
  '/orgs/..',
  '/o/%2e%2E/users',
  '/orgs/.',
  '/orgs/..\\users',
  '/o/.\t./users',
  '..?page=1',
])
  it(`a path keeps to its place: ${JSON.stringify(path)} is refused`, () =>
    assert.throws(() => build('https://a.test/v2', { path }), /no segment "\." or "\.\."/));

it('dots elsewhere in a path are only dots', () => {
  for (const path of ['/a..b/...', '/files/.env', '/x?up=../..', '/x#..'])
    assert.doesNotThrow(() => build('https://a.test/v2', { path }));
});

it('a link keeps its own bytes when a query key is put into it and taken out of it', () => {
  const auth = apiKey({ query: 'api_key' });
  const keyed = (url: string): string =>
    authorise(build('https://a.test', { path: '/' }, url), auth, { key: 'k&1' }, signing).url;
  const links: readonly (readonly [link: string, keyed: string])[] = [
    ['https://a.test/r?cursor=a%2fb+c%20d~(e)', 'https://a.test/r?cursor=a%2fb+c%20d~(e)&api_key=k%261'],
    ['https://a.test/r', 'https://a.test/r?api_key=k%261'],
    ['https://a.test/r?', 'https://a.test/r?api_key=k%261'],
    ['https://a.test/r?a=1&', 'https://a.test/r?a=1&api_key=k%261'],
    ['https://a.test/r?a#top', 'https://a.test/r?a&api_key=k%261#top'],
  ];
  for (const [link, expected] of links) {
    assert.equal(keyed(link), expected);
    assert.equal(withoutKey(auth, expected), link.replace(/[?&](?=$|#)/, ''));
  }
  // The API repeats the key that it was given, in whatever spelling.
  assert.equal(keyed('https://a.test/r?api%5Fkey=old&c=%2f&api_key=older'), 'https://a.test/r?c=%2f&api_key=k%261');
});
