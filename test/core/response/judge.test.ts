import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { backoff } from '../../../lib/core/backoff.ts';
import type { Stream } from '../../../lib/core/connector/stream.ts';
import { type HttpAnswer, judgeResponse, type ResponseVerdict } from '../../../lib/core/response/judge.ts';
import type { Rule } from '../../../lib/core/response/rules.ts';
import { kinds } from '../../pipeline/kinds.ts';

const stream = found(kinds['pages with a total'].connector.streams.rows);
function found(stream: Stream | undefined): Stream {
  assert.ok(stream);
  return stream;
}
const NOW = Date.parse('2026-11-22T12:00:00Z');
const ASKED = { method: 'GET', url: 'https://api.test/rows?page=2' } as const;
const answer = (status: number, body: string | Uint8Array = '', headers: Record<string, string> = {}) => ({
  status,
  headers,
  body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
});

const judged = (
  given: HttpAnswer,
  rules: readonly Rule[] = [],
  owes?: (total: number | undefined) => boolean,
): ResponseVerdict => judgeResponse(given, { stream, rules, owes, asked: ASKED, now: NOW });
const codeOf = (verdict: ResponseVerdict): string | undefined =>
  'reason' in verdict ? verdict.reason.code : undefined;

describe('what an answer is', () => {
  const cases: [string, HttpAnswer, ResponseVerdict['is'], string?][] = [
    ['a page', answer(200, '{"rows":[{"id":1}],"total":1}'), 'page'],
    ['a page with a byte order mark', answer(200, '\ufeff{"rows":[],"total":0}'), 'page'],
    ['204, which has no body', answer(204), 'page'],
    ['201', answer(201, '{"rows":[],"total":0}'), 'page'],
    ['202 with records', answer(202, '{"rows":[{"id":1}],"total":1}'), 'page'],
    ['202 with nothing', answer(202, '{"rows":[],"total":0}'), 'retry', 'http-202'],
    ['a search that gave up', answer(200, '{"incomplete_results":true,"rows":[],"total":0}'), 'retry', 'partial'],
    ['a search in time', answer(200, '{"timed_out":false,"rows":[],"total":0}'), 'page'],
    ['no connection', { failed: 'unreachable', message: 'refused' }, 'retry', 'unreachable'],
    ['a deadline', { failed: 'timeout', message: 'slow' }, 'retry', 'timeout'],
    ['a broken body', { failed: 'broken', message: 'cut' }, 'retry', 'broken'],
    ['a body without bounds', { failed: 'too-large', message: 'huge' }, 'failure', 'too-large'],
    ['an empty 200', answer(200, ' \n'), 'retry', 'empty-body'],
    ['HTML', answer(200, '<html>log in</html>', { 'content-type': 'text/html' }), 'retry', 'html'],
    ['truncated JSON', answer(200, '{"rows":[{"id'), 'retry', 'unreadable'],
    ['no UTF-8', answer(200, new Uint8Array([0xff, 0xfe, 0x7b])), 'retry', 'unreadable'],
    ['an error in a 200', answer(200, '{"error":{"code":7}}'), 'failure', 'error-body'],
    ['errors in a 200', answer(200, '{"errors":["no"],"rows":[]}'), 'failure', 'error-body'],
    ['an empty list of errors', answer(200, '{"errors":[],"error":null,"rows":[],"total":0}'), 'page'],
    ['errors that count none', answer(200, '{"errors":{},"error":0,"rows":[],"total":0}'), 'page'],
    ['no list of records', answer(200, '{"items":[]}'), 'failure', 'no-records'],
    ['records that are no list', answer(200, '{"rows":{"0":1}}'), 'failure', 'no-records'],
    ['a body that is null', answer(200, 'null'), 'failure', 'no-records'],
    ['a total that is text', answer(200, '{"rows":[],"total":"many"}'), 'failure', 'bad-total'],
    ['a total that is null', answer(200, '{"rows":[],"total":null}'), 'page'],
    ['a total in digits', answer(200, '{"rows":[{"id":1}],"total":"120"}'), 'page'],
    ['a negative total', answer(200, '{"rows":[],"total":-1}'), 'failure', 'bad-total'],
    ['a redirect to another origin', answer(302, '', { location: 'https://x.test' }), 'failure', 'redirect'],
    ['a redirect within', answer(307, '', { location: '/rows?page=3' }), 'redirect'],
    ['a redirect to nowhere', answer(302), 'failure', 'http-302'],
    ['401', answer(401, '{}'), 'reauthorise', 'http-401'],
    ...[400, 403, 404, 409, 410, 422].map(
      (s) => [`${s}`, answer(s, '{}'), 'failure', `http-${s}`] as [string, HttpAnswer, 'failure', string],
    ),
    ['429', answer(429, 'oops'), 'throttled', 'http-429'],
    ...[408, 425, 500, 502, 503, 504, 520].map(
      (s) => [`${s}`, answer(s, 'oops'), 'retry', `http-${s}`] as [string, HttpAnswer, 'retry', string],
    ),
  ];
  for (const [what, given, is, code] of cases) {
    it(`${what}: ${is}${code === undefined ? '' : ` (${code})`}`, () => {
      const verdict = judged(given);
      assert.equal(verdict.is, is);
      assert.equal(codeOf(verdict), code);
    });
  }

  it('throttled: 429, and 503 with advice', () => {
    const patience = (status: number, headers: Record<string, string>) => {
      const verdict = judged(answer(status, '', headers));
      return 'wait' in verdict && [verdict.is, verdict.wait];
    };
    assert.deepEqual(patience(429, {}), ['throttled', undefined]);
    assert.deepEqual(patience(429, { 'retry-after': '7' }), ['throttled', 7_000]);
    assert.deepEqual(patience(503, { 'retry-after': '7' }), ['throttled', 7_000]);
    assert.deepEqual(patience(503, {}), ['retry', undefined]);
  });

  it('an empty page: owed records are asked for again, a total that agrees is the end, and silence says nothing', () => {
    const empty = answer(200, '{"rows":[],"total":3}');
    assert.equal(judged(empty).is, 'page');
    assert.deepEqual([judged(empty, [], (total) => total === 3)].map(codeOf), ['empty-page']);
    assert.equal(judged(empty, [], () => false).is, 'end');
    const silent = kinds.cursor.connector.streams.rows;
    assert.equal(
      judgeResponse(answer(200, '{"rows":[]}'), {
        stream: found(silent),
        rules: [],
        owes: () => false,
        asked: ASKED,
        now: NOW,
      }).is,
      'page',
    );
  });
});

