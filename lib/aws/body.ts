import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
import type { Gate } from './gate.ts';

/** How zlib calls what would not fit, and we what does not. */
export const TOO_LARGE = 'ERR_BUFFER_TOO_LARGE';
/** Bytes of a body that is read whatever else is; what goes beyond waits for its turn, and its sender with it. */
const SMALL = 1024 * 1024;

/** Reads a body to its end; throws as soon as it is larger than the bound, in bytes. `large`: how many bodies that are not small are read at once. */
export async function readBody(chunks: AsyncIterable<Uint8Array>, bound: number, large: Gate): Promise<Uint8Array> {
  const read: Uint8Array[] = [];
  let size = 0;
  let leave: (() => void) | undefined;
  try {
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > bound) throw Object.assign(new Error('the body is larger than its bound'), { code: TOO_LARGE });
      if (size > SMALL) leave ??= await large.enter();
      read.push(chunk);
    }
    return Buffer.concat(read, size);
  } finally {
    leave?.();
  }
}

/** The content encodings that can be undone, as an `accept-encoding` header names them. */
export const ACCEPTED_ENCODINGS = 'gzip, br, deflate';

/** Decompresses a whole body; stops with an error ({@link TOO_LARGE}) at the bound, in bytes. */
export type Decompress = (body: Uint8Array, limit: { maxOutputLength: number }) => Promise<Uint8Array>;

const ungzip: Decompress = promisify(gunzip);
/** What HTTP calls deflate is the zlib format (RFC 9110 section 8.4.1.2), but some servers send it bare: the first byte tells. */
const isZlib = (body: Uint8Array): boolean => ((body[0] ?? 0) & 0x0f) === 8;
const DECOMPRESS: ReadonlyMap<string, Decompress> = new Map([
  ['gzip', ungzip],
  ['x-gzip', ungzip],
  ['br', promisify(brotliDecompress)],
  ['deflate', (body, limit) => promisify(isZlib(body) ? inflate : inflateRaw)(body, limit)],
]);

/** Whether a body begins as gzip does (RFC 1952 section 2.3.1). No text does. */
export const isGzip = ([first, second, method]: Uint8Array): boolean =>
  first === 0x1f && second === 0x8b && method === 8;

/** How to undo a content encoding; `undefined` if there is nothing to undo or it is not known. */
export const decompressorOf = (encoding: string): Decompress | undefined =>
  DECOMPRESS.get(encoding.trim().toLowerCase());
