import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { atPlaceLater } from '../../lib/local/disk-error.ts';
import { makePrivateFolder } from '../../lib/local/private-folder.ts';
import type { Objects } from '../../lib/pipeline/ports.ts';

const manifestLine = z.object({ key: z.string(), quarantine: z.string().optional() });

/** How many objects are copied at once. */
const AT_ONCE = 16;

/** Copies a closed sync's receipt, manifest, parts and quarantined records from the bucket to a folder, under the same names, for its owner alone. */
export async function deliver(objects: Objects, receipt: string, manifest: string, folder: string): Promise<void> {
  // The folder that was named may be shared; what is delivered is not.
  makePrivateFolder(join(folder, receipt.split('/', 1)[0] ?? ''));
  const body = await copy(objects, manifest, folder);
  const lines = gunzipSync(body)
    .toString()
    .split('\n')
    .filter((line) => line !== '');
  const keys = lines
    .map((line) => manifestLine.parse(JSON.parse(line)))
    .flatMap(({ key, quarantine }) => (quarantine === undefined ? [key] : [key, quarantine]))
    .values();
  const lane = async (): Promise<void> => {
    for (const key of keys) await copy(objects, key, folder);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  // Last: where a receipt lies, everything it speaks of does.
  await copy(objects, receipt, folder);
}

async function copy(objects: Objects, key: string, folder: string): Promise<Uint8Array> {
  const body = await objects.get(key);
  if (body === undefined) throw new Error(`The object "${key}" is listed, but not there.`);
  const file = join(folder, key);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await atPlaceLater(file, writeFile(file, body, { mode: 0o600 }));
  return body;
}
