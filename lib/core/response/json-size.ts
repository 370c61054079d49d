/** What a JSON text costs to be read. */
export type JsonSize = {
  /** Bytes of memory, estimated: the text, and the values it becomes. */
  readonly bytes: number;
  /** How many names its objects have, in all. */
  readonly names: number;
  /** It holds a number, outside of its strings, that a double may not hold. */
  readonly hasLongNumbers: boolean;
};

// Measured on Node 24: what a process grows by while such a text is parsed.
/** Bytes of an object or a list, of a place in a list, of a field. */
const CONTAINER = 90;
const PLACE = 32;
const FIELD = 64;
/** Bytes of a string beside its characters. */
const STRING = 24;
/** Bytes of a character: of the text itself, and of the strings that are made of it. */
const CHARACTER = 2;
/** How many times as much reading takes that looks at how each number is written. */
const EXACTLY = 3;
/** A number of so many digits may be one that a double cannot hold; it then takes so many bytes. */
const LONG_NUMBER = 16;
const LONG_NUMBER_BYTES = 120;

/** Scans a text once, before it is parsed. If it is not JSON, the figures mean nothing. */
export function sizeOfJson(text: string): JsonSize {
  let containers = 0;
  let places = 0;
  let names = 0;
  let strings = 0;
  let digits = 0;
  let longNumbers = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= ZERO && code <= NINE) {
      digits += 1;
      if (digits === LONG_NUMBER) longNumbers += 1;
      continue;
    }
    if ((code === LOWER_E || code === UPPER_E) && digits > 0) longNumbers += 1;
    // The digits after a point belong to the same number.
    if (code !== POINT) digits = 0;
    if (code === QUOTE) {
      strings += 1;
      at = endOfString(text, at) - 1;
    } else if (code === BRACE || code === BRACKET) containers += 1;
    else if (code === COMMA) places += 1;
    else if (code === COLON) names += 1;
  }
  const hasLongNumbers = longNumbers > 0;
  const values = containers * CONTAINER + places * PLACE + names * FIELD + strings * STRING;
  const bytes = values * (hasLongNumbers ? EXACTLY : 1) + longNumbers * LONG_NUMBER_BYTES;
  return { bytes: text.length * CHARACTER + bytes, names, hasLongNumbers };
}

/** Bytes of a body that is too small to be scanned for it, for each of its own. */
const SMALL_BODY_FACTOR = 8;
const SMALL_BODY = 32 * 1024;

/** Bytes of memory that a body takes until its records are stored, estimated: it is kept as it came, parsed, and written again. */
export const weightOfBody = (body: Uint8Array): number =>
  body.length <= SMALL_BODY
    ? SMALL_BODY_FACTOR * body.length
    : 2 * body.length + sizeOfJson(new TextDecoder().decode(body)).bytes;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const BRACE = 0x7b;
const BRACKET = 0x5b;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LOWER_E = 0x65;
const UPPER_E = 0x45;

/** After the string that begins at a quote; the text's length where it is never closed. */
export function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return at + 1;
  }
  return text.length;
}
