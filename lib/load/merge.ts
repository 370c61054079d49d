import type { Column } from './columns.ts';
import { DELETED_AT } from './evolve.ts';
import { STAGED } from './row.ts';
import { columnDefinition, type Dialect, quoteName, quoteNames, quoteText } from './sql.ts';

/** Staged rows of one sync. It is a temporary table: no other session sees it. */
export const STAGE = '_headgate_stage';

/** The columns of the stage, in the order of a staged line. */
export const stageColumns = (columns: readonly Column[]): string[] => [
  ...STAGED,
  ...columns.map(({ name }) => name),
  '_headgate_rest',
];

export const createStage = (dialect: Dialect, columns: readonly Column[]): string[] => [
  `DROP TABLE IF EXISTS ${STAGE}`,
  `CREATE TEMPORARY TABLE ${STAGE} (_headgate_id UUID, _headgate_action TEXT, _headgate_at FLOAT8, _headgate_position BIGINT, ${[
    ...columns.map((column) => columnDefinition(dialect, column)),
    '_headgate_rest JSON',
  ].join(', ')})`,
];

export type Merge = {
  readonly table: string;
  readonly columns: readonly Column[];
  readonly connection: string;
  readonly sync: string;
  /** ISO 8601. */
  readonly loadedAt: string;
  /** Rows of this and of earlier syncs that are not staged are gone. */
  readonly replaces: boolean;
  /** Deleted rows are marked instead of removed. */
  readonly marks: boolean;
};

/** A statement, and what the number of its rows is added to. */
export type MergeStatement = { readonly sql: string; readonly counts?: 'written' | 'deleted' };

/**
 * Merges the stage into its table: for each key the version of the latest sync stands. A row or a deletion of a later sync is left alone, so that syncs
 * may be merged in any order, and a sync may be merged again.
 */
export function mergeStatements(merge: Merge): MergeStatement[] {
  const { connection, sync, loadedAt, marks } = merge;
  const [table, stream] = [quoteName(merge.table), quoteText(merge.table)];
  const [id, from] = [quoteText(sync), quoteText(connection)];
  const names = [...merge.columns.map(({ name }) => name), '_headgate_rest'];
  const staged = `EXISTS (SELECT 1 FROM ${STAGE} s WHERE s._headgate_id = t._headgate_id)`;
  const gone = (condition: string): string =>
    marks
      ? `UPDATE ${table} AS t SET ${DELETED_AT} = ${quoteText(loadedAt)}, _headgate_sync = ${id} WHERE ${DELETED_AT} IS NULL AND ${condition}`
      : `DELETE FROM ${table} AS t WHERE ${condition}`;
  const acted = (action: string): string =>
    `EXISTS (SELECT 1 FROM ${STAGE} s WHERE s._headgate_id = t._headgate_id AND s._headgate_action = '${action}')`;
  return [
    // Of two versions of a key the later one, by its date and then by its position.
    {
      sql: `DELETE FROM ${STAGE} AS s USING ${STAGE} AS o WHERE s._headgate_id = o._headgate_id
        AND (s._headgate_at < o._headgate_at OR (s._headgate_at = o._headgate_at AND s._headgate_position < o._headgate_position))`,
    },
    {
      sql: `UPDATE ${STAGE} AS s SET _headgate_action = 'keep' WHERE EXISTS (SELECT 1 FROM ${table} t WHERE t._headgate_id = s._headgate_id AND t._headgate_sync > ${id})
        OR EXISTS (SELECT 1 FROM ${TOMBSTONES} d WHERE d.table_name = ${stream} AND d.id = s._headgate_id AND d.sync > ${id})`,
    },
    ...(merge.replaces
      ? [
          {
            sql: gone(`t._headgate_connection = ${from} AND t._headgate_sync <= ${id} AND NOT ${staged}`),
            counts: 'deleted' as const,
          },
          // No sync before this one is merged any more.
          {
            sql: `DELETE FROM ${TOMBSTONES} WHERE table_name = ${stream} AND connection = ${from} AND sync <= ${id}`,
          },
        ]
      : []),
    { sql: gone(acted('delete')), counts: 'deleted' },
    { sql: `DELETE FROM ${table} AS t WHERE ${acted('write')}` },
    {
      sql: `INSERT INTO ${table} (_headgate_id, _headgate_connection, _headgate_sync, _headgate_loaded_at, ${quoteNames(names)})
        SELECT _headgate_id, ${from}, ${id}, ${quoteText(loadedAt)}::TIMESTAMPTZ, ${quoteNames(names)} FROM ${STAGE} WHERE _headgate_action = 'write'`,
      counts: 'written',
    },
    {
      sql: `DELETE FROM ${TOMBSTONES} AS d WHERE table_name = ${stream}
        AND EXISTS (SELECT 1 FROM ${STAGE} s WHERE s._headgate_id = d.id AND s._headgate_action <> 'keep')`,
    },
    {
      sql: `INSERT INTO ${TOMBSTONES} (table_name, connection, id, sync)
        SELECT ${stream}, ${from}, _headgate_id, ${id} FROM ${STAGE} WHERE _headgate_action = 'delete'`,
    },
    { sql: `DROP TABLE ${STAGE}` },
  ];
}

/** Keys that were deleted since the last full sync: an earlier sync that is loaded late must not bring them back. */
export const TOMBSTONES = '_headgate_tombstones';
