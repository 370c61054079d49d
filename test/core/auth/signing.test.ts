import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { authorise, withoutKey } from '../../../lib/core/auth/authorise.ts';
import { signatureBase } from '../../../lib/core/auth/oauth1.ts';
import { apiKey, oauth1, signed } from '../../../lib/core/connector/connector.ts';
import { signingAt } from '../../../lib/pipeline/credentials/signing.ts';
import { seededRandom } from '../../memory/random.ts';

const tools = signingAt({ random: seededRandom(1) }, 0);
const at = (iso: string, nonce = '') => ({ ...tools, now: Date.parse(iso), nonce });

describe('OAuth 1.0 signs as RFC 5849 does', () => {
  it('the request for the photos (section 1.2)', () => {
    const secret = {
      consumerKey: 'dpf43f3p2l4k3l03',
      consumerSecret: 'kd94hf93k423kf44',
      token: 'nnch734d00sl2jdk',
      tokenSecret: 'pfkkdhi9sl3r4s00',
      realm: 'Photos',
    };
    const request = {
      method: 'GET' as const,
      url: 'http://photos.example.net/photos?file=vacation.jpg&size=original',
      headers: {},
    };
    const { headers } = authorise(request, oauth1(), secret, { ...tools, now: 137131202_000, nonce: 'chapoH' });
    assert.equal(
      headers.authorization,
      'OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="nnch734d00sl2jdk", ' +
        'oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131202", oauth_nonce="chapoH", ' +
        'oauth_signature="MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D"',
    );
  });

  it('parameters of query, body and header, encoded and sorted (section 3.4.1.1)', () => {
    const parameters: [string, string][] = [
      ['oauth_consumer_key', '9djdj82h48djs9d2'],
      ['oauth_token', 'kkk9d7dh3k39sjv7'],
      ['oauth_signature_method', 'HMAC-SHA1'],
      ['oauth_timestamp', '137131201'],
      ['oauth_nonce', '7d8f3e4a'],
      ['c2', ''],
      ['a3', '2 q'],
    ];
    assert.equal(
      signatureBase('POST', 'http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b', parameters),
      'POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26' +
        'oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26' +
        'oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7',
    );
  });

  it('a form is signed with its fields, and JSON is not', () => {
    const sign = (type: string) =>
      authorise(
        { method: 'POST', url: 'https://a.test/', headers: { 'content-type': type }, body: 'a=1' },
        oauth1({ method: 'HMAC-SHA256' }),
        { consumerKey: 'c', consumerSecret: 's' },
        at('2026-01-01T00:00:00Z', 'n'),
      ).headers.authorization;
    assert.notEqual(sign('application/x-www-form-urlencoded'), sign('application/json'));
  });

  it('without a hash the secrets themselves are the signature (section 3.4.4)', () => {
    const secret = { consumerKey: 'c', consumerSecret: 's&', token: 't', tokenSecret: 'u' };
    const request = { method: 'GET' as const, url: 'https://a.test/', headers: {} };
    const { headers } = authorise(request, oauth1({ method: 'PLAINTEXT' }), secret, at('2026-01-01T00:00:00Z', 'n'));
    assert.match(headers.authorization ?? '', /oauth_signature="s%2526%26u"/);
  });
});

