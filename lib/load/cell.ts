import { writeJson } from '../core/response/json.ts';
import type { ColumnType } from './columns.ts';

/** A value does not fit its column without loss. */
export const MISFIT = Symbol('misfit');

/**
 * A value of a record as the text that PostgreSQL and DuckDB read for a column of this type; `null` for none. Nothing is coerced: a value of another type
 * is a {@link MISFIT}. One loss is accepted: of a second six decimal places are kept.
 */
export function cellOf(type: ColumnType, value: unknown): string | null | typeof MISFIT {
  if (value === undefined || value === null) return null;
  if (typeof type === 'object') return decimalText(type.decimal, value);
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean' ? String(value) : MISFIT;
    case 'integer':
      return integerText(value);
    case 'double':
      return typeof value === 'number' ? String(value) : MISFIT;
    case 'json':
      return jsonText(value);
    case 'text':
      return typeof value === 'string' && isStorable(value) ? value : MISFIT;
    case 'uuid':
      return typeof value === 'string' && UUID.test(value) ? value : MISFIT;
    case 'date':
      return typeof value === 'string' && DATE.test(value) && isDate(value) ? value : MISFIT;
    case 'timestamp':
      return typeof value === 'string' && isTimestamp(value) ? toMicroseconds(value) : MISFIT;
  }
}

const MOST_DIGITS = 38;

function integerText(value: unknown): string | typeof MISFIT {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : MISFIT;
  return typeof value === 'bigint' && BigInt.asIntN(64, value) === value ? String(value) : MISFIT;
}

function decimalText(places: number, value: unknown): string | typeof MISFIT {
  if (typeof value !== 'number' && typeof value !== 'bigint') return MISFIT;
  const text = String(value);
  const [, whole = '', fraction = ''] = DECIMAL.exec(text) ?? [];
  return whole !== '' && fraction.length <= places && whole.length + places <= MOST_DIGITS ? text : MISFIT;
}

/** JSONB of PostgreSQL holds neither U+0000 nor half of a surrogate pair, escaped or not. */
function jsonText(value: unknown): string | typeof MISFIT {
  const text = writeJson(value);
  return text === undefined || UNSTORABLE_ESCAPE.test(text) ? MISFIT : text;
}

/** JSON.stringify escapes surrogates only where they are alone. An escaped backslash before is part of the text. */
const UNSTORABLE_ESCAPE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/i;

const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

const DECIMAL = /^-?(\d+)(?:\.(\d+))?$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const DATE = /^\d{4}-\d\d-\d\d$/;
/** RFC 3339: a time zone is there. */
const TIMESTAMP =
  /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/;

/** There is no year 0 in SQL, and no 30 February. */
function isDate(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !text.startsWith('0000') && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function isTimestamp(text: string): boolean {
  const [, date] = TIMESTAMP.exec(text) ?? [];
  // An offset must not lead before the year 1.
  return date !== undefined && isDate(date) && date > '0001-01-01';
}

const toMicroseconds = (text: string): string => text.replace(/(\.\d{6})\d+/, '$1');
