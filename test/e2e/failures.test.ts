import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { it } from 'node:test';
import { type Ending, headgate, readRecords, temporaryFolder } from './headgate.ts';

const PAGES = 1_000;
const SIZE = 5;
const POISONED = [17, 230, 231, 500, 999];
const FAILING = Array.from({ length: 50 }, (_, i) => 20 * i + 3);
const SECRET = 'S3CR3T-of-this-account';

/** An API of many pages, of which some never come until it is mended, and some only at the second time. */
async function api(t: Ending) {
  let mended = false;
  const asked = new Map<number, number>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    const page = Number(url.searchParams.get('page'));
    asked.set(page, (asked.get(page) ?? 0) + 1);
    const send = (status: number, body: string) =>
      response.writeHead(status, { 'content-type': 'application/json', 'set-cookie': 'sid=crumbs' }).end(body);
    if (POISONED.includes(page) && !mended)
      return send(
        422,
        `{"message":"page ${page} is beyond us","you_sent":${JSON.stringify(request.headers.authorization)},"password":"hunter2"}`,
      );
    if (FAILING.includes(page) && asked.get(page) === 1) return send(500, 'oops');
    const rows = Array.from({ length: SIZE }, (_, i) => ({ id: (page - 1) * SIZE + i }));
    send(200, JSON.stringify({ rows, total: PAGES * SIZE }));
  }).listen(0, '127.0.0.1');
  t.after(() => server.close().closeAllConnections());
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const mend = (): void => {
    mended = true;
  };
  return { url: `http://127.0.0.1:${address.port}`, mend, asked };
}

const connector = (url: string): string => `
import { bearer, defineConnector, pages } from 'headgate/connector';
import * as z from 'zod';
export default defineConnector({
  name: 'shaky', docs: 'none', baseUrl: '${url}', params: z.object({}), auth: bearer(), limits: [],
  streams: (stream) => ({
    rows: stream({
      request: ({ page }) => ({ path: '/rows', query: { page: page.number, key: '${SECRET}' } }),
      paging: pages({ size: ${SIZE} }), total: (reply) => reply.body.total,
      records: (body) => body.rows, schema: z.object({ id: z.int() }), key: 'id',
    }),
  }),
});
`;

it('1,000 pages, 5 poisoned and 50 failing for a while: 5 are set aside with evidence, and retried once the API is mended', async (t) => {
  const { url, mend, asked } = await api(t);
  const folder = await temporaryFolder(t);
  const [file, state, out] = [join(folder, 'shaky.ts'), join(folder, 'state'), join(folder, 'out')];
  await writeFile(file, connector(url));
  const env = { HEADGATE_SECRET: JSON.stringify({ token: SECRET }) };
  const here = ['--state', state, '--json'];

  const first = await headgate(['run', file, '--out', out, ...here], { env });
  assert.equal(first.code, 2, first.stderr);
  const [receipt] = first.receipts;
  assert.ok(receipt);
  assert.deepEqual(
    [receipt.verdict, receipt.revision, receipt.pages],
    ['INCOMPLETE', 1, { planned: PAGES, fetched: 995, failed: 5 }],
  );
  assert.deepEqual(receipt.reasons[0], { code: 'http-422', message: 'HTTP 422', pages: POISONED });
  assert.equal(receipt.records.delivered, 995 * SIZE);
  assert.ok(FAILING.every((page) => asked.get(page) === 2) && POISONED.every((page) => asked.get(page) === 1));

  const listed = await headgate(['failures', 'list', 'shaky', ...here], { env });
  const rows = listed.stdout.split('\n').flatMap((line) => (line === '' ? [] : JSON.parse(line)));
  assert.deepEqual(
    rows.map(({ page, code, sync, attempts }) => [page, code, sync, attempts]),
    POISONED.map((page) => [page, 'http-422', receipt.sync, 1]),
  );

  const shown = await headgate(['failures', 'show', 'shaky', '--state', state], { env });
  for (const page of POISONED) assert.match(shown.stdout, new RegExp(`page ${page} is beyond us`));
  for (const hidden of [SECRET, 'crumbs', 'hunter2'])
    assert.ok(!`${shown.stdout}${listed.stdout}`.includes(hidden), hidden);

  mend();
  const retried = await headgate(['failures', 'retry', 'shaky', '--out', out, ...here], { env });
  assert.equal(retried.code, 0, retried.stderr);
  const last = JSON.parse(retried.stdout);
  assert.deepEqual(
    [last.sync, last.revision, last.verdict, last.evidence, last.reasons],
    [receipt.sync, 2, 'COMPLETE', 'count', []],
  );
  const ids = readRecords(out, last).map(({ id }) => Number(id));
  assert.deepEqual(
    ids.sort((a, b) => a - b),
    Array.from({ length: PAGES * SIZE }, (_, id) => id),
  );
  assert.ok(POISONED.every((page) => asked.get(page) === 2));

  const nothing = await headgate(['failures', 'list', '--state', state], { env });
  assert.deepEqual([nothing.code, nothing.stdout], [0, 'Nothing is missing.\n']);
});
