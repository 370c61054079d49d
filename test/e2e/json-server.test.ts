import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { headgate, readRecords, temporaryFolder } from './headgate.ts';
import { startJsonServer } from './json-server.ts';

/** Not a round number: a total of 10,000 that is met by a full last page may be where an API stops to count. */
const RECORDS = 10_050;
const START = Date.parse('2026-01-01T00:00:00Z');
const orders = Array.from({ length: RECORDS }, (_, index) => ({
  id: index + 1,
  customer: `customer ${index % 77}`,
  updated_at: new Date(START + index * 60_000).toISOString(),
}));

/** A connector file as its author would write it, in a folder of his own. */
const CONNECTOR = `
import { defineConnector, links, none, pages } from 'headgate/connector';
import * as z from 'zod';

const Order = z.object({ id: z.int(), customer: z.string(), updated_at: z.iso.datetime() });

export default defineConnector({
  name: 'json-server', docs: 'https://github.com/typicode/json-server', params: z.object({ url: z.url() }),
  baseUrl: ({ params }) => params.url, auth: none(), limits: [],
  streams: (stream) => ({
    numbered: stream({
      request: ({ page, window }) => ({ path: '/orders', query: { _page: page.number, _limit: page.size, updated_at_gte: window.from.iso } }),
      paging: pages({ size: 100 }), total: (reply) => Number(reply.header('x-total-count')),
      records: (body) => body, schema: Order, key: 'id', since: { field: (order) => order.updated_at, lookback: '10 minutes' },
    }),
    linked: stream({
      request: ({ page, window }) => ({ path: '/orders', query: { _page: 1, _limit: page.size, updated_at_gte: window.from.iso } }),
      paging: links({ size: 100 }),
      records: (body) => body, schema: Order, key: 'id', since: { field: (order) => order.updated_at, lookback: '10 minutes' },
    }),
  }),
});
`;

it('json-server: every record once, numbered in parallel and as a chain of links; then only what changed', async (t) => {
  const folder = await temporaryFolder(t);
  const url = await startJsonServer(t, folder, { orders });
  const file = join(folder, 'connector.ts');
  writeFileSync(file, CONNECTOR);
  const out = join(folder, 'out');
  const sync = () =>
    headgate(['run', file, '--param', `url=${url}`, '--json', '--out', out, '--state', join(folder, 'state')]);

  const first = await sync();
  assert.equal(first.code, 0, first.stderr);
  assert.deepEqual(first.receipts.map(({ stream, verdict, mode }) => [stream, verdict, mode]).sort(), [
    ['linked', 'COMPLETE', 'full'],
    ['numbered', 'COMPLETE', 'full'],
  ]);
  for (const receipt of first.receipts) {
    assert.equal(receipt.evidence, receipt.stream === 'numbered' ? 'count' : 'end');
    assert.equal(receipt.records.delivered, RECORDS);
    // 101 pages. The second look: a sentinel and ⌈√101⌉ pages where a total is stated, ⌈2√101⌉ where none is.
    assert.equal(receipt.requests.sent, 101 + (receipt.stream === 'numbered' ? 1 + 11 : 21));
    assert.deepEqual(byId(readRecords(out, receipt)), orders);
    assert.equal(receipt.watermark.after, orders.at(-1)?.updated_at);
  }

  // What changes behind its back: one old order, and a new one.
  const changed = { id: 5, customer: 'changed', updated_at: '2026-09-01T00:00:00.000Z' };
  const added = { id: RECORDS + 1, customer: 'added', updated_at: '2026-09-02T00:00:00.000Z' };
  await send('PUT', `${url}/orders/5`, changed);
  await send('POST', `${url}/orders`, added);

  const second = await sync();
  assert.equal(second.code, 0, second.stderr);
  // The lookback of ten minutes reaches back over eleven orders.
  const expected = [changed, ...orders.slice(-11), added];
  for (const receipt of second.receipts) {
    assert.equal(receipt.mode, 'incremental');
    assert.equal(receipt.verdict, 'COMPLETE');
    assert.equal(receipt.watermark.before, orders.at(-1)?.updated_at);
    assert.equal(receipt.watermark.after, added.updated_at);
    assert.deepEqual(byId(readRecords(out, receipt)), expected);
    assert.equal(receipt.requests.sent, 1);
  }
});

const byId = (records: readonly Record<string, unknown>[]) => records.toSorted((a, b) => Number(a.id) - Number(b.id));

async function send(method: string, url: string, body: object): Promise<void> {
  const reply = await fetch(url, {
    method,
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
  assert.ok(reply.ok, `${method} ${url}: ${reply.status}`);
  await reply.arrayBuffer();
}
