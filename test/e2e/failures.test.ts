import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { it } from 'node:test';
import { openConnector } from '../../bin/cli/deployed-connector.ts';
import { connectors } from '../../lib/connectors/index.ts';
import type { Receipt } from '../../lib/core/verdict/receipt.ts';
import { REGION } from '../../lib/local/names.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { deploy } from './deployed.ts';
import { type Ending, headgate, readRecords, temporaryFolder } from './headgate.ts';

const PAGES = 1_000;
const SIZE = 7;
const POISONED = [17, 230, 231, 500, 990];
const FAILING = Array.from({ length: 50 }, (_, i) => 20 * i + 3);
/** The API writes this one's number as a text. */
const STRANGE = 7;
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
    const rows = Array.from({ length: page > PAGES ? 0 : SIZE }, (_, i) => (page - 1) * SIZE + i).map((id) => ({
      id: id === STRANGE ? String(id) : id,
    }));
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

const connector = (url: string, id = 'z.int()'): string => `
import { bearer, defineConnector, pages } from 'headgate/connector';
import * as z from 'zod';
export default defineConnector({
  name: 'shaky', docs: 'none', baseUrl: '${url}', params: z.object({}), auth: bearer(), limits: [],
  streams: (stream) => ({
    rows: stream({
      request: ({ page }) => ({ path: '/rows', query: { page: page.number, key: '${SECRET}' } }),
      paging: pages({ size: ${SIZE} }), total: (reply) => reply.body.total,
      records: (body) => body.rows, schema: z.object({ id: ${id} }), key: 'id',
    }),
  }),
});
`;

it('1,000 pages, 5 poisoned and 50 failing for a while: 5 are set aside with evidence, and retried once the API is mended; what did not fit is mapped once the connector is', async (t) => {
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
  assert.deepEqual([receipt.records.delivered, receipt.records.quarantined], [995 * SIZE - 1, 1]);
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

  const told = await headgate(['failures', 'list', 'shaky', '--state', state], { env });
  assert.match(
    told.stdout,
    /shaky\/main rows, sync \S+: 1 record is quarantined\. Repair the connector, then: npx headgate failures map shaky --sync/,
  );

  mend();
  const refused = await headgate(['failures', 'retry', 'shaky', '--page', '18', ...here], { env });
  assert.deepEqual([refused.code, refused.stderr], [1, `Page 18 is not missing. These are: ${POISONED.join(', ')}.\n`]);
  const some = await headgate(['failures', 'retry', 'shaky', '--page', '230,500', ...here], { env });
  assert.equal(some.code, 2, some.stderr);
  const part = JSON.parse(some.stdout);
  const left = POISONED.filter((page) => page !== 230 && page !== 500);
  assert.deepEqual(
    [part.revision, part.verdict, part.reasons[0]],
    [2, 'INCOMPLETE', { ...receipt.reasons[0], pages: left }],
  );
  assert.ok(
    left.every((page) => asked.get(page) === 1),
    'only what was chosen is asked for',
  );

  const retried = await headgate(['failures', 'retry', 'shaky', '--out', out, ...here], { env });
  assert.equal(retried.code, 0, retried.stderr);
  const last = JSON.parse(retried.stdout);
  assert.deepEqual(
    [last.sync, last.revision, last.verdict, last.evidence, last.reasons],
    [receipt.sync, 3, 'COMPLETE', 'count', []],
  );
  const ids = (of: Receipt): number[] =>
    readRecords(out, of)
      .map(({ id }) => Number(id))
      .sort((a, b) => a - b);
  const all = Array.from({ length: PAGES * SIZE }, (_, id) => id);
  assert.deepEqual(
    ids(last),
    all.filter((id) => id !== STRANGE),
  );
  assert.ok(POISONED.every((page) => [2, 3].includes(asked.get(page) ?? 0)));

  await writeFile(file, connector(url, 'z.union([z.int(), z.string().transform(Number)])'));
  const before = new Map(asked);
  const mapped = await headgate(['failures', 'map', 'shaky', '--out', out, ...here], { env });
  assert.equal(mapped.code, 0, mapped.stderr);
  const whole = JSON.parse(mapped.stdout);
  assert.deepEqual([whole.sync, whole.revision, whole.records.quarantined], [receipt.sync, 4, 0]);
  assert.deepEqual(ids(whole), all);
  assert.deepEqual(asked, before, 'the API is not asked');

  const nothing = await headgate(['failures', 'list', '--state', state], { env });
  assert.deepEqual([nothing.code, nothing.stdout], [0, 'Nothing is missing.\n']);

  const next = await headgate(['run', file, '--out', out, ...here], { env });
  assert.deepEqual([next.code, next.receipts[0]?.verdict, next.receipts[0]?.revision], [0, 'COMPLETE', 1], next.stderr);
  assert.ok((next.receipts[0]?.sync ?? '') > receipt.sync, 'a run after that asks for what is new');
});

