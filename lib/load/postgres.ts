import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Client } from 'pg';
import { from } from 'pg-copy-streams';
import { SECOND } from '../core/time.ts';
import { quoteName, quoteNames, quoteText } from './sql.ts';
import type { Session, Warehouse } from './warehouse.ts';

/** Which advisory lock loaders of one schema share: the name is hashed by the server. */
const lock = (schema: string): string =>
  `SELECT pg_advisory_xact_lock(hashtext('headgate load'), hashtext(${quoteText(schema)}))`;

export type PostgresOptions = {
  /** Schema of the tables. Default: `public`. */
  readonly schema?: string | undefined;
  /** Certificate of the authority that the server is trusted by, as PEM. Default: those that Node.js trusts. */
  readonly authority?: string | undefined;
};

const CONNECTING = 15 * SECOND;

/**
 * A PostgreSQL database. `url`: as libpq reads it; what it leaves out comes from `PGPASSWORD`, `PGHOST` and the like, or from `.pgpass`.
 * Throws the driver's error if the server cannot be reached within 15 s.
 */
export async function openPostgres(
  url: string,
  { schema = 'public', authority }: PostgresOptions = {},
): Promise<Warehouse> {
  const client = new Client({
    connectionString: url,
    application_name: 'headgate',
    connectionTimeoutMillis: CONNECTING,
    keepAlive: true,
    ...(authority !== undefined && { ssl: { ca: authority } }),
  });
  // Without a listener a lost connection would end the process; the statement that runs meanwhile fails as well.
  client.on('error', () => {});
  await client.connect();
  const query = async (sql: string): Promise<readonly object[]> => (await client.query(sql)).rows;
  const session: Session = {
    run: async (sql) => (await client.query(sql)).rowCount ?? 0,
    query,
    async copy(table, columns, lines) {
      const sql = `COPY ${quoteName(table)} (${quoteNames(columns)}) FROM STDIN (FORMAT csv)`;
      await pipeline(Readable.from(lines, { objectMode: false }), client.query(from(sql)));
    },
  };
  try {
    await client.query(`SET TIME ZONE 'UTC'; SET standard_conforming_strings = on; SET client_min_messages = warning`);
    if (schema !== 'public') await client.query(`CREATE SCHEMA IF NOT EXISTS ${quoteName(schema)}`);
    await client.query(`SET search_path TO ${quoteName(schema)}`);
  } catch (error) {
    await client.end();
    throw error;
  }
  return {
    dialect: { json: 'JSONB', primaryKeys: true },
    name: `${client.database} on ${client.host}`,
    query,
    async transaction(work) {
      await client.query('BEGIN');
      try {
        await client.query(lock(schema));
        const result = await work(session);
        await client.query('COMMIT');
        return result;
      } catch (error) {
        await client.query('ROLLBACK').catch(() => {});
        throw error;
      }
    },
    close: () => client.end(),
  };
}
