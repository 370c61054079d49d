import type { Warehouse } from '../../lib/load/warehouse.ts';
import { UsageError } from './errors.ts';

const POSTGRES = /^postgres(?:ql)?:\/\//;
/** Before the host, or among the parameters. libpq's URLs may name no host, which a URL of the web must. */
const PASSWORD = /^[a-z]+:\/\/[^/?#@]*:[^/?#@]+@|[?&]password=/i;

/** The database that `--to` names: the URL of a PostgreSQL server, or a DuckDB file. Throws a {@link UsageError} if it cannot be opened. */
export async function openWarehouse(to: string, schema: string | undefined): Promise<Warehouse> {
  return POSTGRES.test(to) ? openServer(to, schema) : openFile(to, schema);
}

async function openServer(to: string, schema: string | undefined): Promise<Warehouse> {
  if (PASSWORD.test(to))
    throw new UsageError(
      '--to must not hold a password: any process could read it. Set PGPASSWORD, or keep it in ~/.pgpass.',
    );
  const { openPostgres } = await import('../../lib/load/postgres.ts');
  try {
    return await openPostgres(to, { schema });
  } catch (error) {
    throw new UsageError(`The database ${to} cannot be opened: ${messageOf(error)}`);
  }
}

async function openFile(to: string, schema: string | undefined): Promise<Warehouse> {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(to))
    throw new UsageError(`--to must be a DuckDB file, or a URL like postgres://user@host/database (got ${to}).`);
  const { openDuckDb } = await import('../../lib/load/duckdb.ts');
  try {
    return await openDuckDb(to, schema);
  } catch (error) {
    const message = messageOf(error);
    if (/Cannot find (package|module)/.test(message))
      throw new UsageError(
        'A DuckDB file needs the package @duckdb/node-api. Install it with: npm install @duckdb/node-api',
      );
    if (/lock/i.test(message))
      throw new UsageError(`"${to}" is in use by another process. Run the command again when that has ended.`);
    throw new UsageError(`"${to}" cannot be opened as a DuckDB file: ${message}`);
  }
}

/** One line. A connection that several addresses refused says nothing itself. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ');
}
