/**
 * The body encoding `aws-chunked`, in which the SDK sends what it signs or sums up while sending:
 * chunks of `<hex size>[;chunk-signature=…]\r\n<data>\r\n`, one of size 0, then trailer lines (S3 user guide, "Signature
 * calculations: transferring payload in multiple chunks").
 */
export type Decoded = { readonly body: Buffer; readonly trailers: Readonly<Record<string, string>> };

/** Decodes a whole body, or `undefined` if it is malformed or cut off. Signatures are not checked. */
export function decodeAwsChunked(encoded: Buffer): Decoded | undefined {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = encoded.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const [, hex] = /^([0-9a-f]{1,8})(?:;.*)?$/i.exec(encoded.toString('latin1', at, lineEnd)) ?? [];
    if (hex === undefined) return undefined;
    const start = lineEnd + 2;
    const end = start + Number.parseInt(hex, 16);
    if (end === start)
      return { body: Buffer.concat(chunks), trailers: parseTrailers(encoded.toString('latin1', start)) };
    if (encoded.toString('latin1', end, end + 2) !== '\r\n') return undefined;
    chunks.push(encoded.subarray(start, end));
    at = end + 2;
  }
}

function parseTrailers(text: string): Record<string, string> {
  const trailers: Record<string, string> = {};
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) trailers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return trailers;
}
