import { promisify } from 'node:util';
import { brotliDecompress, createGunzip, gunzip, inflate, inflateRaw } from 'node:zlib';
import type { Gate } from './gate.ts';

/** How zlib calls what would not fit, and we what does not. */
export const TOO_LARGE = 'ERR_BUFFER_TOO_LARGE';
/** Bytes of a body that is read whatever else is; what goes beyond waits for its turn, and its sender with it. */
const SMALL = 1024 * 1024;

/** In bytes: how large a body may be, and how large it is said to be. */
export type BodySize = { readonly bound: number; readonly expected?: number };

/** Reads a body to its end; throws as soon as it is larger than the bound, in bytes. `large`: how many bodies that are not small are read at once. */
export async function readBody(
  chunks: AsyncIterable<Uint8Array>,
  { bound, expected = 0 }: BodySize,
  large: Gate,
): Promise<Uint8Array> {
  let read = Buffer.allocUnsafe(0);
  let size = 0;
  let leave: (() => void) | undefined;
  try {
    for await (const chunk of chunks) {
      const end = size + chunk.length;
      if (end > bound) throw Object.assign(new Error('the body is larger than its bound'), { code: TOO_LARGE });
      if (end > SMALL) leave ??= await large.enter();
      if (end > read.length) read = grown(read, end > SMALL ? Math.max(end, expected) : end, bound);
      read.set(chunk, size);
      size = end;
    }
    return read.subarray(0, size);
  } finally {
    leave?.();
  }
}

/** A buffer with room for so many bytes, twice as long as before: what is not written yet takes no memory. */
function grown(buffer: Buffer<ArrayBuffer>, least: number, bound: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafeSlow(Math.min(bound, Math.max(least, 2 * buffer.length)));
  larger.set(buffer);
  return larger;
}

/** The content encodings that can be undone, as an `accept-encoding` header names them. */
export const ACCEPTED_ENCODINGS = 'gzip, br, deflate';

/** Decompresses a whole body; stops with an error ({@link TOO_LARGE}) at the bound, in bytes. */
export type Decompress = (body: Uint8Array, limit: { maxOutputLength: number }) => Promise<Uint8Array>;

const ungzipSmall = promisify(gunzip);
/** Large ones as a stream: all at once would hold what comes out twice. */
const ungzip: Decompress = (body, limit) =>
  body.length <= SMALL
    ? ungzipSmall(body, limit)
    : readBody(streamOf(body), { bound: limit.maxOutputLength, expected: lengthSaid(body) }, NO_GATE);
const streamOf = (body: Uint8Array): AsyncIterable<Uint8Array> => {
  const stream = createGunzip({ chunkSize: SMALL });
  stream.end(body);
  return stream;
};
/** How long a text was that was compressed, by the end of its gzip: modulo 4 GiB (RFC 1952 section 2.3.1). */
const lengthSaid = ({ buffer, byteOffset, byteLength }: Uint8Array): number =>
  new DataView(buffer, byteOffset, byteLength).getUint32(byteLength - 4, true);
const NO_GATE: Gate = { enter: async () => () => undefined };
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
