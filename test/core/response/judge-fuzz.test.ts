import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as z from 'zod';
import { cursor, defineConnector, keyset, links, none, pages } from '../../../lib/core/connector/connector.ts';
import { chainPage, nextCursor } from '../../../lib/core/listing/chain.ts';
import { judgeResponse } from '../../../lib/core/response/judge.ts';
import { readRecords } from '../../../lib/pipeline/records/read-records.ts';
import { seededRandom } from '../../memory/random.ts';

const REPLIES = 100_000;
const NOW = Date.UTC(2026, 10, 22);

const Row = z.object({ id: z.int(), at: z.iso.datetime(), tags: z.array(z.string()).optional() });
const shared = {
  records: (body: { rows: unknown[] }) => body.rows,
  schema: Row,
  key: 'id',
  since: { field: (row: { at: string }) => row.at, lookback: '1 minute' },
} as const;
const { streams, errors } = defineConnector({
  name: 'fuzz',
  docs: '',
  baseUrl: 'https://api.test',
  params: z.object({}),
  auth: none(),
  limits: [],
  errors: [
    { when: (reply) => reply.body.policy.name === 'DAILY', is: 'throttled', because: 'a quota' },
    { when: (reply) => reply.header('x-gone') !== undefined, is: 'empty', because: 'gone' },
    { when: (reply) => reply.body?.code === 7, is: 'restart', because: 'expired' },
  ],
  streams: (stream) => ({
    pages: stream({
      ...shared,
      paging: pages({ size: 3 }),
      total: (reply) => reply.body.total,
      request: ({ page, window }) => ({ path: '/', query: { page: page.number, from: window.from.iso } }),
    }),
    cursor: stream({
      ...shared,
      paging: cursor({ size: 3, next: (reply) => reply.body.next }),
      request: ({ page, window }) => ({ path: '/', query: { c: page.cursor, from: window.from.iso } }),
    }),
    links: stream({
      ...shared,
      paging: links({ size: 3 }),
      request: ({ window }) => ({ path: '/', query: { from: window.from.iso } }),
    }),
    keyset: stream({
      ...shared,
      paging: keyset({ size: 3, after: (row) => row.id, more: (reply) => reply.body.next }),
      request: ({ page, window }) => ({ path: '/', query: { a: page.after, from: window.from.iso } }),
    }),
  }),
});

/** Replies that are honest, and then bent in a place or two. */
function fuzzer(seed: number) {
  const random = seededRandom(seed);
  const pick = <T>(all: readonly [T, ...T[]]): T => all[Math.floor(random.number() * all.length)] ?? all[0];
  const chance = (rate: number): boolean => random.number() < rate;
  const scalars: [unknown, ...unknown[]] = [
    null,
    true,
    '',
    'x',
    0,
    -1,
    2 ** 53,
    '2026-01-01T00:00:00Z',
    'NaN',
    {},
    [],
    '\u0000',
    '__proto__',
    1e308,
  ];
  const anything = (depth = 0): unknown =>
    depth > 3 || chance(0.6)
      ? pick(scalars)
      : chance(0.5)
        ? Array.from({ length: 3 }, () => anything(depth + 1))
        : Object.fromEntries(
            Array.from({ length: 3 }, () => [
              pick(['id', 'rows', 'error', 'a.b', 'constructor', 'next']),
              anything(depth + 1),
            ]),
          );
  const row = (): unknown =>
    chance(0.1)
      ? anything()
      : {
          id: chance(0.1) ? anything() : Math.floor(random.number() * 1e6),
          at: chance(0.1) ? anything() : '2026-01-01T00:00:00Z',
          ...(chance(0.1) ? { tags: anything() } : {}),
          ...(chance(0.1) ? { extra: anything() } : {}),
        };
  const body = (): unknown =>
    chance(0.08)
      ? anything()
      : {
          rows: chance(0.05) ? anything() : Array.from({ length: Math.floor(random.number() * 4) }, row),
          total: chance(0.1) ? anything() : pick([0, 3]),
          next: chance(0.2) ? anything() : null,
          ...(chance(0.05) ? { error: anything() } : {}),
          ...(chance(0.05) ? { code: 7 } : {}),
        };
  const text = (): string => {
    const json = chance(0.03)
      ? pick([
          '',
          ' ',
          '<html><title>Log in</title>',
          'NaN',
          '{"rows":NaN}',
          '[1,',
          '{"rows":[],"rows":[1]}',
          '[['.repeat(300),
          '9007199254740993',
          '1e999',
          '\ufeff{"rows":[]}',
        ])
      : JSON.stringify(body());
    if (chance(0.05)) return json.replace(/\d+/, pick(['9007199254740993', '1e999', '-0', '00', '1.5']));
    if (chance(0.05)) return json.replace('"id"', pick(['"id":1,"id"', '"\\u0069d"', "'id'"]));
    return chance(0.05) ? json.slice(0, Math.floor(random.number() * json.length)) : json;
  };
  const bytes = (): Uint8Array => {
    const encoded: Uint8Array = chance(0.02) ? Buffer.from(text(), 'utf16le') : new TextEncoder().encode(text());
    if (chance(0.05) && encoded.length > 0)
      encoded[Math.floor(random.number() * encoded.length)] = Math.floor(random.number() * 256);
    return encoded;
  };
  const headers = (): Record<string, string> => ({
    ...(chance(0.8)
      ? {
          'content-type': pick([
            'application/json',
            'text/html',
            'application/problem+json',
            'text/plain; charset=latin1',
            'x; charset=nonsense',
            'application/json; charset=utf-16',
          ]),
        }
      : {}),
    ...(chance(0.2) ? { 'retry-after': pick(['1', 'soon', '-1', '1e9', 'Sun, 22 Nov 2026 00:00:30 GMT']) } : {}),
    ...(chance(0.2)
      ? {
          location: pick([
            '/x',
            'https://evil.test/',
            'http://api.test/',
            '//evil',
            'javascript:1',
            '',
            'https://api.test:443/y#z',
          ]),
        }
      : {}),
    ...(chance(0.2)
      ? {
          link: pick([
            '<https://api.test/2>; rel="next"',
            '<https://evil.test/2>; rel="next"',
            '<:>; rel=next',
            ';;;',
            '<x',
            '</3>; rel="next"',
          ]),
        }
      : {}),
    ...(chance(0.02) ? { 'x-gone': '1' } : {}),
    ...(chance(0.1) ? { date: pick(['nonsense', 'Sun, 22 Nov 2026 00:00:00 GMT']) } : {}),
  });
  const status = (): number =>
    chance(0.75)
      ? 200
      : pick([
          100, 201, 202, 204, 205, 206, 300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 408, 410, 418, 425, 429, 500,
          502, 503, 504, 599, 999,
        ]);
  return {
    chance,
    pick,
    answer: () =>
      chance(0.02)
        ? { failed: pick(['unreachable', 'untrusted', 'timeout', 'broken', 'too-large'] as const), message: 'x' }
        : { status: status(), headers: headers(), body: bytes() },
  };
}

