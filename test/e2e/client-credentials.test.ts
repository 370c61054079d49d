import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { loadConnector } from '../../bin/cli/load-connector.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { headgate, readRecords, temporaryFolder } from './headgate.ts';

/** All that a stream may ask besides its pages, and a token that says where the API is. */
const CONNECTOR = `
import { clientCredentials, cursor, defineConnector, pages } from 'headgate/connector';
import * as z from 'zod';
type Params = { url: string };
const Row = z.object({ id: z.int(), changed: z.iso.datetime() });
export default defineConnector({
  name: 'shops', docs: '', params: z.object({ url: z.url() }),
  baseUrl: ({ grant }) => \`\${grant.instance_url}/api\`,
  auth: clientCredentials({
    tokenUrl: (params: Params) => \`\${params.url}/token\`, grant: z.object({ instance_url: z.url() }) }),
  limits: [],
  streams: (stream) => ({
    shops: stream({
      request: ({ page }) => ({ path: '/shops', query: { page: page.number, size: page.size } }),
      paging: pages({ size: 10 }), total: (reply) => reply.body.total, records: (body) => body.rows,
      schema: z.object({ id: z.int(), slug: z.string() }), key: 'id' }),
    orders: stream({
      each: { of: 'shops', pick: (shop) => String(shop.slug) },
      setup: { request: () => ({ path: '/fields' }), read: ({ body }) => body.fields.map((field) => field.name) },
      request: ({ parent, page, setup, window }) => ({ path: \`/shops/\${parent}/orders\`,
        query: { fields: setup.join(), cursor: page.cursor, from: window.from.iso, to: window.to.iso } }),
      paging: cursor({ size: 20, next: (reply) => reply.body.next }),
      count: {
        request: ({ parent, window }) => ({ path: \`/shops/\${parent}/orders/count\`,
          query: { from: window.from.iso, to: window.to.iso } }),
        read: (reply) => reply.body.count, exact: true },
      records: (body) => body.rows, schema: Row, key: 'id', map: (order, { parent }) => ({ ...order, shop: parent }),
      since: { field: (order) => order.changed, lookback: '1 minute', start: '2020-01-01T00:00:00Z' } }) }),
});`;
const [SHOPS, ORDERS] = [30, 500];

it('a connector that asks for everything is complete, exactly', async (t) => {
  const { file, args, api } = await simulated(t);
  const out = join(file, '../out');
  const secret = JSON.stringify(api.secret);
  const run = [...args, '--out', out, '--state', join(file, '../state')];
  const { code, receipts, stderr } = await headgate(run, { env: { HEADGATE_SECRET: secret } });
  assert.equal(code, 0, stderr);
  for (const receipt of receipts) {
    const expected = receipt.stream === 'shops' ? SHOPS : ORDERS;
    const ids = readRecords(out, receipt).map(({ id }) => id);
    assert.deepEqual([receipt.verdict, receipt.evidence], ['COMPLETE', 'count']);
    assert.deepEqual([ids.length, new Set(ids).size, receipt.expected.records], [expected, expected, expected]);
  }
  assert.equal(receipts.length, 2);
});

it('a secret that the token endpoint refuses ends a run with a sentence', async (t) => {
  const { file, args, api } = await simulated(t);
  const secret = JSON.stringify({ ...api.secret, clientSecret: 'another-S3CR3T' });
  const wrong = await headgate([...args, '--out', join(file, '../out')], { env: { HEADGATE_SECRET: secret } });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /"shops" cannot go on: the token endpoint refuses: invalid_client/);
  assert.doesNotMatch(wrong.stderr, /S3CR3T/);
});

async function simulated(t: { after(undo: () => unknown): void }) {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'shops.ts');
  await writeFile(file, CONNECTOR);
  const { connector } = await loadConnector(file);
  const api = await simulate(connector, { records: { shops: SHOPS, orders: ORDERS } });
  t.after(() => api.stop());
  return { file, args: ['run', file, '--param', `url=${api.url}`, '--json'], api };
}
