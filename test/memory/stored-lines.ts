import { gunzipSync } from 'node:zlib';
import type { MemoryObjects } from './objects.ts';

/** An object of JSON lines, read. */
export const storedLines = (objects: MemoryObjects, key: string): unknown[] =>
  textOf(objects, key)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

/** A stored object as text. */
export function textOf({ stored }: MemoryObjects, key: string): string {
  const found = stored.get(key);
  if (found === undefined) throw new Error(`There is no object ${key}.`);
  return (found.encoding === 'gzip' ? gunzipSync(found.body) : Buffer.from(found.body)).toString();
}
