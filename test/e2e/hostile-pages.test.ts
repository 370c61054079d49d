import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { headgate, readRecords, temporaryFolder } from './headgate.ts';

/**
 * A hundred pages that no worker of 512 MB survives if it takes them as they come, in one run with listings that are honest. The run ends, each of the
 * hundred is set aside with a reason, and the others are COMPLETE.
 */

const MB = 1_000_000;
const HOSTILE = 100;
const SIZE = 10;

type Page = {
  readonly status?: number;
  readonly body: Buffer;
  readonly headers?: Record<string, string>;
  readonly code: string;
};

const KINDS: readonly Page[] = [
  { code: 'too-large', body: Buffer.from(`{"rows":[${Array(10_333_000).fill('{}').join(',')}]}`) },
  { code: 'too-deep', body: Buffer.from(`{"rows":${'['.repeat(300_000)}${']'.repeat(300_000)}}`) },
  {
    code: 'http-400',
    status: 400,
    body: Buffer.from(`<html><title>${'<a b='.repeat(80_000)}`),
    headers: { 'content-type': 'text/html' },
  },
  { code: 'too-large', body: gzipSync(Buffer.alloc(200 * MB)), headers: { 'content-encoding': 'gzip' } },
  { code: 'no-records', body: Buffer.from(JSON.stringify({ rows: 'x'.repeat(30 * MB) })) },
];

const rowsOf = (page: number, pages: number, note = ''): object[] =>
  Array.from({ length: page > pages ? 0 : SIZE }, (_, i) => ({ id: (page - 1) * SIZE + i, note }));
/** 10 MB of records. */
const LARGE = 'n'.repeat((10 * MB) / SIZE);

it('a hundred hostile pages end as reasons, and what is honest beside them is COMPLETE', async (t: TestContext) => {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
    const page = Number(searchParams.get('page') ?? 1);
    const say = (body: object): void =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (pathname === '/small') return say({ rows: rowsOf(page, 30), total: 30 * SIZE });
    if (pathname === '/large') return say({ rows: rowsOf(page, 4, LARGE), total: 4 * SIZE });
    if (pathname === '/cursors') return say({ rows: rowsOf(1, 1), next: 'c'.repeat(500_000) });
    if (page === 1) return say({ rows: rowsOf(1, 1), total: (HOSTILE + 1) * SIZE });
    const { status = 200, body, headers = {} } = KINDS[page % KINDS.length] ?? assert.fail();
    return response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const folder = await temporaryFolder(t);
  writeFileSync(join(folder, 'odd.ts'), CONNECTOR(address.port));
  const out = join(folder, 'out');

  const { code, receipts, stderr } = await headgate(['run', join(folder, 'odd.ts'), '--json', '--out', out], {
    cwd: folder,
  });
  assert.equal(code, 2, stderr);
  const of = (stream: string) => receipts.find((receipt) => receipt.stream === stream) ?? assert.fail(stderr);
  for (const [stream, pages] of [
    ['small', 30],
    ['large', 4],
  ] as const) {
    assert.deepEqual([of(stream).verdict, of(stream).records.delivered], ['COMPLETE', pages * SIZE], stream);
    assert.equal(readRecords(out, of(stream)).length, pages * SIZE);
  }
  const hostile = of('hostile');
  assert.deepEqual([hostile.verdict, hostile.pages.failed], ['INCOMPLETE', HOSTILE]);
  const told = new Set(hostile.reasons.map(({ code }) => code));
  assert.ok(!told.has('died'), 'a worker died of a page');
  for (const { code } of KINDS) assert.ok(told.has(code), `${code}: ${JSON.stringify(hostile.reasons)}`);
  assert.deepEqual([of('cursors').verdict, of('cursors').reasons[0]?.code], ['INCOMPLETE', 'stuck']);
});

const CONNECTOR = (port: number): string => `
import { cursor, defineConnector, none, pages } from 'headgate/connector';
import * as z from 'zod';
const numbered = (path) => ({
  request: ({ page }) => ({ path, query: { page: page.number } }), paging: pages({ size: ${SIZE} }),
  records: (body) => body.rows, total: (reply) => reply.body.total, schema: z.object({ id: z.int(), note: z.string() }), key: 'id',
});
export default defineConnector({
  name: 'odd', docs: '', params: z.object({}), baseUrl: 'http://127.0.0.1:${port}', auth: none(), limits: [],
  streams: () => ({
    hostile: { ...numbered('/hostile') }, small: numbered('/small'), large: numbered('/large'),
    cursors: { ...numbered('/cursors'), total: undefined, request: ({ page }) => ({ path: '/cursors', method: 'POST', json: { after: page.cursor } }),
      paging: cursor({ size: ${SIZE}, next: (reply) => reply.body.next }) },
  }),
});
`;
