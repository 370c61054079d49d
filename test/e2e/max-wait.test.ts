import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Ending, headgate, temporaryFolder } from './headgate.ts';
import { shopApi } from './shop-api.ts';

const SHOP = join(import.meta.dirname, 'shop.ts');
const env = { HEADGATE_SECRET: '{"token":"good"}' };

/** The shop's API, which asks for patience from its third page on, until so many seconds have passed. */
async function impatientApi(t: Ending, seconds: number): Promise<string> {
  const shop = await shopApi(t);
  let until = 0;
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', shop.url);
    if (Number(url.searchParams.get('page')) >= 3 && until === 0) until = Date.now() + 1_000 * seconds;
    if (Date.now() < until) {
      response.writeHead(429, { 'retry-after': String(Math.ceil((until - Date.now()) / 1_000)) }).end('{}');
      return;
    }
    const answer = await fetch(url, { headers: { authorization: String(request.headers.authorization) } });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
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

test('a run that would wait for longer than --max-wait ends with one sentence, and the next one goes on', async (t) => {
  const folder = await temporaryFolder(t);
  const url = await impatientApi(t, 12);
  const args = ['run', SHOP, '--json', '--param', `url=${url}`];
  const kept = [...args, '--state', join(folder, 'state'), '--out', join(folder, 'out')];
  const first = await headgate([...kept, '--max-wait', '5s'], { env });
  assert.deepEqual([first.code, first.receipts], [2, []], first.stderr);
  assert.match(
    first.stderr,
    /\nEnded by --max-wait: nothing leaves until \S+Z, as the API asks for patience .*\. Run the same command again to go on\.\n$/,
  );
  const second = await headgate(kept, { env });
  assert.deepEqual(
    [second.code, second.receipts[0]?.verdict, second.receipts[0]?.records.delivered],
    [0, 'COMPLETE', 45],
  );
});

test('--max-wait is refused with one sentence where it is no time', async () => {
  const { code, stderr } = await headgate(['run', SHOP, '--max-wait', 'soon'], { env });
  assert.equal(code, 1);
  assert.match(stderr, /must be a number with s, m, h or d after it, like 5m \(got "soon"\)/);
});
