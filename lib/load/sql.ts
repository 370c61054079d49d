import type { Column, ColumnType } from './columns.ts';

/** In what PostgreSQL and DuckDB differ for the statements used here. */
export type Dialect = {
  /** The type of nested values. */
  readonly json: 'JSON' | 'JSONB';
  /**
   * Whether tables have a primary key. DuckDB's costs memory and refuses a key that is deleted and inserted in one transaction
   * (https://duckdb.org/docs/stable/sql/indexes); there the statements alone keep keys unique.
   */
  readonly primaryKeys: boolean;
};

/** An identifier, exactly as it is. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
/** A text as a literal of standard SQL: a backslash has no meaning. */
export const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`;
export const quoteNames = (names: readonly string[]): string => names.map(quoteName).join(', ');

/** The table of a stream. A connector's name has no "_", so no two streams share one. */
export const streamTable = (connector: string, stream: string): string => `${connector}_${stream}`;

/** The type of a column in SQL. */
export function sqlType({ json }: Dialect, type: ColumnType): string {
  if (typeof type === 'object') return `NUMERIC(38,${type.decimal})`;
  return type === 'json' ? json : SQL_TYPES[type];
}

const SQL_TYPES: Readonly<Record<Exclude<ColumnType, object | 'json'>, string>> = {
  boolean: 'BOOLEAN',
  integer: 'BIGINT',
  double: 'FLOAT8',
  text: 'TEXT',
  date: 'DATE',
  timestamp: 'TIMESTAMPTZ',
  uuid: 'UUID',
};

/** The columns of a table that is there, as `information_schema.columns` names their types. */
export const columnsQuery = (table: string): string =>
  `SELECT column_name AS name, data_type AS type, numeric_scale AS scale FROM information_schema.columns
  WHERE table_name = ${quoteText(table)} AND table_schema = current_schema() AND table_catalog = current_database()
  ORDER BY ordinal_position`;

/** The type that a database's own name stands for; `undefined` for one that is not written here. */
export function typeFrom(name: string, scale: number | null): ColumnType | undefined {
  const known = READ_TYPES[name.toLowerCase().replace(/\(.*$/, '')];
  return known === 'decimal' ? { decimal: scale ?? 0 } : known;
}

const READ_TYPES: Readonly<Record<string, Exclude<ColumnType, object> | 'decimal'>> = {
  boolean: 'boolean',
  bigint: 'integer',
  double: 'double',
  'double precision': 'double',
  text: 'text',
  varchar: 'text',
  date: 'date',
  'timestamp with time zone': 'timestamp',
  uuid: 'uuid',
  json: 'json',
  jsonb: 'json',
  numeric: 'decimal',
  decimal: 'decimal',
};

export const columnDefinition = (dialect: Dialect, { name, type }: Column): string =>
  `${quoteName(name)} ${sqlType(dialect, type)}`;
