import { type BodyPortion, PORTION_BYTES } from '../core/response/body.ts';

/** How rows stand in a body: whether a line break inside of quotes ends none, and whether the first row is a header, which each portion needs. */
type RowForm = { readonly quoted: boolean; readonly header: boolean };

/** Cuts a portion of whole rows out of a body. A row that is longer than a portion is one by itself. */
export function cutRows(bytes: Uint8Array, from: number, { quoted, header }: RowForm): BodyPortion {
  const head = header ? endOfRows(bytes, firstRow(bytes), 0, quoted) : 0;
  const start = Math.max(from, head);
  const end = endOfRows(bytes, start, PORTION_BYTES, quoted);
  const rows = bytes.subarray(start, end);
  const next = end < bytes.length ? end : undefined;
  if (head === 0) return { body: rows, next };
  const body = new Uint8Array(head + rows.length);
  body.set(bytes.subarray(0, head));
  body.set(rows, head);
  return { body, next };
}

/** After the last row that ends within so many bytes; else after the first one that ends at all. */
function endOfRows(bytes: Uint8Array, start: number, length: number, quoted: boolean): number {
  let end = 0;
  let inQuotes = false;
  for (let at = start; at < bytes.length; at++) {
    if (at - start >= length && end > 0) return end;
    const byte = bytes[at];
    if (quoted && byte === QUOTE) inQuotes = !inQuotes;
    else if (byte === LINE_FEED && !inQuotes) end = at + 1;
  }
  return bytes.length - start <= length || end === 0 ? bytes.length : end;
}

/** Empty lines before the header are no rows. */
function firstRow(bytes: Uint8Array): number {
  let at = 0;
  while (bytes[at] === LINE_FEED || bytes[at] === CARRIAGE_RETURN) at++;
  return at;
}

const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
