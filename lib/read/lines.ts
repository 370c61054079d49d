import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Source } from './source.ts';

/**
 * The lines of a gzip object, one at a time. Only `\n` ends a line: a record may hold U+2028, at which node:readline splits. Throws if
 * there is no such object, or if it is cut off.
 */
export async function* readLines(source: Source, key: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of unzip(await source.open(key))) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield line;
  }
  if (rest !== '') yield rest;
}

/** A gzip file may have several members (RFC 1952, section 2.2), which node:zlib reads as one. */
function unzip(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const gunzip = createGunzip();
  // An error of the input ends the output with the same error.
  Readable.from(bytes, { objectMode: false })
    .on('error', (error) => gunzip.destroy(error))
    .pipe(gunzip);
  return gunzip;
}

/** All of an object as text. Throws if there is none. */
export async function readText(source: Source, key: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await source.open(key)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
