import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { nodeHttp } from '../../lib/aws/http.ts';
import { links } from '../../lib/core/connector/connector.ts';
import type { Stream } from '../../lib/core/connector/stream.ts';
import { nextCursor } from '../../lib/core/listing/chain.ts';
import { judgeResponse, type ResponseVerdict } from '../../lib/core/response/judge.ts';
import type { Rule } from '../../lib/core/response/rules.ts';
import { exchangeOf } from '../../lib/pipeline/requests/keep-answer.ts';
import { connectorOf, kinds, Row } from '../pipeline/kinds.ts';

/** What an API may answer, over a real socket; what is made of it, and what is kept. */

const BOUND = 100_000;
/** Milliseconds: for what never comes, and for what does. */
const [IMPATIENT, PATIENT] = [300, 20_000];
const PAGE = '{"rows":[{"id":1}],"total":1}';

type Answer = string | Buffer | ((socket: Socket) => void);
type Case = readonly [what: string, answer: Answer, is: ResponseVerdict['is'], code?: string, kept?: RegExp];

const bytes = (status: number, headers: Record<string, string>, body: string | Buffer = ''): Buffer =>
  Buffer.concat([
    Buffer.from(
      [
        `HTTP/1.1 ${status} Whatever`,
        ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
        '',
        '',
      ].join('\r\n'),
    ),
    Buffer.from(body),
  ]);
/** An answer as it should be framed. */
const reply = (status: number, body: string | Buffer = '', headers: Record<string, string> = {}): Buffer =>
  bytes(
    status,
    {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      connection: 'close',
      ...headers,
    },
    body,
  );
const html = (status: number, title: string): Buffer =>
  reply(status, `<!doctype html><html><title>${title}</title></html>`, { 'content-type': 'text/html' });
const refusals = (statuses: readonly number[], is: ResponseVerdict['is']): Case[] =>
  statuses.map((status) => [
    `${status}`,
    reply(status, `{"message":"it is ${status}"}`),
    is,
    `http-${status}`,
    new RegExp(`HTTP ${status}\n[^]*it is ${status}`),
  ]);

