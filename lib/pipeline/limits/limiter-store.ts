import * as z from 'zod';
import { type LimiterState, newLimiter } from '../../core/limits/limiter.ts';
import type { ResolvedLimit } from '../../core/limits/limits.ts';
import { DAY } from '../../core/time.ts';
import type { Invocation } from '../invocation.ts';
import { workerCache } from '../invocation.ts';
import type { Item, Key } from '../ports.ts';

/** A meter in the RateLimits table, and the limits that a request reserves against there. */
export type LimiterKey = {
  readonly key: Key;
  readonly limits: readonly ResolvedLimit[];
  /** Where the API takes one request at a time: the lane that a request has to itself. */
  readonly lane?: Key;
};

export const limiterKey = (connector: string, scope: string, limits: readonly ResolvedLimit[]): LimiterKey => ({
  key: { pk: `${connector}/${scope}`, sk: 'METER' },
  limits,
});

/** What a step makes of the meters; without `meters` nothing is to be written. */
export type LimiterStep<T> = { readonly result: T; readonly meters?: readonly LimiterState[] };

/** How often a step is taken again before it is given up. */
const TRIES = 6;
/** How long who was beaten twice waits at most, in milliseconds; twice as long with each time. */
const BEATEN = 8;
/** What was read within this many milliseconds is as good as new. */
const FRESH = 50;
/** Longer than the longest window of a limit. */
const KEPT = 62 * DAY;

/** What a worker knows of a meter. `contended`: others write it, so that it must be read before it is written. */
type Known = { readonly meter: LimiterState; readonly at: number; readonly contended: boolean };
const knownMeters = workerCache(() => new Map<string, Known>());
/** Reads under way: callers of the same moment share them. */
const reads = workerCache(() => new Map<string, Promise<LimiterState>>());

/** The meters as they stood at most `age` milliseconds ago. */
export const readLimiters = (
  invocation: Invocation,
  places: readonly LimiterKey[],
  age: number,
): Promise<readonly LimiterState[]> => allEnded(places.map((place) => read(invocation, place, age)));

/** All of them, or why one failed, once none is under way: a later caller would share a read that ended with its invocation. */
async function allEnded<T>(promises: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

async function read(invocation: Invocation, { key }: LimiterKey, age: number): Promise<LimiterState> {
  const known = knownMeters(invocation);
  const found = known.get(key.pk);
  const now = invocation.clock.now();
  if (found !== undefined && now - found.at <= age) return found.meter;
  const reading = reads(invocation);
  const fresh =
    reading.get(key.pk) ??
    invocation.rateLimits
      .get(key)
      .then((item) => {
        const meter = meterOf(item);
        const { at = 0, contended = false } = known.get(key.pk) ?? {};
        // As of before it was read: what happens meanwhile must not look older than it is.
        if (at <= now) known.set(key.pk, { meter, at: now, contended });
        return meter;
      })
      .finally(() => reading.delete(key.pk));
  reading.set(key.pk, fresh);
  return fresh;
}

/** A change that waits for the one that is under way on the same limiters. */
type WaitingChange = {
  apply(meters: readonly LimiterState[], now: number): readonly LimiterState[];
  stored(): void;
  contended(): void;
  failed(error: unknown): void;
};
type ChangeQueue = { busy: boolean; readonly waiting: WaitingChange[] };
const changeQueues = workerCache(() => new Map<string, ChangeQueue>());

/**
 * Changes meters by a pure step, each in one write that holds only if it has not changed since it was read; beaten by somebody, it
 * takes the step again on what stands there. Steps that come while a write is under way share the next one, so that a worker never beats
 * itself. Where one of several meters is beaten, what was reserved on the others is lost, which is safe. `contended`: beaten too often; come back.
 */
export function changeLimiters<T>(
  invocation: Invocation,
  places: readonly LimiterKey[],
  step: (meters: readonly LimiterState[], now: number) => LimiterStep<T>,
): Promise<T | 'contended'> {
  const known = changeQueues(invocation);
  const name = places.map(({ key }) => key.pk).join('\n');
  const queue = known.get(name) ?? { busy: false, waiting: [] };
  known.set(name, queue);
  const { promise, resolve, reject } = Promise.withResolvers<T | 'contended'>();
  let latest: LimiterStep<T> | undefined;
  queue.waiting.push({
    apply(meters, now) {
      latest = step(meters, now);
      return latest.meters ?? meters;
    },
    stored: () => latest !== undefined && resolve(latest.result),
    contended: () => resolve('contended'),
    failed: reject,
  });
  void workOff(invocation, places, queue);
  return promise;
}

async function workOff(invocation: Invocation, places: readonly LimiterKey[], queue: ChangeQueue): Promise<void> {
  if (queue.busy) return;
  queue.busy = true;
  while (queue.waiting.length > 0) {
    // What comes in the same moment is served by the same write.
    await Promise.resolve();
    const changes = queue.waiting.splice(0);
    try {
      const stored = await changeTogether(invocation, places, changes);
      for (const each of changes) stored ? each.stored() : each.contended();
    } catch (error) {
      for (const each of changes) each.failed(error);
    }
  }
  queue.busy = false;
}

/** Takes the steps one after the other, and stores what they come to in one write of each meter; says whether it held. */
async function changeTogether(
  invocation: Invocation,
  places: readonly LimiterKey[],
  changes: readonly WaitingChange[],
): Promise<boolean> {
  const known = knownMeters(invocation);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const from = await allEnded(
      places.map((place) => {
        const mine = known.get(place.key.pk)?.contended === false;
        // What beat the try before this one has just been told.
        return read(invocation, place, attempt > 0 ? FRESH : mine ? Number.POSITIVE_INFINITY : 0);
      }),
    );
    const now = invocation.clock.now();
    const to = changes.reduce((meters, each) => each.apply(meters, now), from);
    if (await storeAll(invocation, places, { from, to })) return true;
    // Many who are beaten at once must not meet again at once.
    if (attempt > 0) await invocation.clock.wait(invocation.random.number() * BEATEN * 2 ** attempt);
  }
  return false;
}

