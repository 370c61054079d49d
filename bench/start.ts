import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { bundleFunctions } from '../lib/infra/bundle.ts';
import { settings } from '../test/infra/function-settings.ts';

/**
 * How long a command takes from its start to its end, and the most memory that its processes hold together: each once to fill the
 * caches, then the best of five. On a machine that does something else the numbers are those of the machine.
 */

const START = join(import.meta.dirname, '../bin/start.js');
const ROUNDS = 5;
const WATCHED_EVERY = 20;

type Goal = { readonly seconds: number; readonly megabytes?: number };
type Measured = { readonly seconds: number; readonly megabytes: number };

const folder = mkdtempSync(join(tmpdir(), 'headgate-bench-'));
const refused = join(folder, 'refused.ts');
const state = join(folder, 'state');
writeFileSync(refused, 'export default {};\n');

const CASES: readonly { readonly args: readonly string[]; readonly code: number; readonly goal: Goal }[] = [
  { args: ['--help'], code: 0, goal: { seconds: 0.3 } },
  { args: ['run', refused], code: 1, goal: { seconds: 0.3 } },
  { args: ['run', onePage(), '--out', join(folder, 'out')], code: 0, goal: { seconds: 1.5, megabytes: 300 } },
  { args: ['status', '--state', state], code: 0, goal: { seconds: 0.8 } },
];

try {
  await measure(['run', onePage(), '--out', join(folder, 'out'), '--state', state], 0);
  process.stdout.write(`${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}\n`);
  for (const { args, code, goal } of CASES) {
    await measure(args, code);
    const rounds: Measured[] = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await measure(args, code));
    const seconds = Math.min(...rounds.map((one) => one.seconds));
    const megabytes = Math.min(...rounds.map((one) => one.megabytes));
    const told = goal.megabytes === undefined ? '' : `, ${goal.megabytes} MB`;
    process.stdout.write(
      `headgate ${args[0]}: ${seconds.toFixed(2)} s, ${megabytes.toFixed(0)} MB (goal: ${goal.seconds} s${told})\n`,
    );
  }
  bundleFunctions(join(import.meta.dirname, '../lib/connectors/practice.ts'), join(folder, 'bundle'));
  const bundle = join(folder, 'bundle/work.mjs');
  const imports = Array.from({ length: ROUNDS }, () => importTime(bundle));
  process.stdout.write(
    `work bundle: ${Math.round(statSync(bundle).size / 1_000)} kB, imported in ${Math.min(...imports).toFixed(0)} ms (goal: 1000 kB, 165 ms)\n`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** A connector of one stream with one page, which the simulator answers. */
function onePage(): string {
  const file = join(folder, 'one.ts');
  writeFileSync(
    file,
    `import { defineConnector, none, one } from 'headgate/connector';
import * as z from 'zod';
export default defineConnector({
  name: 'one', docs: '', params: z.object({ url: z.url().default('https://one.example') }),
  baseUrl: ({ params }) => params.url, auth: none(), limits: [],
  streams: (stream) => ({ orders: stream({
    request: () => ({ path: '/orders' }), paging: one(), records: (body) => body,
    schema: z.object({ id: z.int() }), key: 'id' }) }),
});
`,
  );
  return file;
}

async function measure(args: readonly string[], expected: number): Promise<Measured> {
  const began = performance.now();
  const child = spawn(process.execPath, [START, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, memoryOf(child.pid ?? 0));
  }, WATCHED_EVERY);
  const said = text(child.stderr);
  const [code] = await once(child, 'close');
  clearInterval(timer);
  if (code !== expected) throw new Error(`headgate ${args.join(' ')} ended with ${code}: ${await said}`);
  return { seconds: (performance.now() - began) / 1_000, megabytes: most };
}

/** Milliseconds that a process needs to import a function, as Lambda does at a cold start. */
function importTime(file: string): number {
  const script = `const began = performance.now();
    await import(${JSON.stringify(pathToFileURL(file))});
    console.log(performance.now() - began);`;
  const env = { ...settings, AWS_REGION: 'eu-central-1' };
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { env, encoding: 'utf8' });
  return Number(stdout);
}

/** Resident memory of a process and of all below it, in MB (https://man7.org/linux/man-pages/man5/proc.5.html). */
function memoryOf(pid: number): number {
  try {
    const [, kilobytes = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    return children.reduce((sum, child) => sum + memoryOf(Number(child)), Number(kilobytes) / 1_024);
  } catch {
    // It has ended.
    return 0;
  }
}
