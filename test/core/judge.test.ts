import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { backoff } from '../../lib/core/backoff.ts';
import { judge } from '../../lib/core/judge.ts';
import { retryAfter } from '../../lib/core/retry-after.ts';
import { kinds } from '../pipeline/kinds.ts';

const stream = kinds['pages with a total'].connector.streams.rows;
const NOW = Date.parse('2026-11-22T12:00:00Z');
const answer = (status: number, body: string | Uint8Array = '', headers: Record<string, string> = {}) => ({
  status,
  headers,
  body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
});

describe('what an answer is', () => {
  const cases: [string, Parameters<typeof judge>[0], string, string?][] = [
    ['a page', answer(200, '{"rows":[{"id":1}],"total":1}'), 'page'],
    ['a page with a byte order mark', answer(200, '\ufeff{"rows":[],"total":0}'), 'page'],
    ['204, which has no body', answer(204), 'page'],
    ['201', answer(201, '{"rows":[],"total":0}'), 'page'],
    ['no connection', { failed: 'unreachable', message: 'refused' }, 'retry', 'unreachable'],
    ['a deadline', { failed: 'timeout', message: 'slow' }, 'retry', 'timeout'],
    ['a broken body', { failed: 'broken', message: 'cut' }, 'retry', 'broken'],
    ['a body without bounds', { failed: 'too-large', message: 'huge' }, 'failure', 'too-large'],
    ['an empty 200', answer(200, ' \n'), 'retry', 'empty-body'],
    ['HTML', answer(200, '<html>log in</html>', { 'content-type': 'text/html' }), 'retry', 'unreadable'],
    ['truncated JSON', answer(200, '{"rows":[{"id'), 'retry', 'unreadable'],
    ['no UTF-8', answer(200, new Uint8Array([0xff, 0xfe, 0x7b])), 'retry', 'unreadable'],
    ['an error in a 200', answer(200, '{"error":{"code":7}}'), 'failure', 'error-body'],
    ['errors in a 200', answer(200, '{"errors":["no"],"rows":[]}'), 'failure', 'error-body'],
    ['an empty list of errors', answer(200, '{"errors":[],"error":null,"rows":[],"total":0}'), 'page'],
    ['no list of records', answer(200, '{"items":[]}'), 'failure', 'no-records'],
    ['records that are no list', answer(200, '{"rows":{"0":1}}'), 'failure', 'no-records'],
    ['a body that is null', answer(200, 'null'), 'failure', 'no-records'],
    ['a total that is text', answer(200, '{"rows":[],"total":"many"}'), 'failure', 'bad-total'],
    ['a negative total', answer(200, '{"rows":[],"total":-1}'), 'failure', 'bad-total'],
    ['a redirect', answer(302, '', { location: 'https://x.test' }), 'failure', 'http-302'],
    ...[400, 401, 403, 404, 409, 410, 422].map(
      (s) => [`${s}`, answer(s, '{}'), 'failure', `http-${s}`] as [string, ReturnType<typeof answer>, string, string],
    ),
    ...[408, 425, 429, 500, 502, 503, 504, 520].map(
      (s) => [`${s}`, answer(s, 'oops'), 'retry', `http-${s}`] as [string, ReturnType<typeof answer>, string, string],
    ),
  ];
  for (const [what, given, is, code] of cases) {
    it(`${what}: ${is}${code === undefined ? '' : ` (${code})`}`, () => {
      assert.ok(stream);
      const verdict = judge(given, stream, NOW);
      assert.equal(verdict.is, is);
      assert.equal('reason' in verdict ? verdict.reason.code : undefined, code);
    });
  }

  it('throttled: 429, and 503 with advice', () => {
    assert.ok(stream);
    const throttled = (status: number, headers: Record<string, string>) => {
      const verdict = judge(answer(status, '', headers), stream, NOW);
      return verdict.is === 'retry' && [verdict.throttled, verdict.wait];
    };
    assert.deepEqual(throttled(429, {}), [true, undefined]);
    assert.deepEqual(throttled(429, { 'retry-after': '7' }), [true, 7_000]);
    assert.deepEqual(throttled(503, { 'retry-after': '7' }), [true, 7_000]);
    assert.deepEqual(throttled(503, {}), [false, undefined]);
  });
});

it('Retry-After: seconds, or a date by the server’s own clock; nonsense is no advice', () => {
  assert.equal(retryAfter('120', undefined, NOW), 120_000);
  assert.equal(retryAfter('0', undefined, NOW), 0);
  assert.equal(retryAfter('Sun, 22 Nov 2026 12:00:30 GMT', undefined, NOW), 30_000);
  // The server's clock is an hour ahead of ours, and so is its date.
  assert.equal(retryAfter('Sun, 22 Nov 2026 13:00:30 GMT', 'Sun, 22 Nov 2026 13:00:00 GMT', NOW), 30_000);
  for (const nonsense of ['soon', '-5', 'NaN', '1e12', '', 'Sun, 22 Nov 2020 12:00:00 GMT']) {
    assert.equal(retryAfter(nonsense, undefined, NOW), undefined, nonsense);
  }
});

it('backoff is full jitter, doubling to 15 minutes, and never below the advice', () => {
  assert.equal(backoff(1, 0.5), 1_000);
  assert.equal(backoff(4, 0.5), 8_000);
  assert.equal(backoff(30, 1), 900_000);
  assert.equal(backoff(1, 0.5, 60_000), 60_000);
  assert.equal(backoff(3, 0), 0);
});
