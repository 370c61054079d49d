import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { CLIENT, startProvider } from '../oidc/provider.ts';
import { headgate, temporaryFolder } from './headgate.ts';

const CONNECTOR = `
import { clientCredentials, defineConnector, pages } from 'headgate/connector';
import * as z from 'zod';
export default defineConnector({
  name: 'rows', docs: '', params: z.object({ url: z.url() }),
  baseUrl: ({ params }) => \`\${params.url}/api\`,
  auth: clientCredentials({ tokenUrl: (params: { url: string }) => \`\${params.url}/token\` }),
  limits: [],
  streams: (stream) => ({ rows: stream({
    request: ({ page }) => ({ path: '/rows', query: { page: page.number, size: page.size } }),
    paging: pages({ size: 10 }), total: (reply) => reply.body.total, records: (body) => body.rows,
    schema: z.object({ id: z.int() }), key: 'id' }) }),
});`;

it('a secret that the token endpoint refuses ends a run with a sentence', async (t) => {
  const provider = await startProvider();
  t.after(() => provider.stop());
  const folder = await temporaryFolder(t);
  const file = join(folder, 'rows.ts');
  await writeFile(file, CONNECTOR);
  const out = join(folder, 'out');
  const args = ['run', file, '--param', `url=${provider.issuer}`, '--out', out, '--json'];
  const secret = { ...CLIENT, clientSecret: 'another-S3CR3T' };
  const wrong = await headgate(args, { env: { HEADGATE_SECRET: JSON.stringify(secret) } });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /"rows" cannot go on: the token endpoint refuses: invalid_client/);
  assert.doesNotMatch(wrong.stderr, /S3CR3T/);
});
