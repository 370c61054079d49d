import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import * as z from 'zod';
import { startPostgres } from '../test/load/postgres-server.ts';
import { writeRows } from './load/rows.ts';

/**
 * node bench/load.ts [--rows N] [--python FILE]
 *
 * Loads one full sync of N orders (default 1,000,000) into a new DuckDB file and a new PostgreSQL database. `--python`: that of an environment with
 * dlt[duckdb,postgres]; dlt then loads the same parts into the same kinds of database, merging by the same key, in the same run.
 */
const { values } = parseArgs({ options: { rows: { type: 'string', default: '1000000' }, python: { type: 'string' } } });
const run = promisify(execFile);
const result = z.object({ rows: z.int(), seconds: z.number(), cpuSeconds: z.number(), megabytes: z.number() });

const folder = await mkdtemp(join(tmpdir(), 'headgate-bench-'));
const server = await startPostgres();
try {
  const rows = Number(values.rows);
  const parts = await writeRows(folder, rows);
  const headgate = (to: string) => run(process.execPath, [join(import.meta.dirname, 'load/headgate.ts'), folder, to]);
  const script = join(import.meta.dirname, 'load/peer.py');
  const peer = (kind: string, to: string) => run(values.python ?? '', [script, parts, kind, to]);
  const databases = {
    duckdb: { ours: async () => join(folder, 'ours.duckdb'), theirs: async () => join(folder, 'theirs.duckdb') },
    postgres: { ours: server.database, theirs: async () => nameOf(await server.database()) },
  };
  for (const [kind, { ours, theirs }] of Object.entries(databases)) {
    const mine = report(kind, 'headgate', rows, await headgate(await ours()));
    if (values.python === undefined) continue;
    const other = report(kind, 'dlt', rows, await peer(kind, await theirs()));
    const ratio = (of: 'seconds' | 'cpuSeconds'): string => (other[of] / mine[of]).toFixed(1);
    console.log(`${kind}: ${ratio('seconds')} times as fast as dlt, with ${ratio('cpuSeconds')} times less CPU`);
  }
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

function report(kind: string, tool: string, rows: number, { stdout }: { readonly stdout: string }) {
  const took = result.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
  if (took.rows !== rows) throw new Error(`${tool} loaded ${took.rows} of ${rows} rows into ${kind}.`);
  const speed = Math.round(rows / took.seconds).toLocaleString('en');
  const used = `${took.seconds.toFixed(1)} s, CPU ${took.cpuSeconds.toFixed(1)} s, ${Math.round(took.megabytes)} MB`;
  console.log(`${kind} ${tool}: ${speed} rows/s (${used})`);
  return took;
}

/** The folder of the socket, and the database. */
function nameOf(url: string): string {
  const [, database = '', socket = ''] = /\/(\w+)\?host=(.*)$/.exec(url) ?? [];
  return `${decodeURIComponent(socket)} ${database}`;
}