const CASES: readonly Case[] = [
  ['a page', reply(200, PAGE), 'page'],
  [
    'a page in chunks',
    bytes(
      200,
      { 'transfer-encoding': 'chunked', connection: 'close' },
      `${PAGE.length.toString(16)}\r\n${PAGE}\r\n0\r\n\r\n`,
    ),
    'page',
  ],
  ['a page that ends with its connection', bytes(200, { connection: 'close' }, PAGE), 'page'],
  ['a page after an early hint', Buffer.concat([bytes(103, { link: '</style.css>' }), reply(200, PAGE)]), 'page'],
  ...[201, 203, 207].map((status): Case => [`a page with status ${status}`, reply(status, PAGE), 'page']),
  ['a page with status 206, which is only a part', reply(206, PAGE), 'retry', 'partial'],
  ['204', bytes(204, { connection: 'close' }), 'page'],
  ['205', bytes(205, { 'content-length': '0', connection: 'close' }), 'page'],
  ['202 without a body', reply(202), 'retry', 'empty-body', /HTTP 202/],
  ['gzip', reply(200, gzipSync(PAGE), { 'content-encoding': 'gzip' }), 'page'],
  ['brotli', reply(200, brotliCompressSync(PAGE), { 'content-encoding': 'br' }), 'page'],
  ['deflate', reply(200, deflateSync(PAGE), { 'content-encoding': 'deflate' }), 'page'],
  ['gzip that is none', reply(200, PAGE, { 'content-encoding': 'gzip' }), 'retry', 'broken'],
  ['gzip that is torn', reply(200, gzipSync(PAGE).subarray(0, 20), { 'content-encoding': 'gzip' }), 'retry', 'broken'],
  ['JSON that calls itself HTML', reply(200, PAGE, { 'content-type': 'text/html' }), 'page'],
  [
    'JSON that calls itself Latin-1 and is UTF-8',
    reply(200, PAGE.replace('1', '"ü"'), { 'content-type': 'application/json; charset=iso-8859-1' }),
    'page',
  ],
  [
    'JSON in Latin-1, as it says',
    reply(200, Buffer.from(PAGE.replace('1', '"ü"'), 'latin1'), {
      'content-type': 'application/json; charset=iso-8859-1',
    }),
    'page',
  ],
  [
    'JSON in Latin-1, unsaid',
    reply(200, Buffer.from(PAGE.replace('1', '"ü"'), 'latin1')),
    'retry',
    'unreadable',
    /HTTP 200/,
  ],
  [
    'JSON in UTF-16 with its mark',
    reply(200, Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(PAGE, 'utf16le')])),
    'page',
  ],
  ['a byte order mark', reply(200, `\ufeff${PAGE}`), 'page'],
  ['an empty 200', reply(200), 'retry', 'empty-body'],
  ['nothing but blanks', reply(200, ' \r\n'), 'retry', 'empty-body'],
  ['a login page', html(200, 'Log in'), 'retry', 'html', /<title>Log in/],
  ['a captive portal', html(200, 'Welcome to Hotel Wi-Fi'), 'retry', 'html', /Hotel/],
  ['XML', reply(200, '<?xml version="1.0"?><rows/>', { 'content-type': 'application/xml' }), 'retry', 'unreadable'],
  ['CSV', reply(200, 'id\n1\n', { 'content-type': 'text/csv' }), 'retry', 'unreadable'],
  [
    'an image',
    reply(200, Buffer.from([0x89, 0x50, 0x4e, 0x47]), { 'content-type': 'image/png' }),
    'retry',
    'unreadable',
  ],
  ['JSON that is torn', reply(200, PAGE.slice(0, 12)), 'retry', 'unreadable', /\{"rows":\[/],
  ['fewer bytes than announced', bytes(200, { 'content-length': '500', connection: 'close' }, PAGE), 'retry', 'broken'],
  [
    'chunks without an end',
    bytes(200, { 'transfer-encoding': 'chunked', connection: 'close' }, `${PAGE.length.toString(16)}\r\n${PAGE}\r\n`),
    'retry',
    'broken',
  ],
  ['NaN', reply(200, '{"rows":[{"id":NaN}],"total":1}'), 'retry', 'unreadable'],
  ['a number beyond all doubles', reply(200, '{"rows":[{"id":1e999}],"total":1}'), 'retry', 'unreadable'],
  ['2^53 + 1', reply(200, '{"rows":[{"id":9007199254740993}],"total":1}'), 'page'],
  ['names that stand twice in a record', reply(200, '{"rows":[{"id":1,"id":2}],"total":1}'), 'page'],
  [
    'names that stand twice in the envelope',
    reply(200, '{"rows":[{"id":1}],"rows":[],"total":1}'),
    'failure',
    'duplicate-key',
    /"rows":\[\]/,
  ],
  ['lists in lists in lists', reply(200, '['.repeat(40_000) + ']'.repeat(40_000)), 'failure', 'too-deep'],
  ['an error inside', reply(200, '{"error":{"code":"E7","access_token":"ttttttt"}}'), 'failure', 'error-body', /E7/],
  [
    'errors of GraphQL',
    reply(200, '{"data":null,"errors":[{"message":"no such field"}]}'),
    'failure',
    'error-body',
    /no such field/,
  ],
  [
    'a problem (RFC 9457)',
    reply(200, '{"title":"Out of credit"}', { 'content-type': 'application/problem+json' }),
    'failure',
    'error-body',
    /credit/,
  ],
  ['no list of records', reply(200, '{"items":[]}'), 'failure', 'no-records'],
  ['records that are no list', reply(200, '{"rows":{},"total":0}'), 'failure', 'no-records'],
  ['null', reply(200, 'null'), 'failure', 'no-records'],
  ['a total that is text', reply(200, '{"rows":[],"total":"all"}'), 'failure', 'bad-total'],
  ['an empty page where records belong', reply(200, '{"rows":[],"total":7}'), 'retry', 'empty-page'],
  ['an empty page behind the end', reply(200, '{"rows":[],"total":0}'), 'end'],
  ['a rule', reply(418, '{}'), 'restart', 'rule'],
  ...refusals([300, 400, 402, 403, 404, 405, 409, 410, 413, 414, 422, 451], 'failure'),
  ...refusals([401], 'reauthorise'),
  ...refusals([408, 425, 500, 501, 502, 503, 504, 507, 520, 599], 'retry'),
  ...refusals([429], 'throttled'),
  ['304: nothing changed', bytes(304, { connection: 'close' }), 'empty'],
  ['503 with advice', reply(503, '', { 'retry-after': '3' }), 'throttled', 'http-503'],
  ['a 500 in HTML', html(500, 'Oops'), 'retry', 'http-500', /Oops/],
  ['a redirect within the origin', reply(302, '', { location: '/elsewhere' }), 'redirect'],
  [
    'a redirect to another origin',
    reply(302, '', { location: 'https://sso.example/login' }),
    'failure',
    'redirect',
    /location: https:\/\/sso\.example/,
  ],
  ['a redirect to another scheme', reply(301, '', { location: 'https://127.0.0.1/rows' }), 'failure', 'redirect'],
  ['a redirect to another port', reply(308, '', { location: 'http://127.0.0.1:1/rows' }), 'failure', 'redirect'],
  ['a redirect to nowhere', reply(302), 'failure', 'http-302'],
  ['a body larger than allowed', reply(200, 'x'.repeat(200_000)), 'failure', 'too-large'],
  [
    'a body of a gigabyte',
    (socket) => void socket.write(bytes(200, { 'content-length': '1000000000' }, 'x'.repeat(300_000))),
    'failure',
    'too-large',
  ],
  ['a body without end', (socket) => flood(socket), 'failure', 'too-large'],
  [
    'a gzip bomb',
    reply(200, gzipSync(Buffer.alloc(20_000_000)), { 'content-encoding': 'gzip' }),
    'failure',
    'too-large',
  ],
  [
    'headers without end',
    bytes(200, Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`x-${i}`, 'x'.repeat(40)])), PAGE),
    'retry',
    'broken',
  ],
  ['what is no HTTP', 'SSH-2.0-OpenSSH_9.9\r\n', 'retry', 'broken'],
  ['a connection that is closed at once', (socket) => void socket.destroy(), 'retry', 'broken'],
  [
    'a reset in the middle of the body',
    (socket) => void socket.write(bytes(200, { 'content-length': '500' }, PAGE), () => socket.resetAndDestroy()),
    'retry',
    'broken',
  ],
  ['silence', () => {}, 'retry', 'timeout'],
  ['a body byte by byte, for ever', (socket) => drip(socket), 'retry', 'timeout'],
  ['headers byte by byte, for ever', (socket) => dripHeaders(socket), 'retry', 'timeout'],
];

