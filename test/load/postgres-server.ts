import { execFile } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';

const exec = promisify(execFile);

/** A PostgreSQL of its own, on a socket in a folder that is gone afterwards. */
export type PostgresServer = {
  /** Makes an empty database, and gives its URL. */
  database(): Promise<string>;
  stop(): Promise<void>;
};

/** The folder of PostgreSQL's programs: Debian keeps them off the path. */
function programs(): string {
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...globSync('/usr/lib/postgresql/*/bin').sort().reverse(),
  ];
  const found = folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'pg_ctl')));
  if (found === undefined) throw new Error('The tests need PostgreSQL: apt-get install postgresql');
  return found;
}

/** PostgreSQL refuses to run as root: then the user "postgres" of its package runs it. */
export async function startPostgres(): Promise<PostgresServer> {
  const bin = programs();
  const folder = await mkdtemp(join(tmpdir(), 'headgate-pg-'));
  const asRoot = process.getuid?.() === 0;
  const run = (program: string, ...options: string[]): Promise<unknown> =>
    asRoot
      ? exec('runuser', ['-u', 'postgres', '--', join(bin, program), ...options], { cwd: '/' })
      : exec(join(bin, program), options);
  if (asRoot) await giveTo('postgres', folder);
  const data = join(folder, 'data');
  await run('initdb', '-D', data, '-U', 'headgate', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale', 'C');
  const settings = `-c listen_addresses= -c fsync=off -c unix_socket_directories=${folder}`;
  // Output to a file: the server would keep the pipe of pg_ctl open.
  await run('pg_ctl', '-D', data, '-l', join(folder, 'log'), '-o', settings, '-w', 'start');
  const url = (name: string): string => `postgres://headgate@/${name}?host=${encodeURIComponent(folder)}`;
  let databases = 0;
  return {
    async database() {
      const name = `test${++databases}`;
      const client = new Client({ connectionString: url('postgres') });
      await client.connect();
      await client.query(`CREATE DATABASE ${name}`);
      await client.end();
      return url(name);
    },
    async stop() {
      await run('pg_ctl', '-D', data, '-m', 'immediate', '-w', 'stop');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function giveTo(user: string, folder: string): Promise<void> {
  const { stdout } = await exec('id', ['-u', user]);
  await chown(folder, Number(stdout), -1);
  await chmod(folder, 0o755);
}