it('on a deployed stack: what is missing is listed, and retried, or accepted', async (t) => {
  const practice = connectors.practice;
  assert.ok(practice);
  const simulation = await simulate(practice.connector, { seed: 5, records: { orders: 1_050 } });
  t.after(() => simulation.stop());
  let mended = false;
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', simulation.url);
    if (url.searchParams.get('page') === '3' && !mended) {
      response.writeHead(404).end('{}');
      return;
    }
    const answer = await fetch(url, { headers: { accept: 'application/json' } });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  }).listen(0, '127.0.0.1');
  t.after(() => server.close().closeAllConnections());
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);

  const { env, endpoint, credentials } = await deploy(t, [practice]);
  const run = (...args: string[]) => headgate([...args, '--stage', 'prod'], { env });
  await run('connections', 'add', 'practice', 'acme', '--param', `url=http://127.0.0.1:${address.port}`);
  const first = await run('sync', 'practice', 'acme', '--stream', 'orders', '--wait');
  assert.equal(first.code, 2, first.stderr);
  const listed = await run('failures', 'list', 'practice', '--json');
  const [row, ...others] = listed.stdout.split('\n').flatMap((line) => (line === '' ? [] : JSON.parse(line)));
  assert.deepEqual([row.stream, row.page, row.code, others], ['orders', 3, 'http-404', []]);
  mended = true;
  const retried = await run('failures', 'retry', 'practice', '--connection', 'acme', '--json');
  assert.equal(retried.code, 0, retried.stderr);
  const receipt = JSON.parse(retried.stdout);
  assert.deepEqual(
    [receipt.sync, receipt.revision, receipt.verdict, receipt.records.delivered],
    [row.sync, 2, 'COMPLETE', 1_050],
  );
  const waiting = async (): Promise<number> =>
    (await openConnector({ endpoint, region: REGION, credentials }, 'prod', practice.connector)).failuresReader
      .counts()
      .then(({ visible, inFlight }) => visible + inFlight);
  assert.equal(await waiting(), 0);

  mended = false;
  await run('sync', 'practice', 'acme', '--stream', 'orders', '--full', '--wait');
  assert.equal(await waiting(), 1);
  mended = true;
  await run('sync', 'practice', 'acme', '--stream', 'orders', '--full', '--wait');
  assert.match((await run('failures', 'list')).stdout, /^Nothing is missing\.$/m);
  await run('failures', 'retry');
  assert.equal(await waiting(), 0, 'what a later sync brought is taken out of the queue');

  mended = false;
  await run('sync', 'practice', 'acme', '--stream', 'orders', '--full', '--wait');
  const REASON = 'page 3 was lost for good, says the supplier';
  const accept = () => run('accept', 'practice', 'orders', '--connection', 'acme', '--reason', REASON, '--json');
  const accepted = await accept();
  assert.equal(accepted.code, 0, accepted.stderr);
  const { verdict, revision, accepted: why, reasons } = JSON.parse(accepted.stdout);
  assert.deepEqual([verdict, revision, why.reason, reasons[0].code], ['INCOMPLETE', 2, REASON, 'http-404']);
  assert.match((await run('failures', 'list')).stdout, /^Nothing is missing\.$/m);
  const stands = await run('status', 'practice', 'acme');
  assert.match(stands.stdout, /· 0 to look at ·/);
  assert.match(stands.stdout, /^acme +orders +INCOMPLETE, accepted .*page 3 was lost for good/m);
  const again = await accept();
  assert.deepEqual([again.code, again.stdout], [1, '']);
  assert.match(again.stderr, /^Nothing is accepted: what the sync \S+ lacks was accepted already\.$/m);
});
