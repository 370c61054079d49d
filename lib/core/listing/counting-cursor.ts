import { isPlainObject } from '../response/envelope.ts';
import { readJson } from '../response/json.ts';

/**
 * Many cursors count records or pages: what is deleted before the reader then moves others past it. Their values tell it: they are numbers, or Base64 or
 * JSON of numbers, that grow as the records that were read.
 */

/** Names whose number counts, whatever it is. */
const COUNTS = /^(offset|page|pageno|pagenumber|pagenum|skip|start|startat|startindex|from|arrayconnection)$/;

/** From here on a number is a date as epoch seconds, and no count. */
const DATES_FROM = 1e9;

/** What the cursors of a chain were so far: all of them may count, or at least one does not; `undefined`: none tells. */
export type CursorNature = 'counts' | 'opaque' | undefined;

/** The page that gave a cursor: its index, the records read with it and before, its size as asked for, and the values of its last record. */
export type CursorGiver = {
  readonly index: number;
  readonly read: number;
  readonly size: number;
  readonly last: unknown;
};

/** What the cursors of a chain are, after another one. A cursor that is a value of the last record is a key, though it may look as if it counted. */
export function cursorNature(before: CursorNature, cursor: string, giver: CursorGiver): CursorNature {
  if (before === 'opaque') return before;
  const numbers = numbersIn(cursor);
  if (numbers.some(({ name, value }) => name !== undefined && COUNTS.test(name) && value < DATES_FROM)) return 'counts';
  const [first, second] = numbers;
  if (first === undefined || second !== undefined || first.name !== undefined) return 'opaque';
  if (isPlainObject(giver.last) && Object.values(giver.last).some((value) => isSame(value, first.value))) return before;
  const { index, read, size } = giver;
  const counted = [index + 1, index + 2, read, read + 1, (index + 1) * size, (index + 1) * size + 1];
  return counted.includes(first.value) ? 'counts' : 'opaque';
}

const isSame = (value: unknown, number: number): boolean =>
  value === number || value === BigInt(number) || value === String(number);

type FoundNumber = { readonly name: string | undefined; readonly value: number };

/** The whole numbers of a cursor, each with its name if it has one: of a URL's query, of JSON, of `name:number`, each also as Base64. */
function numbersIn(cursor: string): FoundNumber[] {
  const url = URL.canParse(cursor) ? new URL(cursor) : undefined;
  if (url !== undefined)
    return [...url.searchParams]
      .flatMap(([name, value]) => numberOf(name, value))
      .filter(({ name }) => COUNTS.test(name ?? ''));
  for (const text of [cursor, decodeBase64(cursor)]) {
    const found = text === undefined ? [] : numbersOfText(text);
    if (found.length > 0) return found;
  }
  return [];
}

function numbersOfText(text: string): FoundNumber[] {
  const [, name, digits] = /^\s*(?:([a-z_]+)[:=])?(\d{1,15})\s*$/i.exec(text) ?? [];
  if (digits !== undefined) return numberOf(name, digits);
  const value: unknown = readJson(text);
  if (Array.isArray(value)) return value.flatMap((each) => numberOf(undefined, each));
  return isPlainObject(value) ? Object.entries(value).flatMap(([key, each]) => numberOf(key, each)) : [];
}

function numberOf(name: string | undefined, value: unknown): FoundNumber[] {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  const known = name?.toLowerCase().replace(/[^a-z]/g, '');
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0
    ? [{ name: known === 'cursor' ? undefined : known, value: number }]
    : [];
}

/** The text of Base64 (RFC 4648 sections 4, 5); `undefined` where it is none, or no readable text. */
function decodeBase64(text: string): string | undefined {
  const letters = text
    .replace(/={1,2}$/, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/');
  // One letter after whole groups of four carries six bits, which are no byte.
  if (letters.length < 3 || letters.length % 4 === 1 || !/^[A-Za-z0-9+/]+$/.test(letters)) return undefined;
  const decoded = atob(letters);
  return /^[\x20-\x7e]+$/.test(decoded) ? decoded : undefined;
}
