import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Ending, headgate, readRecords, temporaryFolder } from './headgate.ts';

const CONNECTOR = join(import.meta.dirname, 'two-accounts.ts');
const COUNT = 395;

/** `onRequest`: hears of each page that is asked for. */
async function accountsApi(t: Ending, onRequest: (org: string) => void) {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://accounts.test');
    const org = pathname.split('/')[1] ?? '';
    onRequest(org);
    // What `b` has is older than all of `a`.
    const day = org === 'a' ? 20 : 1;
    const all = Array.from({ length: COUNT }, (_, id) => ({
      id: `${org}${id}`,
      updated: new Date(Date.UTC(2026, 10, day, 0, 0, id)).toISOString(),
    }));
    const rows = all.filter(({ updated }) => updated >= (searchParams.get('since') ?? ''));
    const from = 10 * (Number(searchParams.get('page')) - 1);
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ rows: rows.slice(from, from + 10), total: rows.length }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port.');
  return `http://127.0.0.1:${address.port}`;
}

test('a run that was killed for one account and begun for another delivers the second one whole, and it alone', async (t) => {
  const folder = await temporaryFolder(t);
  const killing = new AbortController();
  let asked = 0;
  const url = await accountsApi(t, () => {
    asked += 1;
    if (asked === 12) killing.abort();
  });
  const run = (org: string, signal?: AbortSignal) =>
    headgate(
      [
        ...['run', CONNECTOR, '--json', '--param', `url=${url}`, '--param', `org=${org}`],
        ...['--state', join(folder, 'state'), '--out', join(folder, 'out')],
      ],
      signal === undefined ? {} : { signal },
    );
  const killed = await run('a', killing.signal);
  assert.equal(killed.code, null);

  const second = await run('b');
  const [receipt, ...others] = second.receipts;
  assert.ok(receipt !== undefined && others.length === 0, second.stderr);
  assert.deepEqual([second.code, receipt.verdict, receipt.mode], [0, 'COMPLETE', 'full']);
  const ids = readRecords(join(folder, 'out'), receipt).map(({ id }) => String(id));
  assert.equal(new Set(ids).size, COUNT);
  assert.deepEqual([...new Set(ids.map((id) => id[0]))], ['b']);

  // The first one again, and then what is new of it: nothing but the lookback.
  const back = await run('a');
  assert.deepEqual([back.receipts[0]?.verdict, back.receipts[0]?.mode], ['COMPLETE', 'full'], back.stderr);
  assert.equal(back.receipts[0]?.records.delivered, COUNT);
  assert.equal((await run('a')).receipts[0]?.mode, 'incremental');
});
