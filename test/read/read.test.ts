import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { s3Objects } from '../../lib/aws/objects.ts';
import type { Receipt } from '../../lib/core/verdict/receipt.ts';
import {
  advanceCheckpoint,
  bucketSource,
  type Checkpoint,
  checkpointSchema,
  folderSource,
  type ReadOptions,
  readQuarantineLines,
  readReceipts,
  readRecords,
  type Source,
} from '../../lib/read/read.ts';
import { BUCKET, type Embedded, startEmbedded } from '../contract/embedded.ts';

type Put = (key: string, body: Uint8Array) => Promise<unknown>;

const [EARLY, LATE] = ['20261122T170000000Z', '20261122T180000000Z'] as const;

const receipt = (stream: string, sync: string, revision: number): Receipt => ({
  connector: 'shop',
  connection: 'main',
  stream,
  sync,
  revision,
  mode: 'full',
  verdict: 'COMPLETE',
  evidence: 'count',
  reasons: [],
  expected: { records: 2, source: 'total' },
  pages: { planned: 1, fetched: 1, failed: 0 },
  records: { fetched: 2, delivered: 2, quarantined: 0, repeated: 0 },
  requests: { sent: 1, throttled: 0, retried: 0 },
  movement: { checked: 0, moved: 0, repaired: 0 },
  checked: { pages: 0, of: 0, moved: 0 },
  warnings: [],
  schema: [],
  watermark: { before: null, after: null },
  manifest: `shop/main/${stream}/${sync}/${revision}/manifest.ndjson.gz`,
  startedAt: '2026-11-22T17:00:00.000Z',
  finishedAt: '2026-11-22T17:00:01.000Z',
});

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const gzipped = (lines: readonly string[]): Uint8Array => gzipSync(lines.map((line) => `${line}\n`).join(''));

/** Stores a closed sync of one part, as a worker would. */
async function store(put: Put, closed: Receipt, records: readonly string[]): Promise<void> {
  const folder = `shop/main/${closed.stream}/${closed.sync}`;
  const part = { key: `${folder}/parts/1.ndjson.gz`, bytes: 9, records: records.length, pages: [1] };
  const quarantine = { quarantined: 1, quarantine: `${folder}/quarantine/1.ndjson.gz` };
  const half = records.length / 2;
  // Two members of one file, as a large manifest has them.
  await put(part.key, Buffer.concat([gzipped(records.slice(0, half)), gzipped(records.slice(half))]));
  await put(quarantine.quarantine, gzipped(['{"reason":"no id"}']));
  await put(`${folder}/parts/leftover.ndjson.gz`, gzipped(['{"id":"never"}']));
  await put(closed.manifest, gzipped([JSON.stringify({ ...part, ...quarantine })]));
  await put(`${folder}/${closed.revision}/receipt.json`, json(closed));
}

const names = async (source: Source, options?: ReadOptions): Promise<string[]> => {
  const found: string[] = [];
  for await (const { receipt: one } of readReceipts(source, options))
    found.push(`${one.stream} ${one.sync} ${one.revision}`);
  return found;
};

const ORDERS = ['{"id":1,"note":"a\u2028b"}', '{"id":9007199254740993}'];

/** What is read of any source. */
function readsWhatWasClosed(open: () => Promise<{ readonly source: Source; readonly put: Put }>): void {
  let source: Source;
  let put: Put;
  before(async () => {
    ({ source, put } = await open());
    await store(put, receipt('orders', LATE, 1), ORDERS);
    await store(put, receipt('orders', EARLY, 1), ORDERS);
    await store(put, receipt('customers', EARLY, 9), ORDERS);
    await store(put, receipt('customers', EARLY, 10), ORDERS);
    // Still running: there is no receipt.
    await put('shop/main/orders/20261122T190000000Z/parts/1.ndjson.gz', gzipped(ORDERS));
  });

  test('receipts come stream by stream, the earliest sync first, of each its highest revision', async () => {
    assert.deepEqual(await names(source), [`customers ${EARLY} 10`, `orders ${EARLY} 1`, `orders ${LATE} 1`]);
  });

  test('one connector, one connection, one stream can be asked for', async () => {
    assert.deepEqual(await names(source, { connector: 'shop', connection: 'main', stream: 'customers' }), [
      `customers ${EARLY} 10`,
    ]);
    assert.deepEqual(await names(source, { stream: 'customers' }), [`customers ${EARLY} 10`]);
    assert.deepEqual(await names(source, { connector: 'sho' }), []);
  });

  test('records are those of the parts that the manifest lists, without loss', async () => {
    for await (const stored of readReceipts(source, { stream: 'orders' })) {
      assert.deepEqual(await Array.fromAsync(readRecords(stored)), [
        { id: 1, note: 'a\u2028b' },
        { id: 9007199254740993n },
      ]);
      assert.deepEqual(await Array.fromAsync(readQuarantineLines(stored)), ['{"reason":"no id"}']);
    }
  });

  test('a part that is missing is an error, not an end', async () => {
    const lost = receipt('lost', EARLY, 1);
    await put(lost.manifest, gzipped(['{"key":"shop/main/lost/gone","bytes":1,"records":1,"pages":[1]}']));
    await put(`shop/main/lost/${EARLY}/1/receipt.json`, json(lost));
    const [stored] = await Array.fromAsync(readReceipts(source, { stream: 'lost' }));
    assert.ok(stored);
    await assert.rejects(Array.fromAsync(readRecords(stored)));
  });

  test('after a checkpoint come only the syncs and revisions that it lacks, also an earlier sync that closed late', async () => {
    let checkpoint: Checkpoint = {};
    for await (const stored of readReceipts(source))
      if (stored.receipt.sync !== EARLY || stored.receipt.stream !== 'orders')
        checkpoint = advanceCheckpoint(checkpoint, stored.receipt);
    const kept = checkpointSchema.parse(JSON.parse(JSON.stringify(checkpoint)));
    assert.deepEqual(await names(source, { after: kept }), [`orders ${EARLY} 1`]);
    await store(put, receipt('orders', LATE, 2), ORDERS);
    assert.deepEqual(await names(source, { after: kept }), [`orders ${EARLY} 1`, `orders ${LATE} 2`]);
  });
}

describe('a folder', () => {
  let folder: string;
  after(() => rm(folder, { recursive: true }));
  readsWhatWasClosed(async () => {
    folder = await mkdtemp(join(tmpdir(), 'headgate-read-'));
    const put: Put = async (key, body) => {
      await mkdir(dirname(join(folder, key)), { recursive: true });
      await writeFile(join(folder, key), body);
    };
    return { source: folderSource(folder), put };
  });

  test('that is not there holds nothing', async () => {
    assert.deepEqual(await names(folderSource(join(folder, 'none'))), []);
  });

  test('whose part is cut off is an error', async () => {
    const file = join(folder, 'shop/main/orders', EARLY, 'parts/1.ndjson.gz');
    await writeFile(file, gzipped(ORDERS).subarray(0, 40));
    const [stored] = await Array.fromAsync(readReceipts(folderSource(folder), { stream: 'orders' }));
    assert.ok(stored);
    await assert.rejects(Array.fromAsync(readRecords(stored)), { code: 'Z_BUF_ERROR' });
  });
});

describe('a bucket', () => {
  let embedded: Embedded;
  after(() => embedded.stop());
  readsWhatWasClosed(async () => {
    embedded = await startEmbedded();
    const objects = s3Objects(embedded.s3, BUCKET);
    return {
      source: bucketSource(BUCKET, embedded.s3),
      put: (key, body) => objects.create(key, body, { type: 'application/octet-stream' }),
    };
  });
});
