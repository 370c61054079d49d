import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { type Receipt, receiptSchema } from '../lib/core/verdict/receipt.ts';

const WATCHED_EVERY = 500;

export type Measured = {
  readonly code: number | null;
  readonly receipt: Receipt;
  readonly seconds: number;
  /** The most memory that the process held, in MB, and how that grew from the second third of the run to the last. */
  readonly peak: number;
  readonly growth: number;
};

/** One stream of a connector file through `headgate run`, against this server. `each` is given every id that was delivered. */
export async function runEmbedded(
  file: string,
  stream: string,
  server: Server,
  each: (id: number) => void,
): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-bench-'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = z.object({ port: z.int() }).parse(server.address());
  const args = ['run', join(import.meta.dirname, file), '--stream', stream, '--json', '--out', folder];
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, '../bin/headgate.ts'), ...args, '--param', `url=http://127.0.0.1:${port}`],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const stop = watch(child.pid ?? 0);
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const [code] = await once(child, 'close');
  const seconds = (performance.now() - began) / 1_000;
  const memory = stop();
  server.close();
  server.closeAllConnections();
  const receipt = receiptSchema.parse(JSON.parse(stdout));
  for (const { key } of linesOf(join(folder, receipt.manifest), z.object({ key: z.string() })))
    for (const { id } of linesOf(join(folder, key), z.object({ id: z.int() }))) each(id);
  await rm(folder, { recursive: true });
  return { code: z.int().nullable().parse(code), receipt, seconds, ...memory };
}

/** The memory of a process, seen twice a second: what it holds itself, without the files of its tables that the system keeps at hand for it. */
function watch(pid: number): () => { peak: number; growth: number } {
  const seen: number[] = [];
  const timer = setInterval(() => {
    try {
      const [, kilobytes] = /RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      if (kilobytes !== undefined) seen.push(Number(kilobytes) / 1_024);
    } catch {
      // It has ended.
    }
  }, WATCHED_EVERY);
  return () => {
    clearInterval(timer);
    const mean = (part: readonly number[]): number =>
      part.reduce((sum, one) => sum + one, 0) / Math.max(1, part.length);
    const third = Math.floor(seen.length / 3);
    return { peak: Math.max(0, ...seen), growth: mean(seen.slice(2 * third)) / mean(seen.slice(third, 2 * third)) };
  };
}

const linesOf = <S extends z.ZodType>(file: string, schema: S): z.output<S>[] =>
  gunzipSync(readFileSync(file))
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => schema.parse(JSON.parse(line)));
