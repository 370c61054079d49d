import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { receiptOf } from '../../test/load/deliveries.ts';

export const SYNC = '20261122T170000000Z';
/** Records in a part: about 8 MB of text, as a worker stores them. */
const PART = 40_000;

/** Writes one COMPLETE full sync of so many orders, as a worker would. Gives the folder of its parts. */
export async function writeRows(folder: string, rows: number): Promise<string> {
  const root = `shop/main/items/${SYNC}`;
  const put = async (key: string, body: Uint8Array | string): Promise<void> => {
    const file = join(folder, key);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, body);
  };
  const manifest: string[] = [];
  for (let start = 0; start < rows; start += PART) {
    const count = Math.min(PART, rows - start);
    const key = `${root}/parts/${String(start).padStart(9, '0')}.ndjson.gz`;
    const lines = Array.from({ length: count }, (_, index) => `${JSON.stringify(orderOf(start + index))}\n`);
    await put(key, gzipSync(lines.join(''), { level: 1 }));
    manifest.push(`${JSON.stringify({ key, bytes: 1, records: count, pages: [1] })}\n`);
  }
  const receipt = receiptOf({ sync: SYNC });
  await put(receipt.manifest, gzipSync(manifest.join('')));
  await put(`${root}/1/receipt.json`, JSON.stringify(receipt));
  return join(folder, root, 'parts');
}

const orderOf = (id: number): object => ({
  id,
  number: `N-${id}`,
  status: ['open', 'paid', 'sent'][id % 3],
  total: (id % 100_000) / 100,
  email: `customer${id % 5_000}@example.com`,
  vip: id % 7 === 0,
  lines: [{ article: `A${id % 97}`, quantity: (id % 5) + 1 }],
  updated_at: new Date(1_764_000_000_000 + id * 1_000).toISOString(),
});
