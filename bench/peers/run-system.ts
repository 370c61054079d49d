import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { CLIENT, type Job } from './job.ts';
import type { PeerSystem } from './systems.ts';

const usedSchema = z.object({
  code: z.int(),
  /** Wall time. */
  seconds: z.number(),
  /** Seconds of user and system, with all descendants. */
  cpu: z.number(),
  /** Of all its processes at their fullest, in MB. */
  memory: z.number(),
});

export type SystemRun = {
  /** What it took. Absent where it was stopped. */
  readonly used: z.output<typeof usedSchema> | undefined;
  /** Files with what it wrote to its streams. */
  readonly stdout: string;
  readonly stderr: string;
};

/** Runs a system once, in its own process group, which is ended when `stop` aborts. `job.out` must be an empty folder. Throws where the run itself could not be measured. */
export async function runSystem(system: PeerSystem, job: Job, stop: AbortSignal): Promise<SystemRun> {
  mkdirSync(job.out, { recursive: true });
  const at = (name: string): string => join(job.out, name);
  writeFileSync(at('job.json'), JSON.stringify(job));
  const command = await system.command(job, at('job.json'));
  const args = [join(import.meta.dirname, 'measured.py'), at('used.json'), ...command];
  const child = spawn('python3', args, {
    cwd: job.out,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      HEADGATE_SECRET: JSON.stringify({ clientId: CLIENT.id, clientSecret: CLIENT.secret }),
      // What is measured is not the network of this machine.
      HTTP_PROXY: '',
      HTTPS_PROXY: '',
      http_proxy: '',
      https_proxy: '',
      NO_PROXY: '127.0.0.1',
    },
  });
  child.stdout.pipe(createWriteStream(at('stdout')));
  child.stderr.pipe(createWriteStream(at('stderr')));
  const end = (): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL');
  };
  // A bench that ends early leaves no system running.
  process.once('exit', end);
  stop.addEventListener('abort', end);
  if (stop.aborted) end();
  const [code, signal] = await once(child, 'close');
  stop.removeEventListener('abort', end);
  process.off('exit', end);
  const streams = { stdout: at('stdout'), stderr: at('stderr') };
  if (stop.aborted) return { used: undefined, ...streams };
  if (!existsSync(at('used.json')))
    throw new Error(
      `${system.name} was not measured (exit ${code ?? signal}): ${readFileSync(streams.stderr, 'utf8').slice(-1_000)}`,
    );
  return { used: usedSchema.parse(JSON.parse(readFileSync(at('used.json'), 'utf8'))), ...streams };
}
