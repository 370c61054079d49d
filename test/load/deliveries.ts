import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as z from 'zod';
import { defineConnector, none, pages, type Stream } from '../../lib/core/connector/connector.ts';
import { writeJson } from '../../lib/core/response/json.ts';
import type { Receipt } from '../../lib/core/verdict/receipt.ts';

/** The stream that most tests load. */
export const itemSchema = z.object({
  id: z.int(),
  name: z.string().nullable().optional(),
  updated_at: z.iso.datetime().optional(),
});

/** A connector with one stream `items`; `changes` to its declaration. */
export const shop = (changes: Partial<Stream> = {}) =>
  defineConnector({
    name: 'shop',
    docs: 'https://docs.shop.example',
    params: z.object({}),
    baseUrl: 'https://api.shop.example',
    auth: none(),
    limits: [],
    streams: () => ({
      items: {
        request: ({ page }) => ({ path: '/items', query: { page: page.number } }),
        paging: pages({ size: 100 }),
        records: (body) => body,
        schema: itemSchema,
        key: 'id',
        ...changes,
      },
    }),
  });

/** A closed sync, as a test says it. */
export type Delivery = {
  readonly sync: string;
  readonly revision?: number;
  readonly mode?: Receipt['mode'];
  readonly verdict?: Receipt['verdict'];
  readonly watermark?: Receipt['watermark'];
  readonly accepted?: Receipt['accepted'];
  readonly connection?: string;
  readonly records?: readonly unknown[];
  readonly quarantined?: readonly unknown[];
};

export const receiptOf = ({ records = [], quarantined = [], ...delivery }: Delivery): Receipt => {
  const { sync, revision = 1, connection = 'main', verdict = 'COMPLETE', mode = 'full' } = delivery;
  return {
    connector: 'shop',
    connection,
    stream: 'items',
    sync,
    revision,
    mode,
    verdict,
    evidence: verdict === 'COMPLETE' ? 'count' : null,
    reasons: verdict === 'COMPLETE' ? [] : [{ code: 'failed', message: 'a page failed' }],
    expected: { records: null, source: null },
    pages: { planned: 1, fetched: 1, failed: 0 },
    records: { fetched: records.length, delivered: records.length, quarantined: quarantined.length, repeated: 0 },
    requests: { sent: 1, throttled: 0, retried: 0 },
    movement: { checked: 0, moved: 0, repaired: 0 },
    checked: { pages: 0, of: 0, moved: 0 },
    warnings: [],
    schema: [],
    watermark: delivery.watermark ?? { before: null, after: null },
    ...(delivery.accepted === undefined ? {} : { accepted: delivery.accepted }),
    manifest: `shop/${connection}/items/${sync}/${revision}/manifest.ndjson.gz`,
    startedAt: '2026-11-22T17:00:00.000Z',
    finishedAt: '2026-11-22T17:00:01.000Z',
  };
};

/** A folder of results that is gone afterwards. */
export async function openResults() {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-results-'));
  const put = async (key: string, body: Uint8Array | string): Promise<void> => {
    const file = join(folder, key);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, body);
  };
  const lines = (values: readonly unknown[]): Uint8Array =>
    gzipSync(values.map((value) => `${writeJson(value)}\n`).join(''));
  return {
    folder,
    /** Stores a sync as a worker would: its part, its manifest, its receipt. */
    async deliver(delivery: Delivery): Promise<void> {
      const { sync, revision = 1, connection = 'main', records = [], quarantined = [] } = delivery;
      const root = `shop/${connection}/items/${sync}`;
      const part = `${root}/parts/${revision}.ndjson.gz`;
      const quarantine = `${root}/quarantine/${revision}.ndjson.gz`;
      await put(part, lines(records));
      await put(quarantine, lines(quarantined.map((record) => ({ page: 1, departures: [{ path: 'name' }], record }))));
      const line = { key: part, bytes: 1, records: records.length, pages: [1] };
      const withQuarantine = quarantined.length === 0 ? line : { ...line, quarantined: quarantined.length, quarantine };
      const receipt = receiptOf(delivery);
      await put(receipt.manifest, lines(records.length + quarantined.length === 0 ? [] : [withQuarantine]));
      await put(`${root}/${revision}/receipt.json`, JSON.stringify(receipt));
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export type Results = Awaited<ReturnType<typeof openResults>>;
