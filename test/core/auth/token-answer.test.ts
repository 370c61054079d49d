import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeTokenAnswer, type TokenAnswer } from '../../../lib/core/auth/token-answer.ts';

const now = Date.UTC(2026, 10, 22, 12);
const HUSH = 'eyJhbGciOi-a-token-that-nobody-may-see';
const answer = (status: number, body: unknown, headers: Record<string, string> = {}) => ({
  status,
  headers,
  body: new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body)),
});
const judged = (status: number, body: unknown, headers?: Record<string, string>): TokenAnswer =>
  judgeTokenAnswer(answer(status, body, headers), { now, sent: ['the client secret'] });

describe('a token', () => {
  it('is what the standard says', () => {
    const body = { access_token: HUSH, token_type: 'Bearer', expires_in: 3600, refresh_token: 'r', instance_url: 'u' };
    assert.deepEqual(judged(200, body), { is: 'token', grant: { token: HUSH, refresh: 'r', life: 3_600_000, body } });
  });

  it('may say less, or say it in its own way', () => {
    for (const [body, life] of [
      [{ access_token: HUSH }, undefined],
      [{ access_token: HUSH, expires_in: null, refresh_token: null }, undefined],
      [{ access_token: HUSH, expires_in: '7200', token_type: 'bot' }, 7_200_000],
      [{ access_token: HUSH, expires_in: 0.5, error: null }, 500],
    ] as const) {
      const found = judged(201, body);
      assert.ok(found.is === 'token' && found.grant.life === life && found.grant.refresh === undefined);
    }
  });

  it('is where a declared exchange finds it, and lives by the clock of the answer', () => {
    const date = 'Sun, 22 Nov 2026 15:00:00 GMT';
    const found = judgeTokenAnswer(answer(201, { t: HUSH, until: '2026-11-22T16:00:00Z' }, { date }), {
      now,
      sent: [],
      read: ({ body }) => ({ token: body.t, expiresAt: body.until }),
    });
    assert.ok(found.is === 'token' && found.grant.token === HUSH && found.grant.life === 3_600_000);
  });
});

describe('what is no token has a reason, and none of its bytes in it', () => {
  const refused: [name: string, status: number, body: unknown, error: string][] = [
    ['a wrong client', 401, { error: 'invalid_client', error_description: HUSH }, 'invalid_client'],
    ['a consent that is over', 400, { error: 'invalid_grant' }, 'invalid_grant'],
    ['an error with status 200', 200, { error: 'bad_refresh_token', access_token: HUSH }, 'bad_refresh_token'],
  ];
  for (const [name, status, body, error] of refused) {
    it(name, () => {
      const found = judged(status, body);
      assert.ok(found.is === 'refused' && found.error === error);
      assert.match(found.reason.message, new RegExp(`refuses: ${error} \\(HTTP ${status}\\)`));
      assert.ok(!JSON.stringify(found).includes(HUSH));
    });
  }

  const failed: [name: string, status: number, body: unknown, says: RegExp, doubtful: boolean][] = [
    ['an error of its own', 200, { error: HUSH }, /with an error inside: an error that is no plain word/, false],
    ['what was sent, as an error', 400, { error: 'secret' }, /HTTP 400: an error that is no plain word/, false],
    ['HTML', 200, `<html>${HUSH}</html>`, /no JSON object/, true],
    ['a list', 200, [HUSH], /there is no "access_token"/, true],
    ['nothing', 200, '', /no JSON object/, true],
    ['no token', 200, { refresh_token: HUSH }, /no "access_token"/, true],
    ['a token that is no text', 200, { access_token: { value: HUSH } }, /"access_token" is no text/, true],
    ['a token that would split a header', 200, { access_token: `${HUSH}\r\nx: y` }, /"access_token" is no text/, true],
    ['a token that no header holds', 200, { access_token: 'a'.repeat(20_000) }, /"access_token" is no text/, true],
    ['the word None', 200, { access_token: null }, /"access_token" is no text/, true],
    ['a refresh token that is no text', 200, { access_token: HUSH, refresh_token: 7 }, /"refresh_token"/, true],
    ['an expiry in the past', 200, { access_token: HUSH, expires_in: -5 }, /"expires_in" is no time to come/, true],
    ['an expiry after the end of time', 200, { access_token: HUSH, expires_in: 1e300 }, /"expires_in"/, true],
    ['an expiry that is no number', 200, { access_token: HUSH, expires_in: HUSH }, /"expires_in"/, true],
    ['a token that must be proved', 200, { access_token: HUSH, token_type: 'DPoP' }, /"token_type"/, true],
    ['a failure', 500, HUSH, /HTTP 500/, true],
    ['a server that is busy', 503, {}, /HTTP 503/, false],
    ['a redirect', 302, '', /redirects, and credentials follow no redirect/, false],
    ['a URL that is wrong', 404, `<html>${HUSH}`, /HTTP 404/, false],
    ['a passing error', 400, { error: 'temporarily_unavailable' }, /HTTP 400: temporarily_unavailable/, false],
  ];
  for (const [name, status, body, says, doubtful] of failed) {
    it(name, () => {
      const found = judged(status, body, { location: `https://evil.test/${HUSH}` });
      assert.ok(found.is === 'failed', JSON.stringify(found));
      assert.match(found.reason.message, says);
      assert.equal(found.doubtful, doubtful);
      assert.ok(!JSON.stringify(found).includes(HUSH));
    });
  }

  it('no answer', () => {
    const of = (kind: 'unreachable' | 'timeout' | 'broken' | 'too-large') =>
      judgeTokenAnswer({ failed: kind, message: HUSH }, { now, sent: [] });
    assert.deepEqual(
      (['unreachable', 'timeout', 'broken', 'too-large'] as const).map((kind) => {
        const found = of(kind);
        assert.ok(found.is === 'failed' && !JSON.stringify(found).includes(HUSH));
        return found.doubtful;
      }),
      [false, true, true, true],
    );
  });

  it('advice to wait is taken', () => {
    const found = judged(429, {}, { 'retry-after': '20' });
    assert.ok(found.is === 'failed' && found.wait === 20_000);
  });

  it('a declared exchange that reads what is not there', () => {
    for (const read of [
      ({ body }: { body: { a: { b: string } } }) => ({ token: body.a.b }),
      () => ({ token: '' }),
      () => ({ token: 't', expiresAt: 'tomorrow' }),
    ]) {
      const found = judgeTokenAnswer(answer(200, { token: HUSH }), { now, sent: [], read });
      assert.ok(found.is === 'failed' && !JSON.stringify(found).includes(HUSH));
    }
  });
});