function flood(socket: Socket): void {
  socket.write(bytes(200, { 'transfer-encoding': 'chunked' }));
  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
  const more = (): void => void (socket.destroyed || socket.write(chunk, more));
  more();
}
function drip(socket: Socket): void {
  socket.write(bytes(200, { 'content-length': '500' }));
  const timer = setInterval(() => socket.write(' '), 20);
  socket.once('close', () => clearInterval(timer));
}
function dripHeaders(socket: Socket): void {
  socket.write('HTTP/1.1 200 OK\r\n');
  const timer = setInterval(() => socket.write('x-a: b\r\n'), 20);
  socket.once('close', () => clearInterval(timer));
}

describe(`${CASES.length} answers of an API`, { concurrency: 8 }, () => {
  let server: Server;
  let origin = '';
  const http = nodeHttp();
  const sockets = new Set<Socket>();
  before(async () => {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('data', (head) => {
        const answer = CASES[Number(/\/(\d+)/.exec(String(head))?.[1])]?.[1];
        if (typeof answer === 'function') answer(socket);
        else if (answer !== undefined) socket.end(answer);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    origin = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
  });
  after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  const { connector } = kinds['pages with a total'];
  const { rows } = connector.streams;
  const rules: Rule[] = [{ when: ({ status }) => status === 418, is: 'restart', because: 'a teapot' }];
  for (const [index, [what, , is, code, kept]] of CASES.entries()) {
    it(`${what}: ${is}${code === undefined ? '' : ` (${code})`}`, async () => {
      assert.ok(rows);
      const asked = { method: 'GET', url: `${origin}/${index}?api_key=hunter2` } as const;
      const headers = { authorization: 'Bearer S3CR3T' };
      const answer = await http.send(
        { ...asked, headers },
        { deadline: code === 'timeout' ? IMPATIENT : PATIENT, bound: BOUND },
      );
      const owes = (total = 0): boolean => total > 0;
      const verdict = judgeResponse(answer, { stream: rows, rules, owes, asked, now: Date.now() });
      const reason = 'reason' in verdict ? verdict.reason : undefined;
      assert.deepEqual([verdict.is, reason?.code], [is, code], reason?.message);
      if (is === 'page' && !what.startsWith('20') && 'records' in verdict) assert.equal(verdict.records.length, 1);
      const text = exchangeOf(connector, { secret: { token: 'S3CR3T' }, asked, answer, requests: 1 }).keptText();
      assert.match(text, kept ?? /^GET http/);
      assert.ok(!/hunter2|S3CR3T|ttttttt/.test(text) && text.length < 70_000);
    });
  }
});

it('a next link that leaves the origin, or its scheme, is not followed', () => {
  const linked: Stream | undefined = connectorOf((stream) =>
    stream({
      request: () => ({ path: '/rows' }),
      paging: links({ size: 2 }),
      records: (body) => body,
      schema: Row,
      key: 'id',
    }),
  ).streams.rows;
  assert.ok(linked);
  const next = (link: string) =>
    nextCursor(linked, { status: 200, header: () => `<${link}>; rel="next"`, body: [] }, [], 'https://api.test/rows');
  for (const link of [
    'https://evil.test/rows',
    'http://api.test/rows',
    'https://api.test:444/rows',
    '//evil.test/',
    'javascript:1',
  ])
    assert.equal(next(link).is, 'stuck', link);
  assert.deepEqual(next('/rows?page=2'), { is: 'next', cursor: 'https://api.test/rows?page=2' });
});
