import { hash } from 'node:crypto';
import { recordKey } from '../core/connector/schema.ts';
import type { Stream } from '../core/connector/stream.ts';
import { parseInstant } from '../core/dates.ts';
import { writeJson } from '../core/response/json.ts';
import { cellOf, MISFIT } from './cell.ts';
import type { Column } from './columns.ts';

/** What becomes of a key: its row is written, its row is deleted, or the row that is there is kept because its record is quarantined. */
export type RowAction = 'write' | 'delete' | 'keep';

/** Columns of a staged row before those of the stream. */
export const STAGED = ['_headgate_id', '_headgate_action', '_headgate_at', '_headgate_position'] as const;

/** A record as a staged row, or why it cannot be one. `misfits`: fields whose value went to the rest although they have a column. */
export type StagedRow = { readonly line: string; readonly misfits: readonly string[] } | { readonly problem: string };

/**
 * One line of CSV (RFC 4180) for a delivered record: {@link STAGED}, the columns, the rest. An empty text is quoted; a value that is not there is not.
 * `position`: of the record in its sync, which decides between two versions of a key that the stream's `since` does not tell apart.
 */
export function stageRecord(
  stream: Stream,
  columns: readonly Column[],
  {
    connection,
    record,
    position,
  }: { readonly connection: string; readonly record: unknown; readonly position: number },
): StagedRow {
  if (typeof record !== 'object' || record === null) return { problem: 'a record is not an object' };
  const key = recordKey(stream, record);
  if (key === undefined)
    return { problem: `a record lacks its key "${[stream.key].flat().join('", "')}": "map" must keep it` };
  const deleted = stream.deleted !== undefined && Reflect.get(record, '_deleted') === true;
  const cells: (string | null)[] = [
    rowId(connection, key),
    deleted ? 'delete' : 'write',
    rankOf(stream, record),
    String(position),
  ];
  const rest: Record<string, unknown> = Object.assign(Object.create(null), record);
  if (stream.deleted !== undefined) delete rest._deleted;
  const misfits: string[] = [];
  for (const { name, type } of columns) {
    const value: unknown = Object.hasOwn(record, name) ? Reflect.get(record, name) : undefined;
    const cell = cellOf(type, value);
    if (cell === MISFIT) misfits.push(name);
    else delete rest[name];
    cells.push(cell === MISFIT ? null : cell);
  }
  cells.push(Object.keys(rest).length === 0 ? null : (writeJson(rest) ?? null));
  return { line: csvLine(cells), misfits };
}

/** Rows that keep what is there for a quarantined record; `undefined` if its key cannot be read. A key may be quarantined for its type alone. */
export function stageQuarantined(
  stream: Stream,
  columns: readonly Column[],
  { connection, record }: { readonly connection: string; readonly record: unknown },
): string[] | undefined {
  const key = recordKey(stream, record);
  if (key === undefined || typeof record !== 'object' || record === null) return undefined;
  const values = [stream.key].flat().map((name): unknown => Reflect.get(record, name));
  const spellings = [values, values.map(String), values.map(numberIn)].flatMap((each) => writeJson(each) ?? []);
  const empty = columns.map(() => null);
  return [...new Set(spellings)].map((spelling) =>
    csvLine([rowId(connection, spelling), 'keep', LOWEST, '-1', ...empty, null]),
  );
}

const numberIn = (value: unknown): unknown =>
  typeof value === 'string' && String(Number(value)) === value ? Number(value) : value;

/** The identity of a row: the first 128 bits of the SHA-256 of its connection and its key. A key may be of any type and length. */
function rowId(connection: string, key: string): string {
  const digest = hash('sha256', `${connection}\n${key}`);
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-${digest.slice(12, 16)}-${digest.slice(16, 20)}-${digest.slice(20, 32)}`;
}

/** Below every date. */
const LOWEST = '-Infinity';

/** The date or the number of a version of a record, as its stream's `since` reads it; it may not be there after `map`. */
function rankOf({ since }: Stream, record: object): string {
  if (since === undefined || 'token' in since) return LOWEST;
  try {
    const rank = 'number' in since ? since.number(record) : parseInstant(since.field(record), since.zone);
    return String(rank ?? LOWEST);
  } catch {
    return LOWEST;
  }
}

/** A line of CSV as PostgreSQL's COPY and DuckDB read it: what is quoted is text, what is empty and unquoted is NULL. */
export const csvLine = (cells: readonly (string | null)[]): string =>
  `${cells.map((cell) => (cell === null ? '' : quoteCell(cell))).join(',')}\n`;

const quoteCell = (cell: string): string => (PLAIN.test(cell) ? cell : `"${cell.replaceAll('"', '""')}"`);
const PLAIN = /^[\w.:+ @/-]+$/;
