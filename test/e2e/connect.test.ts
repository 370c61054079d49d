import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { consent } from '../oidc/consent.ts';
import { CLIENT, startProvider } from '../oidc/provider.ts';
import { freePort, headgate, readRecords, temporaryFolder } from './headgate.ts';

const CONNECTOR = `
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

it('a person consents to a stack of this machine, and the next run reads in his name', async (t) => {
  const port = await freePort();
  const provider = await startProvider({ redirectUris: [`http://127.0.0.1:${port}/callback`] });
  t.after(() => provider.stop());
  const folder = await temporaryFolder(t);
  const file = join(folder, 'rows.ts');
  await writeFile(file, CONNECTOR);
  const [out, state] = [join(folder, 'out'), join(folder, 'state')];
  const shared = ['--param', `url=${provider.issuer}`, '--state', state];
  const env = { HEADGATE_SECRET: JSON.stringify(CLIENT) };

  const command = join(import.meta.dirname, '../../bin/headgate.ts');
  const child = spawn(process.execPath, [command, 'connect', file, ...shared, '--port', String(port)], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill());
  await consent(await firstLine(child));
  assert.equal(await new Promise((resolve) => child.once('close', resolve)), 0);

  const { code, receipts, stdout, stderr } = await headgate(['run', file, ...shared, '--out', out, '--json'], { env });
  const [receipt] = receipts;
  assert.ok(code === 0 && receipt, stderr);
  assert.equal(readRecords(out, receipt).length, 50);
  assert.deepEqual([provider.counts.tokens, provider.refusedRequests], [1, 0]);

  // Every byte that is left: records, receipts, logs, tables, queues, what was printed. (A table's blocks are packed, but random text stays as it is.)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  const bytes = files.filter((name) => statSync(name).isFile()).map((name) => readFileSync(name).toString('latin1'));
  const written = [...bytes, ...bytesOfGzip(files), stdout, stderr].join('\n');
  assert.ok(provider.secrets.size >= 3 && files.some((name) => name.includes('tables')));
  for (const secret of [...provider.secrets, CLIENT.clientSecret]) assert.ok(!written.includes(secret), secret);
});

const bytesOfGzip = (files: readonly string[]): string[] =>
  files.filter((name) => name.endsWith('.gz')).map((name) => gunzipSync(readFileSync(name)).toString('latin1'));

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('The command has no output.');
  for await (const line of createInterface({ input: stdout })) return line;
  throw new Error('The command said nothing.');
}
