import { createReadStream } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Source } from './source.ts';

/**
 * Closed syncs of a folder: what `headgate run --out` wrote, or `objects` in the folder of `--state`. A folder that is not there holds
 * nothing.
 */
export const folderSource = (folder: string): Source => ({
  async *list(prefix) {
    // Only the folders of the prefix are walked.
    const top = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    for await (const key of walk(folder, join(folder, top))) if (key.startsWith(prefix)) yield key;
  },
  async open(key) {
    return createReadStream(join(folder, ...key.split('/')));
  },
});

async function* walk(folder: string, top: string): AsyncGenerator<string> {
  const entries = await opendir(top, { recursive: true }).catch(ignoreMissing);
  if (entries === undefined) return;
  for await (const entry of entries)
    if (entry.isFile()) yield relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/');
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}
