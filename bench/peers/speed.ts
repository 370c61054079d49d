import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deliveredIds } from './delivered-ids.ts';
import type { Job } from './job.ts';
import { runSystem } from './run-system.ts';
import type { SpeedScenario } from './scenarios.ts';
import { recordsOf, speedServer } from './speed-api.ts';
import type { PeerSystem, SystemName } from './systems.ts';
import { withServer } from './with-server.ts';

/** What one run took. */
export type SpeedSample = {
  /** Wall time. */
  readonly seconds: number;
  /** Seconds of user and system, with all descendants. */
  readonly cpu: number;
  /** Of all its processes at their fullest, in MB. */
  readonly memory: number;
  /** Cores that anything but this run and its API used meanwhile. */
  readonly others: number;
};
export type SpeedResult = { readonly scenario: SpeedScenario; readonly samples: Map<SystemName, SpeedSample[]> };

/** A run that takes longer is given up. */
const LIMIT_MS = 600_000;

/** Every system so many times, one after another and round by round, so that a busy minute meets all of them. */
export async function measureSpeed(
  scenario: SpeedScenario,
  systems: readonly PeerSystem[],
  runs: number,
): Promise<SpeedResult> {
  const samples = new Map<SystemName, SpeedSample[]>(systems.map(({ name }) => [name, []]));
  for (let run = 0; run < runs; run += 1)
    for (const system of systems) {
      const sample = await sampleOf(scenario, system);
      console.error(
        `${scenario.title}, ${system.name}: ${sample.seconds.toFixed(1)} s, others ${sample.others.toFixed(1)}`,
      );
      samples.get(system.name)?.push(sample);
    }
  return { scenario, samples };
}

async function sampleOf(scenario: SpeedScenario, system: PeerSystem): Promise<SpeedSample> {
  const { paging, streams: count, records, latency } = scenario;
  const streams = count === 1 ? ['rows'] : Array.from({ length: count }, (_, index) => `s${index + 1}`);
  return withServer(speedServer({ records, latency }), async (url, folder) => {
    const job: Job = { url, out: join(folder, 'out'), paging, size: 100, streams, auth: 'none' };
    const [busy, own] = [busySeconds(), process.cpuUsage()];
    const { used, stderr } = await runSystem(system, job, AbortSignal.timeout(LIMIT_MS));
    if (used?.code !== 0)
      throw new Error(`${scenario.title}, ${system.name}: exit ${used?.code}\n${readFileSync(stderr, 'utf8')}`);
    const { user, system: kernel } = process.cpuUsage(own);
    const others = (busySeconds() - busy - used.cpu - (user + kernel) / 1e6) / used.seconds;
    const ids = deliveredIds(system, job);
    const expected = count * recordsOf(scenario);
    if (ids.length !== expected || new Set(ids).size !== recordsOf(scenario))
      throw new Error(`${scenario.title}, ${system.name}: ${expected} records expected (got ${ids.length})`);
    return { seconds: used.seconds, cpu: used.cpu, memory: used.memory, others: Math.max(0, others) };
  });
}

/** CPU time that this machine has used since it started: proc(5), /proc/stat, in hundredths of a second. 0 where there is no such file. */
function busySeconds(): number {
  try {
    const [, user = '0', nice = '0', system = '0', , , irq = '0', soft = '0'] = readFileSync('/proc/stat', 'utf8')
      .slice(0, 200)
      .split(/\s+/);
    return [user, nice, system, irq, soft].reduce((sum, each) => sum + Number(each), 0) / 100;
  } catch {
    return 0;
  }
}
