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

/** How much DuckDB holds in memory. Beyond it, it works on files. */
const MEMORY = '256MB';
/** The buffer through which DuckDB reads CSV, in bytes, unless a line needs a longer one. */
const BUFFER = 8 * 1_024 * 1_024;

/**
 * A DuckDB file, which is made if it is missing. `schema`: default `main`. DuckDB locks the file: a second process is refused. Throws DuckDB's error if the
 * file is in use or is not a database.
 */
export async function openDuckDb(file: string, schema = 'main'): Promise<Warehouse> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const scratch = await mkdtemp(join(tmpdir(), 'headgate-load-'));
  const close = async (): Promise<void> => {
    connection.closeSync();
    instance.closeSync();
    await rm(scratch, { recursive: true, force: true });
  };
  try {
    await connection.run("SET TimeZone = 'UTC'");
    await connection.run(`SET temp_directory = ${quoteText(scratch)}`);
    // Positions decide between rows, not their order; keeping it takes memory that grows with them.
    await connection.run('SET preserve_insertion_order = false');
    await connection.run(`SET memory_limit = '${MEMORY}'`);
    await connection.run(`ATTACH ${quoteText(file)} AS ${CATALOG}`);
    await connection.run(`CREATE SCHEMA IF NOT EXISTS ${CATALOG}.${quoteName(schema)}`);
    await connection.run(`USE ${CATALOG}.${quoteName(schema)}`);
  } catch (error) {
    await close();
    throw error;
  }
  const query = async (sql: string): Promise<readonly object[]> =>
    (await connection.runAndReadAll(sql)).getRowObjectsJson();
  const session: Session = {
    run: async (sql) => (await connection.run(sql)).rowsChanged,
    query,
    copy: (table, columns, lines) => copyFile(connection, join(scratch, 'rows.csv'), { table, columns, lines }),
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
    close,
  };
}

type Rows = {
  readonly table: string;
  readonly columns: readonly string[];
  readonly lines: AsyncIterable<string>;
};

/** DuckDB reads CSV from files, on all cores: the rows stand in one meanwhile. A row lies whole in one of `lines`. */
async function copyFile(connection: DuckDBConnection, file: string, { table, columns, lines }: Rows): Promise<void> {
  let longest = 0;
  async function* measured(): AsyncGenerator<string> {
    for await (const some of lines) {
      longest = Math.max(longest, Buffer.byteLength(some));
      yield some;
    }
  }
  try {
    await pipeline(Readable.from(measured(), { objectMode: false }), createWriteStream(file));
    const options = `FORMAT csv, HEADER false, AUTO_DETECT false, DELIMITER ',', QUOTE '"', ESCAPE '"', NULLSTR '', ALLOW_QUOTED_NULLS false`;
    await connection.run(
      `COPY ${quoteName(table)} (${quoteNames(columns)}) FROM ${quoteText(file)} (${options}, MAX_LINE_SIZE ${longest + 1}, BUFFER_SIZE ${Math.max(BUFFER, 2 * longest)})`,
    );
  } finally {
    await rm(file, { force: true });
  }
}
