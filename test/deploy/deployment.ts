import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { GetObjectCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { openPostgres } from '../../lib/load/postgres.ts';
import { freePort, headgate, type Ran, temporaryFolder } from '../e2e/headgate.ts';
import { type ShopApi, shopApi } from '../e2e/shop-api.ts';
import { type PostgresServer, startPostgres } from '../load/postgres-server.ts';
import { until } from '../local/until.ts';
import { type AskForPage, consent } from '../oidc/consent.ts';
import { CLIENT, startProvider } from '../oidc/provider.ts';
import { type Emulator, startEmulator } from './emulator.ts';

/**
 * The documented commands, one after the other, on an emulator of AWS that this project did not write: no account, no Docker. Run it with
 * `npm run test:deploy`; it needs Python 3, and takes some minutes.
 */

const ROOT = join(import.meta.dirname, '../..');
const SHOP = join(ROOT, 'test/e2e/shop.ts');
const ORDERS = 45;
/** One on each of five pages. */
const DRIFTED = 5;

describe('a stage that is deployed, operated and taken away', () => {
  const undo: (() => unknown)[] = [];
  const ending = { after: (fn: () => unknown) => void undo.unshift(fn) };
  let folder: string;
  let emulator: Emulator;
  let api: ShopApi;
  let server: PostgresServer;
  let env: Record<string, string>;

  before(async () => {
    folder = await temporaryFolder(ending);
    api = await shopApi(ending);
    mkdirSync(join(folder, 'aws'));
    server = await startPostgres();
    ending.after(server.stop);
    emulator = await startEmulator(join(folder, 'aws'));
    ending.after(emulator.stop);
    env = { ...emulator.env, HEADGATE_CONFIG: join(folder, 'headgate.config.ts') };
    configure({});
    writeFileSync(join(folder, 'secret.json'), '{"token":"good"}');
  });
  after(async () => {
    for (const each of undo) await each();
  });

  let connectors: readonly string[] = [SHOP];
  const configure = (prod: object): void => {
    writeFileSync(
      join(folder, 'headgate.config.ts'),
      `export default ${JSON.stringify({ connectors, stages: { prod } })};`,
    );
  };
  /** Runs CDK as the documentation says, and gives what it printed. */
  const cdk = async (...args: readonly string[]): Promise<string> => {
    const app = ['--app', `${process.execPath} bin/start.js app`, '--output', join(folder, 'cdk.out')];
    const child = spawn(process.execPath, ['node_modules/.bin/cdk', ...args, ...app], {
      cwd: ROOT,
      env: { ...process.env, ...env },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    const code = await new Promise((resolve) => child.on('close', resolve));
    assert.equal(code, 0, `cdk ${args.join(' ')}\n${output.slice(-3_000)}`);
    return output;
  };
  const type = (line: string): Promise<Ran> => headgate([...line.split(' '), '--stage', 'prod'], { env });
  const typed = async (line: string, code = 0): Promise<string> => {
    const ran = await type(line);
    assert.equal(ran.code, code, `headgate ${line}\n${ran.stdout}\n${ran.stderr}`);
    return ran.stdout;
  };
  const emulated = () => ({
    endpoint: emulator.env.AWS_ENDPOINT_URL ?? '',
    region: 'eu-central-1',
    credentials: { accessKeyId: '000000000000', secretAccessKey: 'test' },
  });
  /** How many different records a receipt stands for, read as a consumer does: receipt, manifest, parts. */
  const delivered = async (receipt: { readonly manifest: string }): Promise<number> => {
    const client = new S3Client({ ...emulated(), forcePathStyle: true });
    const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
    const Bucket = Buckets.find(({ Name }) => Name?.startsWith('headgate-prod-state'))?.Name;
    const lines = async (Key: string): Promise<{ readonly key: string; readonly id: unknown }[]> => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      const text = gunzipSync((await Body?.transformToByteArray()) ?? '').toString();
      return text.split('\n').flatMap((line) => (line === '' ? [] : JSON.parse(line)));
    };
    const parts = await Promise.all((await lines(receipt.manifest)).map(({ key }) => lines(key)));
    client.destroy();
    return new Set(parts.flat().map(({ id }) => id)).size;
  };
  const synced = async (more = '', code = 0) => JSON.parse(await typed(`sync shop main --wait --json${more}`, code));

  it('is bootstrapped and deployed; a second look finds no difference', async () => {
    await cdk('bootstrap');
    const output = await cdk('deploy', 'headgate-prod-*', '--require-approval', 'never');
    assert.match(output, /BucketName = headgate-prod-state/);
    assert.match(await cdk('diff', 'headgate-prod-*'), /Number of stacks with differences: 0/);
  });

  it('syncs, and a consumer finds every record', async () => {
    await typed(`connections add shop main --param url=${api.url} --secrets ${join(folder, 'secret.json')}`);
    const receipt = await synced();
    assert.deepEqual([receipt.verdict, await delivered(receipt)], ['COMPLETE', ORDERS]);
  });

  it('loads what it delivers into tables of a PostgreSQL, once its URL is in the secret', async () => {
    configure({ load: { schema: 'api' } });
    const output = await cdk('deploy', 'headgate-prod-*', '--require-approval', 'never');
    const [, secret] = /DatabaseSecret = (\S+)/.exec(output) ?? [];
    const url = await server.database();
    const client = new SecretsManagerClient({ ...emulated() });
    await client.send(new PutSecretValueCommand({ SecretId: secret, SecretString: JSON.stringify({ url }) }));
    client.destroy();
    const receipt = await synced(' --full');
    const tables = await openPostgres(url, { schema: 'api' });
    ending.after(() => tables.close());
    const rows = async (): Promise<readonly object[]> =>
      (await tables.query(`SELECT 1 FROM pg_tables WHERE tablename = 'shop_orders'`)).length === 0
        ? []
        : tables.query('SELECT DISTINCT _headgate_sync AS sync, count(*) OVER ()::INTEGER AS rows FROM shop_orders');
    await until(async () => (await rows()).length > 0, 120);
    assert.deepEqual(await rows(), [{ sync: receipt.sync, rows: ORDERS }]);
  });

  it('loads from the bucket into a DuckDB file by hand', async () => {
    assert.match(
      await typed(`load ${SHOP} --to ${join(folder, 'shop.duckdb')}`),
      new RegExp(`loaded: ${ORDERS} rows written`),
    );
  });

  it('sets a poisoned page aside, and gets it when it is asked for again', async () => {
    api.mood = 'gone';
    assert.equal((await synced(' --full', 2)).verdict, 'INCOMPLETE');
    assert.match(await typed('failures list shop'), /410/);
    api.mood = 'well';
    const receipt = JSON.parse(await typed('failures retry shop --json'));
    assert.deepEqual([receipt.verdict, receipt.revision, await delivered(receipt)], ['COMPLETE', 2, ORDERS]);
  });

  it('maps quarantined records again by the mended connector, without a request', async () => {
    api.mood = 'drifts';
    const before = await synced(' --full', 2);
    assert.deepEqual([before.verdict, before.records.quarantined], ['INCOMPLETE', DRIFTED]);
    api.mood = 'well';
    const mended = join(folder, 'shop-mended.ts');
    const source = readFileSync(SHOP, 'utf8').replace('../../lib/core/connector/connector.ts', 'headgate/connector');
    writeFileSync(mended, source.replace('id: z.int()', 'id: z.coerce.number().int()'));
    connectors = [mended];
    configure({});
    await cdk('deploy', 'headgate-prod-*', '--require-approval', 'never');
    const asked = api.since.length;
    const receipt = JSON.parse(await typed('failures map shop --json'));
    assert.deepEqual([receipt.verdict, receipt.revision, await delivered(receipt)], ['COMPLETE', 2, ORDERS]);
    assert.equal(api.since.length, asked, 'the API was asked');
    connectors = [SHOP];
    configure({});
    await cdk('deploy', 'headgate-prod-*', '--require-approval', 'never');
  });

  it('takes a consent at the URL of its function, and reads in that name', async () => {
    writeFileSync(join(folder, 'rows.ts'), CONSENTED);
    writeFileSync(join(folder, 'client.json'), JSON.stringify(CLIENT));
    connectors = [SHOP, join(folder, 'rows.ts')];
    configure({});
    await cdk('deploy', 'headgate-prod-*', '--require-approval', 'never');
    const port = await freePort();
    await typed(
      `connections add rows main --param url=http://127.0.0.1:${port} --secrets ${join(folder, 'client.json')}`,
    );
    const link = (await typed('connect rows main')).trim();
    const provider = await startProvider({ port, redirectUris: [new URL('/callback', link).href] });
    ending.after(provider.stop);
    await consent(link, askThrough(emulated().endpoint));
    const receipt = JSON.parse(await typed('sync rows main --wait --json'));
    assert.deepEqual([receipt.verdict, await delivered(receipt)], ['COMPLETE', 50]);
    assert.deepEqual([provider.counts.tokens, provider.refusedRequests], [1, 0]);
  });

  it('accepts what will not come', async () => {
    api.mood = 'gone';
    await synced(' --full', 2);
    await typed('accept shop orders --connection main --reason gone-for-good');
    assert.match(await typed('failures list shop'), /Nothing is missing/);
    api.mood = 'well';
  });

  it('is deployed anew with other settings in the middle of a sync, which gets everything', async () => {
    const running = synced(' --full');
    configure({ schedules: false, attempts: 5 });
    await cdk('deploy', 'headgate-prod-*', '--require-approval', 'never');
    const receipt = await running;
    assert.deepEqual([receipt.verdict, await delivered(receipt)], ['COMPLETE', ORDERS]);
  });

  it('tells how it stands', async () => {
    assert.match(await typed('status shop'), /COMPLETE/);
    await typed('housekeep shop');
    await typed('alarms');
    // What was accepted still lies in the failures queue, so that the doctor is not content.
    assert.match(await typed('doctor shop', 2), /shop main: its parameters and its secret can be read/);
  });

  it('a stage for trying things is deployed, and destroyed again', async () => {
    await cdk('deploy', 'headgate-dev-*', '--require-approval', 'never');
    await cdk('destroy', 'headgate-dev-*', '--force');
    const left = await cdk('diff', 'headgate-dev-state');
    assert.match(left, /AWS::DynamoDB::Table/, 'every table would be made anew');
  });

  it('no function wrote an error', () => {
    const log = readFileSync(join(folder, 'aws/emulator.log'), 'utf8');
    assert.doesNotMatch(log, /"errorType"|not authorized to perform/);
  });
});

/** The URL of a function is a name of AWS: its requests go to the emulator, which tells functions apart by that name. */
const askThrough =
  (endpoint: string): AskForPage =>
  async (url, init) => {
    const { host, pathname, search } = new URL(url);
    if (!host.includes('.lambda-url.')) return fetch(url, init);
    const form = init.body instanceof URLSearchParams ? init.body.toString() : '';
    const headers = { ...Object(init.headers), host, 'content-type': 'application/x-www-form-urlencoded' };
    const sent = request(new URL(`${pathname}${search}`, endpoint), { method: init.method ?? 'GET', headers });
    sent.end(form);
    const [response]: unknown[] = await once(sent, 'response');
    assert.ok(response instanceof IncomingMessage);
    const received = new Headers(
      Object.entries(response.headersDistinct).flatMap(([name, values = []]) =>
        values.map((value): [string, string] => [name, value]),
      ),
    );
    return new Response(await text(response), { status: response.statusCode ?? 0, headers: received });
  };

const CONSENTED = `
import { authorizationCode, defineConnector, pages } from 'headgate/connector';
import * as z from 'zod';
type Params = { url: string };
export default defineConnector({
  name: 'rows', docs: '', params: z.object({ url: z.url() }),
  baseUrl: ({ params }) => \`\${params.url}/api\`,
  auth: authorizationCode({
    authorizeUrl: (params: Params) => \`\${params.url}/auth\`, tokenUrl: (params: Params) => \`\${params.url}/token\`,
    scopes: ['openid', 'offline_access'], parameters: { prompt: 'consent' } }),
  limits: [],
  streams: (stream) => ({ rows: stream({
    request: ({ page }) => ({ path: '/rows', query: { page: page.number, size: page.size } }),
    paging: pages({ size: 10 }), total: (reply) => reply.body.total, records: (body) => body.rows,
    schema: z.object({ id: z.int() }), key: 'id' }) }),
});`;
