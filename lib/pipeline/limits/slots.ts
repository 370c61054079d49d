import { type LimitBinding, type LimiterState, reserveSlots } from '../../core/limits/limiter.ts';
import { SECOND } from '../../core/time.ts';
import type { Invocation } from '../invocation.ts';
import { workerCache } from '../invocation.ts';
import { changeLimiters, type LimiterKey, readLimiters } from './limiter-store.ts';
import { answerTime } from './observed.ts';

/** A place in the timetable whose time has come: the request leaves at once. */
export type RequestSlot = {
  /** Epoch milliseconds. */
  readonly leftAt: number;
  /** The answer is in, or will not come: another request may be under way. */
  free(): void;
};
/** In how many milliseconds the next slot is free. */
export type SlotLater = { readonly later: number };

/** How old a worker's knowledge of a meter may be when a request leaves: a hold that another worker put is heeded within this. */
const TRUSTED = SECOND / 4;
/** How long before its slot a request looks whether the meter is held, so that the look does not make it late. */
const LOOK_AHEAD = 50;
/** Where the meters are fought over, or their store does not answer, come back after about this. */
const TROUBLED = SECOND;
/** Who was late for so many slots in a row runs on a machine that cannot keep time, and wastes no more of them. */
const LATE_SLOTS = 3;
/** How late a departure may be where no limit says it. */
const TOLERANCE = SECOND / 4;

type Waiting = { readonly told: (answer: RequestSlot | SlotLater) => void; late: number };

/** Requests with the same patience that reserve on the same meters: one write reserves for all of them. */
type LimiterGroup = {
  readonly places: readonly LimiterKey[];
  readonly patience: number;
  readonly waiting: Waiting[];
  busy: boolean;
};

const limiterGroups = workerCache(() => new Map<string, LimiterGroup>());
const permits = workerCache(makePermits);

/**
 * Waits for a slot on all these meters, at most `patience` milliseconds ahead and the time that an answer takes; or says when to come back. Every request
 * that leaves takes one: a page, a retry, a redirect, a token.
 */
export function takeSlot(
  invocation: Invocation,
  places: readonly LimiterKey[],
  patience: number,
): Promise<RequestSlot | SlotLater> {
  const known = limiterGroups(invocation);
  const name = [patience, ...places.flatMap(({ key, limits }) => [key.pk, ...limits.map(nameOf)])].join(' ');
  const gate = known.get(name) ?? { places, patience, waiting: [], busy: false };
  known.set(name, gate);
  const { promise, resolve } = Promise.withResolvers<RequestSlot | SlotLater>();
  gate.waiting.push({ told: resolve, late: 0 });
  void startGroup(invocation, gate);
  return promise;
}

const nameOf = ({ key, cost }: LimiterKey['limits'][number]): string => `${key}*${cost}`;

async function startGroup(invocation: Invocation, gate: LimiterGroup): Promise<void> {
  if (gate.busy) return;
  gate.busy = true;
  try {
    while (gate.waiting.length > 0) await serveWaiting(invocation, gate);
  } catch (error) {
    // No request leaves without a slot.
    invocation.log.warn('rate-limit table unavailable', {
      reason: error instanceof Error ? error.message : String(error),
    });
    rejectWaiting(gate, TROUBLED);
  } finally {
    gate.busy = false;
  }
}

/** Reserves for all that wait at a gate, as many at once as there are lanes for. */
async function serveWaiting(invocation: Invocation, gate: LimiterGroup): Promise<void> {
  // Requests of the same moment are served by the same write.
  await Promise.resolve();
  const taken = await permits(invocation).take(permitCount(invocation), () => gate.waiting.length);
  // A worker that waits for an answer may as well wait for a slot: there it costs nothing.
  const horizon = gate.patience + answerTime(invocation, gate.places);
  const reserved = await changeLimiters(invocation, gate.places, (standing, now) => {
    const result = reserveSlots(limitBindings(gate.places, standing), now, taken.length, horizon);
    return { result, meters: result.meters };
  }).catch((error: unknown) => {
    for (const release of taken) release();
    throw error;
  });
  const slots = reserved === 'contended' ? [] : reserved.slots;
  for (const slot of slots) {
    const each = gate.waiting.shift();
    const release = taken.pop();
    if (each !== undefined && release !== undefined) void depart(invocation, gate, { waiting: each, slot, release });
  }
  const full = taken.length > 0;
  for (const release of taken) release();
  if (reserved === 'contended') rejectWaiting(gate, TROUBLED * (1 + invocation.random.number()));
  else if (full) rejectWaiting(gate, reserved.next - invocation.clock.now());
}

/** A request with its slot, in epoch milliseconds, and with the permit that it holds. */
type Departure = { readonly waiting: Waiting; readonly slot: number; readonly release: () => void };

/** Waits until a slot's time has come. Who is late for it, or finds the meters held meanwhile, asks again. */
async function depart(
  invocation: Invocation,
  gate: LimiterGroup,
  { waiting, slot, release }: Departure,
): Promise<void> {
  const { clock } = invocation;
  const until = async (time: number): Promise<void> => {
    while (clock.now() < time) await clock.wait(time - clock.now());
  };
  await until(slot - LOOK_AHEAD);
  const standing = await readLimiters(invocation, gate.places, TRUSTED - LOOK_AHEAD).catch(() => 'no answer' as const);
  await until(slot);
  const now = clock.now();
  // Who cannot know whether the meter is held does not leave.
  const held = standing === 'no answer' || standing.some(({ heldUntil }) => heldUntil > now);
  if (!held && now - slot <= toleranceOf(gate.places)) return waiting.told({ leftAt: now, free: release }); // R67, R72
  release();
  waiting.late += 1;
  if (waiting.late >= LATE_SLOTS) return waiting.told({ later: TROUBLED });
  gate.waiting.unshift(waiting);
  await startGroup(invocation, gate);
}

export const limitBindings = (places: readonly LimiterKey[], meters: readonly LimiterState[]): LimitBinding[] =>
  places.flatMap(({ limits }, index) => {
    const meter = meters[index];
    return meter === undefined ? [] : [{ limits, meter }];
  });

function rejectWaiting(gate: LimiterGroup, later: number): void {
  for (const each of gate.waiting.splice(0)) each.told({ later: Math.max(1, later) });
}

const toleranceOf = (places: readonly LimiterKey[]): number =>
  places.flatMap(({ limits }) => limits).reduce((least, { tolerance }) => Math.min(least, tolerance), TOLERANCE);

/** The requests that one worker may have under way. */
const permitCount = ({ connector, settings }: Invocation): number =>
  Math.max(1, Math.floor(connector.concurrency / settings.MAXIMUM_CONCURRENCY));

/** A lane is one request under way, from the reserving of its slot to its answer. */
function makePermits() {
  let taken = 0;
  let waiting: (() => void)[] = [];
  const one = (): (() => void) => {
    let released = false;
    taken += 1;
    return () => {
      if (released) return;
      released = true;
      taken -= 1;
      const woken = waiting;
      waiting = [];
      for (const wake of woken) wake();
    };
  };
  return {
    /** Takes as many lanes as are wanted and free, at least half of all unless less is wanted: who reserves one by one pays a write for each. */
    async take(all: number, wanted: () => number): Promise<(() => void)[]> {
      while (all - taken < Math.min(wanted(), Math.ceil(all / 2))) {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
        });
      }
      return Array.from({ length: Math.min(all - taken, wanted()) }, one);
    },
  };
}
