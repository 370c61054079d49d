import { type Column, type ColumnType, chooseNames, isSameType, RESERVED, typeName } from './columns.ts';
import { columnDefinition, type Dialect, quoteName } from './sql.ts';

/** A column of a table that is there. `type`: `undefined` for one that is not written here. */
export type FoundColumn = { readonly name: string; readonly type: ColumnType | undefined };

export type Evolution = {
  /** What brings the table to what the schema declares. */
  readonly statements: readonly string[];
  /** The columns that records are written to. Each has the type that the table has for it. */
  readonly columns: readonly Column[];
  /** Fields whose declared type is no longer that of their column: values that do not fit go to the rest. */
  readonly retyped: readonly string[];
};

/**
 * How a table follows its schema. A new field is a new column. A column keeps its type, and stays when the schema no longer has its field: a
 * query that worked goes on to work. `marks`: deleted rows are marked instead of removed.
 */
export function evolveTable(
  dialect: Dialect,
  table: string,
  declared: readonly Column[],
  found: readonly FoundColumn[],
  marks: boolean,
): Evolution {
  const name = quoteName(table);
  const own = ownColumns(dialect, marks);
  if (found.length === 0) {
    const definitions = [...own, ...declared.map((column) => columnDefinition(dialect, column)), REST];
    return { statements: [`CREATE TABLE ${name} (${definitions.join(', ')})`], columns: declared, retyped: [] };
  }
  const names = found.map((column) => column.name);
  const added = chooseNames(declared, names);
  const missing =
    marks && !names.includes(DELETED_AT) ? [`ALTER TABLE ${name} ADD COLUMN ${DELETED_AT} TIMESTAMPTZ`] : [];
  const kept = found.flatMap(({ name, type }) =>
    type === undefined || name.startsWith(RESERVED) ? [] : [{ name, type }],
  );
  return {
    statements: [
      ...missing,
      ...added.map((column) => `ALTER TABLE ${name} ADD COLUMN ${columnDefinition(dialect, column)}`),
    ],
    columns: [...kept, ...added],
    retyped: declared.flatMap((column) => retyping(column, found)),
  };
}

/** The column that marks deleted rows. */
export const DELETED_AT = '_headgate_deleted_at';
const REST = '_headgate_rest JSON';

function ownColumns({ primaryKeys }: Dialect, marks: boolean): string[] {
  return [
    `_headgate_id UUID NOT NULL${primaryKeys ? ' PRIMARY KEY' : ''}`,
    '_headgate_connection TEXT NOT NULL',
    '_headgate_sync TEXT NOT NULL',
    '_headgate_loaded_at TIMESTAMPTZ NOT NULL',
    ...(marks ? [`${DELETED_AT} TIMESTAMPTZ`] : []),
  ];
}

function retyping({ name, type }: Column, found: readonly FoundColumn[]): string[] {
  const column = found.find((each) => each.name === name);
  if (column === undefined || (column.type !== undefined && isSameType(column.type, type))) return [];
  const was = column.type === undefined ? 'of a type of its own' : typeName(column.type);
  return [`"${name}" is declared ${typeName(type)}, and its column is ${was}`];
}
