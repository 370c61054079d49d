import {
  type LimiterState,
  newLimiter,
  onRejection,
  type Reservation,
  reserveSlots,
} from '../../../lib/core/limits/limiter.ts';
import type { ResolvedLimit } from '../../../lib/core/limits/limits.ts';

/** Workers that share meters, as pure steps in true time: what they reserve on, when they really leave, and what goes wrong on the way. */

/** What one worker does at one moment. Times are milliseconds. */
export type Act = {
  /** Since the act before it began. */
  readonly after: number;
  readonly worker: number;
  /** Index of the stream whose requests are sent: each has limits of its own kind. */
  readonly stream: number;
  readonly wanted: number;
  readonly horizon: number;
  /** From the step on the meters as they were read to its write: meanwhile others act. */
  readonly writing: number;
  /** How late the requests leave, as parts of the tolerance; beyond 1 is too late, and the slot is lost. */
  readonly lateness: readonly number[];
  /** It dies: what it reserved is never used. `twice`: its write is repeated, or a copy of its message reserves as well. */
  readonly fate: 'lives' | 'dies' | 'twice';
  /** The API refuses and advises so many milliseconds. */
  readonly refusal?: number | undefined;
};

/** A stream's limits by meter, the narrowest first. */
export type Plan = readonly (readonly ResolvedLimit[])[];

export type Departure = { readonly at: number; readonly slot: number; readonly stream: number };

export type Hold = { readonly until: number; readonly slots: { readonly slot: number; readonly stream: number }[] };

export type Fleet = {
  readonly departures: readonly Departure[];
  readonly meters: readonly LimiterState[];
  /** Reservations that lost their compare-and-set. */
  readonly beaten: number;
  /** Holds, and the slots that were given after each, until the next. */
  readonly holds: readonly Hold[];
};

/** `skews`: by how many milliseconds each worker's clock is wrong. `start`: true time, epoch milliseconds. */
export function runFleet(start: number, plans: readonly Plan[], skews: readonly number[], acts: readonly Act[]): Fleet {
  const count = Math.max(...plans.map((plan) => plan.length));
  const meters: LimiterState[] = Array.from({ length: count }, () => newLimiter);
  const departures: Departure[] = [];
  const holds: Hold[] = [];
  let beaten = 0;

  type Writing = {
    readonly at: number;
    readonly order: number;
    readonly act: Act;
    readonly seen: readonly LimiterState[];
  };
  const writings: Writing[] = [];

  const skewOf = ({ worker }: Act): number => skews[worker % skews.length] ?? 0;
  const planOf = ({ stream }: Act): Plan => plans[stream % plans.length] ?? [];
  const stepOf = (act: Act, standing: readonly LimiterState[], at: number): Reservation =>
    reserveSlots(
      planOf(act).map((limits, index) => ({ limits, meter: standing[index] ?? newLimiter })),
      at + skewOf(act),
      act.wanted,
      act.horizon,
    );

  /** Writes meter after meter, each only if nobody was quicker: what was written before one is beaten stays written. */
  function store(seen: readonly LimiterState[], next: readonly LimiterState[]): boolean {
    for (const [index, meter] of next.entries()) {
      const [before, standing] = [seen[index], meters[index]];
      if (before === undefined || standing === undefined || meter === before) continue;
      if (standing.version !== before.version) return false;
      meters[index] = { ...meter, version: standing.version + 1 };
    }
    return true;
  }

  function write({ at, act, seen }: Writing, began: number): void {
    let from = seen;
    let reservation = stepOf(act, from, began);
    while (!store(from, reservation.meters)) {
      beaten += 1;
      from = [...meters];
      reservation = stepOf(act, from, at);
    }
    const stream = act.stream % plans.length;
    holds.at(-1)?.slots.push(...reservation.slots.map((slot) => ({ slot, stream })));
    if (act.fate !== 'dies') leave(act, reservation.slots, at);
  }

  /** Each leaves when its slot has come by the worker's own clock, or a little later; who is too late does not. */
  function leave(act: Act, slots: readonly number[], written: number): void {
    const tolerance = Math.min(...planOf(act).flatMap((limits) => limits.map((limit) => limit.tolerance)));
    slots.forEach((slot, index) => {
      const late = tolerance * (act.lateness[index % act.lateness.length] ?? 0);
      const byItsClock = Math.max(slot + late, written + skewOf(act));
      if (byItsClock - slot <= tolerance)
        departures.push({ at: byItsClock - skewOf(act), slot, stream: act.stream % plans.length });
    });
  }

  function refuse(act: Act, at: number): void {
    const [meter] = meters;
    if (act.refusal === undefined || meter === undefined) return;
    const now = at + skewOf(act);
    const held = onRejection(meter, { leftAt: now, wait: act.refusal, is: 'refused' }, now);
    if (held === undefined) return;
    meters[0] = { ...held, version: meter.version + 1 };
    holds.push({ until: held.heldUntil, slots: [] });
  }

  const writeUntil = (time: number): void => {
    writings.sort((a, b) => a.at - b.at || a.order - b.order);
    while (writings[0] !== undefined && writings[0].at <= time) {
      const next = writings.shift();
      if (next !== undefined) write(next, next.at - next.act.writing);
    }
  };

  let now = start;
  acts.forEach((act, order) => {
    now += act.after;
    writeUntil(now);
    refuse(act, now);
    const writing = { at: now + act.writing, order, act, seen: [...meters] };
    writings.push(writing);
    if (act.fate === 'twice') writings.push({ ...writing, at: writing.at + act.writing });
  });
  writeUntil(Number.POSITIVE_INFINITY);
  return { departures, meters, beaten, holds };
}

/** The most units in any window of a length, both ends included, and of all windows that begin at a multiple of it. Milliseconds. */
export function worstWindow(departures: readonly { at: number; cost: number }[], length: number): number {
  const sorted = departures.toSorted((a, b) => a.at - b.at);
  let [from, held, worst] = [0, 0, 0];
  for (const { at, cost } of sorted) {
    held += cost;
    for (let first = sorted[from]; first !== undefined && first.at < at - length; first = sorted[++from])
      held -= first.cost;
    worst = Math.max(worst, held);
  }
  return worst;
}

export function worstAlignedWindow(departures: readonly { at: number; cost: number }[], length: number): number {
  const held = new Map<number, number>();
  for (const { at, cost } of departures) {
    const window = Math.floor(at / length);
    held.set(window, (held.get(window) ?? 0) + cost);
  }
  return Math.max(0, ...held.values());
}
