import { join } from 'node:path';
import { deliveredIds } from './delivered-ids.ts';
import type { Job } from './job.ts';
import { judgeRun, type ProbeVerdict } from './judge-run.ts';
import { PAGE, type Probe } from './probe.ts';
import { probeServer } from './probe-api.ts';
import { runSystem } from './run-system.ts';
import type { PeerSystem } from './systems.ts';
import { toldUser } from './told-user.ts';
import { withServer } from './with-server.ts';

export type ProbeResult = {
  /** Distinct rows of the listing that were delivered, of those that existed throughout. */
  readonly delivered: number;
  readonly of: number;
  /** Deliveries beyond the first of the same id. */
  readonly repeated: number;
  readonly requests: number;
  /** Absent where the run was stopped. */
  readonly code: number | undefined;
  /** Why it was stopped. */
  readonly stopped: string | undefined;
  /** What the user is told, in the system's own words. */
  readonly told: string;
  readonly remarks: readonly string[];
  readonly verdict: ProbeVerdict;
};

const LIMIT_SECONDS = 240;

/** One system against one probe. `limit` shortens it, in seconds. */
export async function runProbe(probe: Probe, system: PeerSystem, limit = LIMIT_SECONDS): Promise<ProbeResult> {
  const stop = new AbortController();
  const { server, api, requests, throughout } = probeServer(probe, () => stop.abort('it asks without end'));
  const seconds = Math.min(limit, probe.seconds ?? LIMIT_SECONDS);
  const timer = setTimeout(() => stop.abort(`it still runs after ${seconds} s`), 1_000 * seconds);
  return withServer(server, async (url, folder) => {
    const { paging, auth = 'none' } = probe;
    const job: Job = { url, out: join(folder, 'out'), paging, size: PAGE, streams: ['rows'], auth };
    const { used, ...streams } = await runSystem(system, job, stop.signal).finally(() => clearTimeout(timer));
    const ids = deliveredIds(system, job);
    const distinct = new Set(ids);
    const expected = throughout();
    const delivered = expected.filter((id) => distinct.has(id)).length;
    return {
      delivered,
      of: expected.length,
      repeated: ids.length - distinct.size,
      requests: requests(),
      code: used?.code,
      stopped: stop.signal.aborted ? String(stop.signal.reason) : undefined,
      told: toldUser(system.name, streams),
      remarks: [...api.remarks],
      verdict: judgeRun(expected.length - delivered, used?.code),
    };
  });
}