describe('what came instead of a page is named', () => {
  const message = (body: string): string => {
    const verdict = judged(answer(200, body));
    return 'reason' in verdict ? verdict.reason.message : '';
  };
  const cases: [body: string, message: RegExp][] = [
    ['{"rows":null}', /there is null, not a list: if that means no records/],
    ['{"rows":{"a":1}}', /there is an object, not a list$/],
    ['{"rows":"none"}', /there is the string "none", not a list$/],
    ['{}', /there is nothing, not a list$/],
    ['{"rows":[\n  {"id":1},\n  {"id":', /it ends too soon, at line 3, column 9, after ".*"$/],
    ['{"rows":[\n  {"id":x}]}', /it breaks, at line 2, column 9, after/],
    ['Service busy', /it begins "Service busy"$/],
  ];
  for (const [body, expected] of cases) it(JSON.stringify(body), () => assert.match(message(body), expected));
});

describe('a stream with a reader', () => {
  const lines = {
    records: (body: unknown[]) => body,
    read: (text: string) => text.split('\n').filter((line) => line !== ''),
  };
  const read = (status: number, body: string) =>
    judgeResponse(answer(status, body), { stream: lines, rules: [], asked: ASKED, now: NOW });

  it('has its records from what the reader makes of the text, also of none', () => {
    const verdict = read(200, 'a\nb\n');
    assert.deepEqual('records' in verdict && verdict.records, ['a', 'b']);
    assert.equal(read(200, '').is, 'page');
  });

  it('is not read where an HTML page came, and has its refusals as JSON', () => {
    assert.equal(codeOf(read(200, '<html><title>Log in</title></html>')), 'html');
    assert.equal(codeOf(read(429, '{"error":"busy"}')), 'http-429');
  });

  it('that cannot read a text says why', () => {
    const stream = {
      records: (body: unknown[]) => body,
      read: () => {
        throw new Error('line 2 is no JSON');
      },
    };
    const verdict = judgeResponse(answer(200, 'x'), { stream, rules: [], asked: ASKED, now: NOW });
    assert.deepEqual('reason' in verdict && verdict.reason, {
      code: 'unreadable',
      message: 'HTTP 200: the body cannot be read: line 2 is no JSON',
    });
  });
});

