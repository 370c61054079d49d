import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as z from 'zod';
import { authorise, parseSecret } from '../../lib/core/authorise.ts';
import { apiKey, basic, bearer, none } from '../../lib/core/connector.ts';
import { buildRequest } from '../../lib/core/request.ts';
import { kinds } from '../pipeline/kinds.ts';

const connector = { ...kinds.cursor.connector, headers: { 'X-Version': '7' } };
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
  assert.deepEqual([json.method, json.body, json.headers['content-type']], ['POST', '{"a":1}', 'application/json']);
  const form = build('https://a.test', { path: '/', method: 'POST', form: { a: '1 2' } });
  assert.deepEqual([form.body, form.headers['content-type']], ['a=1+2', 'application/x-www-form-urlencoded']);
  assert.equal(json.headers['x-version'], '7');
});

it('a secret goes where its kind says', () => {
  const request = build('https://a.test', { path: '/' });
  const header = (auth: Parameters<typeof authorise>[1], secret: object, name: string) =>
    authorise(request, auth, secret).headers[name];
  assert.equal(header(bearer(), { token: 't' }, 'authorization'), 'Bearer t');
  assert.equal(
    header(basic(), { username: 'u', password: 'pä' }, 'authorization'),
    `Basic ${Buffer.from('u:pä').toString('base64')}`,
  );
  assert.equal(header(apiKey({ header: 'X-Key' }), { key: 'k' }, 'x-key'), 'k');
  assert.deepEqual(authorise(request, none(), undefined), request);
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
});