/** Writes the meters that changed; says whether no other write was quicker. */
async function storeAll(
  invocation: Invocation,
  places: readonly LimiterKey[],
  changes: { readonly from: readonly LimiterState[]; readonly to: readonly LimiterState[] },
): Promise<boolean> {
  for (const [index, place] of places.entries()) {
    const [from, to] = [changes.from[index], changes.to[index]];
    if (from === undefined || to === undefined || from === to) continue;
    if (!(await store(invocation, place, { from, to }))) return false;
  }
  return true;
}

async function store(
  invocation: Invocation,
  { key }: LimiterKey,
  { from, to }: { readonly from: LimiterState; readonly to: LimiterState },
): Promise<boolean> {
  const { rateLimits, clock } = invocation;
  const now = clock.now();
  const written = await rateLimits.upsert(
    key,
    { set: { ...itemOf(to), version: from.version + 1, expires: Math.ceil((now + KEPT) / 1_000) } },
    [from.version === 0 ? { absent: 'version' } : { equal: ['version', from.version] }], // R66
  );
  knownMeters(invocation).set(key.pk, { meter: meterOf(written.item), at: now, contended: !written.ok });
  return written.ok;
}

const meterItem = z
  .object({
    version: z.number(),
    booked: z.number(),
    heldUntil: z.number(),
    heldAt: z.number(),
    strikes: z.number(),
    silences: z.number(),
    downSince: z.number(),
    expires: z.number(),
  })
  .catchall(z.number());

/** Prefixes of the attributes that hold a limit's time and what was used of it. */
const TIME = 't ';
const USED = 'u ';

function meterOf(item: Item | undefined): LimiterState {
  if (item === undefined) return newLimiter;
  const { expires: _expires, ...all } = meterItem.parse(item);
  const { version, booked, heldUntil, heldAt, strikes, silences, downSince, ...rest } = all;
  const under = (prefix: string): Record<string, number> =>
    Object.fromEntries(
      Object.entries(rest).flatMap(([name, value]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
      ),
    );
  const times = under(TIME);
  return { version, booked, heldUntil, heldAt, strikes, silences, downSince, times, used: under(USED) };
}

function itemOf({ times, used, ...rest }: LimiterState): Record<string, number> {
  const named = (prefix: string, values: Readonly<Record<string, number>>) =>
    Object.entries(values).map(([key, value]) => [`${prefix}${key}`, value]);
  return { ...rest, ...Object.fromEntries([...named(TIME, times), ...named(USED, used)]) };
}