it(`${REPLIES} random replies: nothing crashes, nothing is delivered that its schema does not know, every next page is on the API's origin`, () => {
  const { answer, pick, chance } = fuzzer(7);
  const seen = new Map<string, number>();
  const count = (what: string): unknown => seen.set(what, (seen.get(what) ?? 0) + 1);
  for (let i = 0; i < REPLIES; i++) {
    const stream = streams[pick(['pages', 'cursor', 'links', 'keyset'] as const)];
    const url = 'https://api.test/rows';
    const owes =
      stream.paging.kind === 'pages' && chance(0.5) ? (total: number | undefined) => (total ?? 0) > 0 : undefined;
    const verdict = judgeResponse(answer(), {
      stream,
      rules: errors,
      owes,
      asked: { method: chance(0.9) ? 'GET' : 'POST', url },
      now: NOW,
    });
    count(verdict.is);
    if (verdict.is === 'redirect') {
      assert.equal(new URL(verdict.to).origin, 'https://api.test');
    } else if ('reason' in verdict) {
      assert.ok(verdict.reason.code !== '' && verdict.reason.message.length < 2_000);
      if ('wait' in verdict) assert.ok(verdict.wait === undefined || (verdict.wait >= 0 && verdict.wait < 3e9));
    } else {
      const exchange = {
        request: '',
        asked: '',
        answer: undefined,
        status: 200,
        requests: 1,
        keptText: () => '',
        redaction: { secrets: [], paths: [] },
      };
      const page = {
        ...{ ...verdict, estimate: undefined, empty: verdict.is === 'empty', url, lag: 0, exchange },
        note: verdict.note?.message,
      };
      const slice = { from: 0, to: NOW };
      const content = readRecords(page, 0, {
        listed: { stream, slice, name: 'rows' },
        mode: 'permissive',
        overlaps: false,
        startedAt: NOW,
      });
      assert.ok(!('code' in content));
      assert.equal(content.lines.length + content.quarantined.length, verdict.records.length);
      for (const line of content.lines) assert.ok(Row.safeParse(JSON.parse(line)).success, line);
      if (content.quarantined.length > 0) count('quarantined');
      if (stream.paging.kind === 'pages') continue;
      // Where the connector's own function finds nothing where it looks, the walk is stuck.
      const next = nextCursor(stream, verdict.reply, verdict.records, url);
      if (next.is === 'next') {
        count('next');
        chainPage(stream, next.cursor);
        if (stream.paging.kind === 'links') assert.equal(new URL(next.cursor).origin, 'https://api.test');
      }
    }
  }
  for (const what of [
    'page',
    'empty',
    'end',
    'throttled',
    'retry',
    'reauthorise',
    'restart',
    'redirect',
    'failure',
    'quarantined',
    'next',
  ])
    assert.ok((seen.get(what) ?? 0) > 50, `${what}: ${seen.get(what)} of ${JSON.stringify([...seen])}`);
});
