import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Receipt, receiptSchema } from '../../lib/core/verdict/receipt.ts';

/** The command line as its user starts it, and what it leaves behind. */

export type Ran = {
  readonly code: number | null;
  readonly receipts: readonly Receipt[];
  readonly stdout: string;
  readonly stderr: string;
};

const COMMAND = join(import.meta.dirname, '../../bin/headgate.ts');

/** Runs `headgate` with these arguments. `env` is added to the environment; `signal` kills the process (SIGKILL). */
export async function headgate(
  args: readonly string[],
  { env = {}, signal, cwd }: { env?: Record<string, string>; signal?: AbortSignal; cwd?: string } = {},
): Promise<Ran> {
  const child = spawn(process.execPath, [COMMAND, ...args], {
    // Tables as on a wide screen: one line for each row.
    env: { ...process.env, COLUMNS: '200', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
    ...(signal === undefined ? {} : { signal, killSignal: 'SIGKILL' as const }),
  });
  // A killed child is an outcome here, not an error.
  child.on('error', () => {});
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const lines = args[0] === 'run' && args.includes('--json') ? stdout.split('\n').filter((line) => line !== '') : [];
  return { code, receipts: lines.map((line) => receiptSchema.parse(JSON.parse(line))), stdout, stderr };
}

/** The records that a receipt's manifest lists, read from the folder that `--out` named. */
export function readRecords(out: string, { manifest }: Receipt): Record<string, unknown>[] {
  return readLines(join(out, manifest)).flatMap((line) => readLines(join(out, String(line.key))));
}

const readLines = (file: string): Record<string, unknown>[] =>
  gunzipSync(readFileSync(file))
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

/** A test, or a suite, that does something when it is over. */
export type Ending = { after(undo: () => unknown): void };

/** A folder that is removed after the test. */
export async function temporaryFolder(t: Ending): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No port.');
  return address.port;
}
