import { SECOND } from '../../core/time.ts';
import type { Invocation } from '../invocation.ts';
import { workerCache } from '../invocation.ts';
import type { Key } from '../ports.ts';
import type { SlotLater } from './slots.ts';

/**
 * A lane lets one request at a time be under way, whichever worker sends it. It is a lease: a worker that dies frees it by its end. A worker that has
 * more to send renews it, so that a batch costs one write a request.
 */

/** The lane is this request's. */
export type LaneHold = { leave(): Promise<void> };

/** Clocks of two workers may differ by so much, in milliseconds. */
const CLOCKS = 2 * SECOND;
/** How often a worker looks whether another one has left the lane, in milliseconds. */
const LOOK = SECOND / 5;
/** As long as an item of the table is kept after its lease. */
const KEPT = 3_600 * SECOND;

/** What one worker knows of a lane: the name by which it holds it, and who of its own requests waits. */
type KnownLane = { readonly holder: string; held: boolean; queue: Promise<void>; waiting: number };
const knownLanes = workerCache(() => new Map<string, KnownLane>());

export type LaneEntry = {
  readonly key: Key;
  /** Milliseconds for which another worker's request is waited for. */
  readonly patience: number;
  /** Milliseconds until this worker's request is over at the latest. */
  readonly longest: number;
};

/** Enters a lane, or says when to come back. */
export async function enterLane(invocation: Invocation, entry: LaneEntry): Promise<LaneHold | SlotLater> {
  const known = knownLanes(invocation);
  const lane = known.get(entry.key.pk) ?? {
    ...{ holder: invocation.random.id(), held: false },
    ...{ queue: Promise.resolve(), waiting: 0 },
  };
  known.set(entry.key.pk, lane);
  const before = lane.queue;
  const { promise: over, resolve: next } = Promise.withResolvers<void>();
  lane.queue = before.then(() => over);
  lane.waiting += 1;
  try {
    await before;
    if (!(await acquireLease(invocation, lane, entry))) {
      next();
      return { later: SECOND * (1 + invocation.random.number()) };
    }
  } catch (error) {
    next();
    throw error;
  } finally {
    lane.waiting -= 1;
  }
  return {
    async leave() {
      if (lane.waiting === 0) await releaseLease(invocation, lane, entry.key);
      next();
    },
  };
}

/** Takes the lease, or renews it; waits for another worker's as long as `patience` says. */
async function acquireLease(
  { rateLimits, clock }: Invocation,
  lane: KnownLane,
  { key, patience, longest }: LaneEntry,
): Promise<boolean> {
  const giveUp = clock.now() + patience;
  for (;;) {
    const now = clock.now();
    const until = now + longest + CLOCKS;
    const change = { set: { holder: lane.holder, until, expires: Math.ceil((until + KEPT) / SECOND) } };
    const written = await rateLimits.upsert(
      key,
      change,
      [{ either: [{ absent: 'until' }, { less: ['until', now] }, { equal: ['holder', lane.holder] }] }], // R87
    );
    lane.held = written.ok;
    if (written.ok) return true;
    if (now >= giveUp) return false;
    await clock.wait(LOOK);
  }
}

/** A lease that cannot be given back ends by itself. */
async function releaseLease({ rateLimits, log }: Invocation, lane: KnownLane, key: Key): Promise<void> {
  if (!lane.held) return;
  lane.held = false;
  try {
    await rateLimits.update(key, { set: { until: 0 } }, [{ equal: ['holder', lane.holder] }]);
  } catch (error) {
    log.warn('lane not given back', { reason: error instanceof Error ? error.message : String(error) });
  }
}
