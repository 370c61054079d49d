import { parse } from 'csv-parse/sync';
import type { BodyReader } from '../core/response/body.ts';
import { cutRows } from './cut-rows.ts';
import { listOf } from './list-of.ts';

/** `columns`: those that must be there. */
export type CsvOptions = {
  columns: readonly string[];
  /** Between two fields. Default: a comma. */
  delimiter?: string;
  /** Whether the first line names the columns. Without a header, `columns` names all of them, in order. Default: true. */
  header?: boolean;
};

/**
 * Comma-separated values (RFC 4180), or separated by another character. The body is a list of records whose fields are all text; columns that are not
 * listed are read as well. A row with more or fewer fields than there are columns, a quote that does not end, a header without one of the
 * `columns` or with one twice: the body cannot be read. An empty body is an empty list.
 */
export function csv({ columns, delimiter = ',', header = true }: CsvOptions): BodyReader {
  const read = (body: string): unknown => {
    if (body.trim() === '') return [];
    return parse(body, {
      delimiter,
      record_delimiter: ['\r\n', '\n'],
      skip_empty_lines: true,
      columns: header ? (names: string[]) => checkHeader(names, columns) : [...columns],
    });
  };
  const write = (body: unknown): string => {
    const rows = listOf(body).map((row): Record<string, unknown> => ({ ...Object(row) }));
    const names = header ? [...new Set([...columns, ...rows.flatMap(Object.keys)])] : columns;
    const lines = rows.map((row) => names.map((name) => row[name] ?? ''));
    return [...(header ? [names] : []), ...lines].map((line) => `${line.map(quote).join(delimiter)}\r\n`).join('');
  };
  const cut = (bytes: Uint8Array, from: number) => cutRows(bytes, from, { quoted: true, header });
  return Object.assign(read, { write, cut });
}

const quote = (value: unknown): string => `"${String(value).replaceAll('"', '""')}"`;

function checkHeader(names: readonly string[], columns: readonly string[]): string[] {
  const missing = columns.find((column) => !names.includes(column));
  if (missing !== undefined)
    throw new Error(`the header must have the column ${JSON.stringify(missing)} (got ${quoted(names)})`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new Error(`the header must have each column once (got ${JSON.stringify(twice)} twice)`);
  return [...names];
}

const quoted = (names: readonly string[]): string => JSON.stringify(names.join(', ').slice(0, 100));
