/**
 * How much of what comes from outside is written down. An item of DynamoDB has at most 400 KB
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html), and a chain's item holds two cursors and its parents. What only
 * tells is cut; what a sync needs to go on is refused, so that its page is set aside with what came.
 */

/** Bytes of the cursor, link or key that leads to a page. Servers take request lines of 8 to 16 KB. */
export const LONGEST_CURSOR = 64 * 1_024;
/** Bytes, as JSON, of what the listing of one parent's children is told of it. */
export const LONGEST_PARENT = 64 * 1_024;
/** Bytes, as JSON, of the parents that are listed together. */
export const LONGEST_PARENTS = 192 * 1_024;
/** Bytes, as JSON, of the cursors that a second look follows. */
export const LONGEST_CURSORS = 160 * 1_024;
/** Bytes, as JSON, of what a connector keeps of a token answer. */
export const LONGEST_GRANT = 64 * 1_024;
/** Bytes, as JSON, of a connection's parameters. */
export const LONGEST_PARAMETERS = 64 * 1_024;

/** Characters of a sentence for people. */
export const LONGEST_SENTENCE = 1_000;
/** Characters of a request's line. */
export const LONGEST_REQUEST = 2_000;
/** Characters of a field's place in a record. */
export const LONGEST_PATH = 200;

const encoder = new TextEncoder();
/** The bytes of a text in UTF-8. */
export const bytesOf = (text: string): number => encoder.encode(text).length;

/** A text that only tells: its beginning, and how long it was. */
export const cutText = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most).toWellFormed()}… (${text.length} characters)`;
