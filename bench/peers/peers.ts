import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchmarksDocument } from './document.ts';
import { inParallel } from './in-parallel.ts';
import { openKeptResults } from './kept-results.ts';
import type { Probe } from './probe.ts';
import { probeSection } from './probe-section.ts';
import { allProbes } from './probes.ts';
import { type ProbeResult, runProbe } from './run-probes.ts';
import { quickScenarios, speedScenarios } from './scenarios.ts';
import { measureSpeed, type SpeedResult } from './speed.ts';
import { speedSection } from './speed-section.ts';
import { type PeerSystem, peerSystems, type SystemName } from './systems.ts';

/**
 * npm run bench:peers [-- --quick] [--only speed|probes] [--runs 5] [--systems headgate,singer] [--match TEXT] [--out FILE] [--at-once 3] [--resume]
 *
 * Headgate beside its peers: how fast each is, then what each says when the API misbehaves. Writes docs/benchmarks.md. A part that `--only` leaves out stays as it is.
 * With `--quick`: one run of each small scenario and six of the probes, printed only. `--match` picks scenarios and probes by their titles.
 * Probes mostly wait, so `--at-once` of them run side by side. Speed is measured alone.
 * `--resume` goes on with the probes of a run that broke off.
 */
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    resume: { type: 'boolean', default: false },
    only: { type: 'string' },
    runs: { type: 'string' },
    systems: { type: 'string' },
    match: { type: 'string', default: '' },
    out: { type: 'string' },
    'at-once': { type: 'string', default: '3' },
  },
});
// Systems run in groups of their own, which end with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const QUICK_SECONDS = 25;
const QUICK_PROBES = 6;

const runs = Number(values.runs ?? (values.quick ? 1 : 5));
if (!(runs >= 1)) throw new Error(`--runs must be a whole number from 1 (got ${values.runs})`);
const atOnce = Number(values['at-once']);
if (!(atOnce >= 1)) throw new Error(`--at-once must be a whole number from 1 (got ${values['at-once']})`);
const chosen = values.systems?.split(',');
const unknown = chosen?.find((name) => !peerSystems.some((system) => system.name === name));
if (unknown !== undefined)
  throw new Error(`--systems must be of ${peerSystems.map(({ name }) => name).join(', ')} (got ${unknown})`);
const systems = peerSystems.filter(({ name }) => chosen?.includes(name) ?? true);
const matching = <T extends { title: string }>(all: readonly T[]): T[] =>
  all.filter(({ title }) => title.includes(values.match));

async function timeAll(): Promise<string> {
  const results: SpeedResult[] = [];
  for (const scenario of matching(values.quick ? quickScenarios : speedScenarios))
    results.push(await measureSpeed(scenario, systems, runs));
  return speedSection(results, systems, machine());
}

async function probeAll(): Promise<string> {
  const every = Math.ceil(allProbes.length / QUICK_PROBES);
  const probes = matching(allProbes).filter((_, index) => !values.quick || index % every === 0);
  // Tuning changes nothing of what dlt says.
  const probed = systems.filter(({ name }) => name !== 'dlt tuned');
  const kept = openKeptResults(values.resume);
  const pairs = probes.flatMap((probe) => probed.map((system): [Probe, PeerSystem] => [probe, system]));
  const results = await inParallel(pairs, atOnce, async ([probe, system]) => {
    const known = kept.find(probe.title, system.name);
    const result = known ?? (await runProbe(probe, system, values.quick ? QUICK_SECONDS : undefined));
    if (known === undefined) kept.keep({ title: probe.title, system: system.name, result });
    console.error(`${probe.title}, ${system.name}: ${result.verdict} ${result.delivered}/${result.of}`);
    return { probe, name: system.name, result };
  });
  const of = (probe: Probe): Map<SystemName, ProbeResult> =>
    new Map(results.filter((each) => each.probe === probe).map(({ name, result }) => [name, result]));
  return probeSection(
    probes.map((probe) => ({ probe, results: of(probe) })),
    probed,
  );
}

function machine(): string {
  const [cpu] = cpus();
  const date = new Date().toISOString().slice(0, 10);
  return `${date}: ${cpus().length} cores (${cpu?.model.trim()}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.versions.node}.`;
}

const out = values.out ?? (values.quick ? undefined : join(import.meta.dirname, '../../docs/benchmarks.md'));
const old = out !== undefined && existsSync(out) ? readFileSync(out, 'utf8') : '';
const probes = values.only === 'speed' ? undefined : await probeAll();
const speed = values.only === 'probes' ? undefined : await timeAll();
const document = benchmarksDocument(old, { speed, probes }, peerSystems);
if (out === undefined) console.log(document);
else writeFileSync(out, document);
