import { spawnSync } from 'node:child_process';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Violation } from './invariants.ts';
import { KNOWN } from './known-trees.ts';
import { sourceOf } from './marked-lines.ts';
import { RULES, type Rule, type TestOfRule } from './rules.ts';
import { takeOut } from './take-out.ts';

/**
 * npm run simulate -- --seeds N [--from M]   N seeds, until the first violation
 *                  -- --seed N                one seed again, with everything that happened
 *                  -- --without R17           with a rule taken out of the code; combines with the others
 *                  -- --tokens                 of the tokens alone; combines with the others
 *                  -- --tree                   of the completion tree alone; combines with the others
 *                  -- --moves [--seeds N]     listings whose records move: what receipts say, and what is true, as a table
 *                  -- --test                   the test that misses the rule that is taken out, instead
 *                  -- --rules [--seeds N]     each rule taken out in turn: who finds out, and after how many seeds?
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
    moves: { type: 'boolean', default: false },
    test: { type: 'boolean', default: false },
  },
});

const ROOT = join(import.meta.dirname, '../..');
const PROGRESS_EVERY = 5_000;

function ruleOf(id: string): Rule {
  const rule = RULES.find((each) => each.id === id);
  if (rule === undefined) throw new Error(`--without must be one of R1 to R${RULES.length} (got ${id}).`);
  return rule;
}

/** From now on the module with the rule's mark is loaded without the rule. */
function loadWithout({ id, mutations }: Rule): void {
  const { file, text } = sourceOf(id);
  const without = takeOut(text, id, mutations);
  const url = pathToFileURL(file).href;
  registerHooks({
    load: (loaded, context, next) =>
      loaded === url ? { format: 'module', source: without, shortCircuit: true } : next(loaded, context),
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

/** Takes each rule out in turn, in a process of its own, and prints who notices; gives the number of rules that nobody misses. */
function tryRules(seeds: number): number {
  const tried = RULES.filter(({ of }) => !values.tree || of !== 'tokens');
  console.log(`${'without the rule'.padEnd(WIDEST)}  is noticed by`);
  const unnoticed = tried.filter((rule) => {
    const noticed = rule.test !== undefined && !values.tree ? tryTest(rule, rule.test) : trySimulation(rule, seeds);
    console.log(`${titleOf(rule).padEnd(WIDEST)}  ${noticed.by ?? `NOBODY: ${noticed.said.slice(0, 300)}`}`);
    return noticed.by === undefined;
  });
  console.log(`${tried.length - unnoticed.length} of ${tried.length} rules are missed when they are gone`);
  return unnoticed.length;
}

const titleOf = ({ id, name }: Rule): string => `${id.padEnd(3)} ${name}`;
const WIDEST = Math.max(...RULES.map((rule) => titleOf(rule).length));

/** Who notices that a rule is gone; where nobody does, what there was to read. */
type Noticed = { readonly by: string | undefined; readonly said: string };

/** Runs this script without a rule. `node`: options of Node itself. */
function without(rule: Rule, args: readonly string[], node: readonly string[] = []): string {
  const script = fileURLToPath(import.meta.url);
  const { stdout, stderr } = spawnSync(process.execPath, [...node, script, '--without', rule.id, ...args], {
    encoding: 'utf8',
  });
  return `${stdout}${stderr}`;
}

function trySimulation(rule: Rule, seeds: number): Noticed {
  const said = without(rule, ['--seeds', String(seeds), '--quiet', ...(values.tree ? ['--tree'] : [])]);
  const [, seed, broken = ''] = /^seed (\d+) breaks (.*)$/m.exec(said) ?? [];
  if (seed === undefined) return { by: undefined, said };
  const isTree = values.tree || rule.of === 'tree';
  const [known] = (isTree ? KNOWN[Number(seed)] : undefined) ?? [];
  const by =
    known === undefined ? `${Number(seed) + 1} seeds${isTree ? ' of trees' : ''}` : `the known tree "${known}"`;
  return { by: `${by}: ${broken.slice(0, 160)}`, said };
}

/** That test alone. It must fail; anything else that goes wrong does not count. */
function tryTest(rule: Rule, { file, name }: TestOfRule): Noticed {
  const said = without(rule, ['--test'], ['--test-reporter', 'tap', '--test-name-pattern', literally(name)]);
  const isMissed = new RegExp(`^ *not ok \\d+ - ${literally(name)}$`, 'm').test(said);
  return { by: isMissed ? `the test "${name}" (${file})` : undefined, said };
}

const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

if (values.rules) process.exitCode = tryRules(Number(values.seeds));
else if (values.moves) {
  const { movesTable } = await import('./moves.ts');
  await movesTable(Number(values.seeds), console.log);
} else {
  const rule = values.without === undefined ? undefined : ruleOf(values.without);
  if (rule !== undefined) loadWithout(rule);
  const which = values.tokens ? 'tokens' : values.tree ? 'tree' : rule?.of;
  if (values.test) await import(pathToFileURL(join(ROOT, rule?.test?.file ?? '')).href);
  else
    process.exitCode =
      values.seed === undefined
        ? await trySeeds(which, Number(values.from), Number(values.seeds))
        : await replay(which, Number(values.seed));
}
