import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Violation } from './invariants.ts';
import { RULES, type Rule } from './rules.ts';

/**
 * npm run simulate -- --seeds N [--from M]   N seeds, until the first violation
 *                  -- --seed N                one seed again, with everything that happened
 *                  -- --without "rule"        with a rule taken out of the code; combines with the others
 *                  -- --tokens                 of the tokens alone; combines with the others
 *                  -- --tree                   of the completion tree alone; combines with the others
 *                  -- --rules [--seeds N]     each rule taken out in turn: how many seeds does it take to find out?
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string' },
    without: { type: 'string' },
    rules: { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
    tokens: { type: 'boolean', default: false },
    tree: { type: 'boolean', default: false },
  },
});

const ROOT = join(import.meta.dirname, '../..');
const PROGRESS_EVERY = 5_000;

function ruleCalled(name: string): Rule {
  const rule = RULES.find((each) => each.name === name);
  if (rule === undefined) throw new Error(`There is no rule "${name}".`);
  return rule;
}

/** From now on the module that has the rule is loaded without it. */
function takeOut(rule: Rule): void {
  const path = join(ROOT, rule.file);
  let without = readFileSync(path, 'utf8');
  for (const { find, replace } of 'edits' in rule ? rule.edits : [rule]) {
    if (without.split(find).length !== 2) {
      throw new Error(`The rule "${rule.name}" does not stand in ${rule.file}, or more than once.`);
    }
    without = without.replace(find, () => replace);
  }
  const url = pathToFileURL(path).href;
  registerHooks({
    load: (loaded, context, next) =>
      loaded === url ? { format: 'module-typescript', source: without, shortCircuit: true } : next(loaded, context),
  });
}

type Run = {
  readonly found: readonly Violation[];
  readonly counts: ReadonlyMap<string, number>;
  readonly about: unknown;
};

/** One seed of a simulation: of the whole pipeline, or of its tokens or its completion tree alone. */
async function simulatorOf(which: Rule['of']): Promise<(seed: number, trace?: (line: string) => void) => Promise<Run>> {
  if (which === 'tokens') {
    const { simulateTokens } = await import('./tokens.ts');
    return async (seed, trace) => {
      const { violations, tally } = await simulateTokens(seed, trace);
      return { found: violations, counts: tally.counts, about: {} };
    };
  }
  if (which === 'tree') {
    const { simulateTree } = await import('./tree.ts');
    return async (seed, trace) => ({
      found: await simulateTree(seed, trace, !values.quiet),
      counts: new Map(),
      about: {},
    });
  }
  const { simulateSeed } = await import('./world.ts');
  const { violations } = await import('./invariants.ts');
  return async (seed, trace) => {
    const world = await simulateSeed(seed, trace);
    const { declared, weather, tally } = world;
    return { found: await violations(world), counts: tally.counts, about: { declared, weather } };
  };
}

async function trySeeds(which: Rule['of'], from: number, count: number): Promise<number> {
  const simulate = await simulatorOf(which);
  const exercised = new Map<string, number>();
  const startedAt = performance.now();
  let saidAt = startedAt;
  for (let seed = from; seed < from + count; seed++) {
    const { found, counts } = await simulate(seed);
    for (const [what, times] of counts) exercised.set(what, (exercised.get(what) ?? 0) + times);
    if (found.length > 0) {
      console.log(describeViolation(seed, found));
      return 1;
    }
    if (!values.quiet && performance.now() - saidAt > PROGRESS_EVERY) {
      saidAt = performance.now();
      console.log(`${seed - from + 1} of ${count} seeds, ${rate(seed - from + 1, startedAt)} a second`);
    }
  }
  console.log(`${count} seeds from ${from}, ${rate(count, startedAt)} a second: no violation`);
  if (!values.quiet)
    for (const [what, times] of [...exercised].sort()) console.log(`  ${String(times).padStart(10)}  ${what}`);
  return 0;
}

const rate = (seeds: number, startedAt: number): number =>
  Math.round((1_000 * seeds) / (performance.now() - startedAt));

const describeViolation = (seed: number, found: readonly Violation[]): string =>
  found.map(({ invariant, what }) => `seed ${seed} breaks ${invariant}: ${what}`).join('\n');

async function replay(which: Rule['of'], seed: number): Promise<number> {
  const { found, about } = await (await simulatorOf(which))(seed, (line) => console.log(line));
  console.log(JSON.stringify(about));
  console.log(found.length > 0 ? describeViolation(seed, found) : `seed ${seed}: no violation`);
  return found.length > 0 ? 1 : 0;
}

/** Takes each rule out in turn, in a process of its own; gives the number of rules that nothing noticed. */
function tryRules(seeds: number): number {
  let unnoticed = 0;
  for (const { name, of } of RULES) {
    if (values.tree && of !== undefined) continue;
    const args = ['--without', name, '--seeds', String(seeds), '--quiet', ...(values.tree ? ['--tree'] : [])];
    const { stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), ...args], {
      encoding: 'utf8',
    });
    const [, seed, broken] = /^seed (\d+) breaks (.*)$/m.exec(stdout) ?? [];
    if (seed === undefined) unnoticed += 1;
    const said =
      seed === undefined
        ? `NOT NOTICED in ${seeds} seeds ${stderr.slice(0, 300)}`
        : `${String(Number(seed) + 1).padStart(6)} seeds  ${broken}`;
    console.log(`${name.padEnd(64)} ${said}`);
  }
  return unnoticed;
}

if (values.rules) process.exitCode = tryRules(Number(values.seeds));
else {
  const rule = values.without === undefined ? undefined : ruleCalled(values.without);
  if (rule !== undefined) takeOut(rule);
  const which = values.tokens ? 'tokens' : values.tree ? 'tree' : rule?.of;
  process.exitCode =
    values.seed === undefined
      ? await trySeeds(which, Number(values.from), Number(values.seeds))
      : await replay(which, Number(values.seed));
}