describe('a signature of a connector’s own', () => {
  const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
  /** AWS Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. */
  const sigV4 = signed({
    secret: z.object({ accessKeyId: z.string(), secretKey: z.string() }),
    sign: ({ method, url, body, headers }, { digest, hmac, time, secret }) => {
      const { host, pathname, searchParams } = new URL(url);
      const all: Record<string, string> = { ...headers, host, 'x-amz-date': time.basic };
      const names = Object.keys(all).sort();
      const query = [...searchParams].map((pair) => pair.map(encodeURIComponent).join('=')).sort();
      const canonical = [
        ...[method, pathname, query.join('&')],
        ...names.map((name) => `${name}:${all[name]}`),
        ...['', names.join(';'), digest('sha256', body, 'hex')],
      ].join('\n');
      const scope = [time.basic.slice(0, 8), 'us-east-1', 'service', 'aws4_request'];
      const text = ['AWS4-HMAC-SHA256', time.basic, scope.join('/'), digest('sha256', canonical, 'hex')].join('\n');
      const signature = hmac('sha256', `AWS4${secret.secretKey}`, [...scope, text], 'hex');
      const authorization = `AWS4-HMAC-SHA256 Credential=${secret.accessKeyId}/${scope.join('/')}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
      return { headers: { 'x-amz-date': time.basic, authorization } };
    },
  });

  // The suite of published vectors: https://github.com/awslabs/aws-c-auth/tree/main/tests/aws-signing-test-suite/v4.
  const VECTORS = [
    {
      name: 'get-vanilla',
      request: { method: 'GET' as const, url: 'https://example.amazonaws.com/', headers: {} },
      signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    },
    {
      name: 'get-vanilla-query-order-key-case',
      request: {
        method: 'GET' as const,
        url: 'https://example.amazonaws.com/?Param2=value2&Param1=value1',
        headers: {},
      },
      signature: 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    },
    {
      name: 'post-x-www-form-urlencoded',
      request: {
        method: 'POST' as const,
        url: 'https://example.amazonaws.com/',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'Param1=value1',
      },
      signature: 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    },
  ];
  for (const { name, request, signature } of VECTORS) {
    it(`agrees with AWS’s test vector ${name}`, () => {
      const { headers } = authorise(request, sigV4, KEYS, at('2015-08-30T12:36:00Z'));
      const signing = Object.keys({ ...request.headers, host: '', 'x-amz-date': '' }).sort();
      assert.equal(
        headers.authorization,
        `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${signing.join(';')}, Signature=${signature}`,
      );
      assert.equal(headers['x-amz-date'], '20150830T123600Z');
    });
  }

  it('may stand in the query, with a nonce, and a link that repeats it is kept without', () => {
    const auth = signed({
      sign: ({ path }, { hmac, nonce, time, secret }) => ({
        query: { nonce, at: time.seconds, signature: hmac('sha1', { base64: secret.key }, path, 'hex') },
      }),
    });
    const request = { method: 'GET' as const, url: 'https://a.test/rows?page=2', headers: {} };
    const { url } = authorise(request, auth, { key: btoa('key') }, at('2026-01-01T00:00:00Z', 'once'));
    // Computed by: printf '/rows?page=2' | openssl dgst -sha1 -hmac key
    assert.equal(
      url,
      'https://a.test/rows?page=2&nonce=once&at=1767225600&signature=1c9c9c698601ba0916d89631e2b2107ae5dcded7',
    );
    assert.equal(withoutKey(auth, url), request.url);
  });

  it('never shows its code a value of the secret', () => {
    const seen: string[] = [];
    const auth = signed({
      secret: z.object({ id: z.string(), key: z.string() }),
      sign: (_, { hmac, secret }) => {
        seen.push(secret.id, secret.key);
        return { headers: { 'X-Id': secret.id, 'X-Sign': hmac('sha256', secret.key, secret.id, 'hex') } };
      },
    });
    const request = { method: 'GET' as const, url: 'https://a.test/', headers: {} };
    const sent = authorise(request, auth, { id: 'me', key: 'hush' }, at('2026-01-01T00:00:00Z'));
    assert.ok(!seen.includes('me') && !seen.includes('hush'));
    assert.deepEqual(sent.headers, {
      'x-id': 'me',
      'x-sign': tools.hmac('sha256', 'hush', 'me', 'hex'),
    });
  });
});

it('several keys go to the headers and query parameters that a connector names', () => {
  const auth = apiKey({
    secret: z.object({ key: z.string(), app: z.string() }),
    send: ({ key, app }) => ({ headers: { 'DD-API-KEY': key }, query: { app_key: app } }),
  });
  const request = { method: 'GET' as const, url: 'https://a.test/rows', headers: {} };
  const sent = authorise(request, auth, { key: 'a', app: 'b' }, tools);
  assert.deepEqual([sent.headers, sent.url], [{ 'dd-api-key': 'a' }, 'https://a.test/rows?app_key=b']);
});