describe('what a connector’s rules say', () => {
  const rule = (is: Rule['is'], when: Rule['when'], more: Partial<Rule> = {}): Rule => ({
    is,
    when,
    because: 'so it is',
    ...more,
  });
  const always = (): boolean => true;

  for (const is of ['throttled', 'retry', 'reauthorise', 'restart', 'failure'] as const) {
    it(`${is}, whatever the status`, () => {
      for (const status of [200, 403, 500]) {
        const verdict = judged(answer(status, '{"rows":[{"id":1}]}'), [rule(is, always)]);
        assert.equal(verdict.is, is);
        assert.deepEqual('reason' in verdict && verdict.reason, {
          code: 'rule',
          message: `HTTP ${status}: so it is`,
          rule: 'errors[0]',
        });
      }
    });
  }

  it('page: it is taken for one whatever it says, and that is noted', () => {
    const harmless = rule('page', (reply) => reply.status === 207 || reply.body.error?.code === 'ok');
    for (const [status, body] of [
      [200, '{"error":{"code":"ok"},"rows":[{"id":1}],"total":1}'],
      [207, '{"errors":["none found"],"rows":[{"id":1}],"total":1}'],
    ] as const) {
      const verdict = judged(answer(status, body), [harmless]);
      assert.ok(verdict.is === 'page' && verdict.records.length === 1);
      assert.deepEqual(verdict.note, { code: 'rule', message: `HTTP ${status}: so it is`, rule: 'errors[0]' });
    }
    assert.equal(codeOf(judged(answer(207, '{"errors":[],"items":[]}'), [harmless])), 'no-records');
    assert.equal(codeOf(judged(answer(200, '{"error":{"code":"bad"},"rows":[]}'), [harmless])), 'error-body');
    assert.equal(codeOf(judged(answer(200, ''), [rule('page', always)])), 'empty-body');
  });

  it('empty: also of a 200 without a body', () => {
    assert.equal(judged(answer(200, ''), [rule('empty', (reply) => reply.body === '')]).is, 'empty');
  });

  it('empty: no records are here, by the API’s own word', () => {
    const verdict = judged(answer(410, 'gone'), [rule('empty', ({ status }) => status === 410)]);
    assert.deepEqual([verdict.is, 'records' in verdict && verdict.records], ['empty', []]);
  });

  it('the first that holds wins, and is named', () => {
    const verdict = judged(answer(403), [rule('failure', () => false), rule('retry', always), rule('failure', always)]);
    assert.deepEqual([verdict.is, 'reason' in verdict && verdict.reason.rule], ['retry', 'errors[1]']);
  });

  it('one that throws does not hold, and is noted beside the reason', () => {
    const looking = rule('throttled', ({ body }) => body.policy.name === 'DAILY');
    const verdict = judged(answer(500, '{}'), [looking]);
    assert.equal(codeOf(verdict), 'http-500');
    assert.match('reason' in verdict ? verdict.reason.message : '', /errors\[0\] could not judge it: Cannot read/);
    assert.equal(judged(answer(200, '{"rows":[],"total":0}'), [looking]).is, 'page');
  });

  it('see headers, JSON, and the text of an answer that is none', () => {
    const limited = rule('throttled', (reply) => reply.header('X-Left') === '0' || /slow down/.test(reply.body));
    assert.equal(judged(answer(403, '{}', { 'x-left': '0' }), [limited]).is, 'throttled');
    assert.equal(judged(answer(403, '<h1>slow down</h1>'), [limited]).is, 'throttled');
    assert.equal(judged(answer(403, '{}'), [limited]).is, 'failure');
  });

  it('never take for empty what should have been a page and cannot be read', () => {
    assert.equal(codeOf(judged(answer(200, '<html>log in</html>'), [rule('empty', always)])), 'html');
  });

  it('wait as the API advises, else as they say themselves', () => {
    const slow = [rule('throttled', always, { wait: '1 minute' })];
    const wait = (headers: Record<string, string>) => {
      const verdict = judged(answer(403, '{}', headers), slow);
      return 'wait' in verdict && verdict.wait;
    };
    assert.equal(wait({}), 60_000);
    assert.equal(wait({ 'retry-after': '7' }), 7_000);
  });
});

it('backoff is full jitter, doubling to 15 minutes, and never below the advice', () => {
  assert.equal(backoff(1, 0.5), 1_000);
  assert.equal(backoff(4, 0.5), 8_000);
  assert.equal(backoff(30, 1), 900_000);
  assert.equal(backoff(1, 0.5, 60_000), 60_000);
  assert.equal(backoff(3, 0), 0);
});
