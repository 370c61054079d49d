import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteName, quoteNames, quoteText } from './sql.ts';
import type { Session, Warehouse } from './warehouse.ts';

/** The file's own name may be that of a schema or a table, which DuckDB calls ambiguous. */
const CATALOG = '_headgate_warehouse';

/** One line is one record: the longest that is read, in bytes. */
const LONGEST_LINE = 64 * 1_024 * 1_024;

/**
 * A DuckDB file, which is made if it is missing. `schema`: default `main`. DuckDB locks the file: a second process is refused. Throws DuckDB's error if the
 * file is in use or is not a database.
 */
export async function openDuckDb(file: string, schema = 'main'): Promise<Warehouse> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const close = (): void => {
    connection.closeSync();
    instance.closeSync();
  };
  try {
    await connection.run("SET TimeZone = 'UTC'");
    await connection.run(`ATTACH ${quoteText(file)} AS ${CATALOG}`);
    await connection.run(`CREATE SCHEMA IF NOT EXISTS ${CATALOG}.${quoteName(schema)}`);
    await connection.run(`USE ${CATALOG}.${quoteName(schema)}`);
  } catch (error) {
    close();
    throw error;
  }
  const query = async (sql: string): Promise<readonly object[]> =>
    (await connection.runAndReadAll(sql)).getRowObjectsJson();
  const session: Session = {
    run: async (sql) => (await connection.run(sql)).rowsChanged,
    query,
    copy: (table, columns, lines) => copyFile(connection, table, columns, lines),
  };
  return {
    dialect: { json: 'JSON', primaryKeys: false },
    name: file,
    query,
    async transaction(work) {
      await connection.run('BEGIN');
      try {
        const result = await work(session);
        await connection.run('COMMIT');
        return result;
      } catch (error) {
        // A failed COMMIT has ended the transaction already; the first error is the one that tells.
        await connection.run('ROLLBACK').catch(() => {});
        throw error;
      }
    },
    async close() {
      close();
    },
  };
}

/** DuckDB reads CSV from files, on all cores: the rows stand in one meanwhile. */
async function copyFile(
  connection: DuckDBConnection,
  table: string,
  columns: readonly string[],
  lines: AsyncIterable<string>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-load-'));
  try {
    const file = join(folder, 'rows.csv');
    await pipeline(Readable.from(lines, { objectMode: false }), createWriteStream(file));
    const options = `FORMAT csv, HEADER false, AUTO_DETECT false, DELIMITER ',', QUOTE '"', ESCAPE '"', NULLSTR '', ALLOW_QUOTED_NULLS false`;
    await connection.run(
      `COPY ${quoteName(table)} (${quoteNames(columns)}) FROM ${quoteText(file)} (${options}, MAX_LINE_SIZE ${LONGEST_LINE}, BUFFER_SIZE ${2 * LONGEST_LINE})`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
