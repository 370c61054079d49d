import { MINUTE, SECOND } from '../time.ts';
import { MICRO, type ResolvedLimit } from './limits.ts';

/**
 * The limiter of a limit scope: a timetable that every worker shares. Reserving a slot moves the timetable on; a reservation is never refused,
 * it gets a time. All steps are pure; the caller writes the result by compare-and-set.
 */
export type LimiterState = {
  /** Raised by each write. 0: the limiter was never used. */
  readonly version: number;
  /** By {@link ResolvedLimit.key}, in microseconds: of a rolling limit its theoretical arrival time, of a fixed one the start of the window last used. */
  readonly times: Readonly<Record<string, number>>;
  /** Units used in that window of a fixed limit. */
  readonly used: Readonly<Record<string, number>>;
  /** Until when the work that was given an appointment keeps the meter busy, in microseconds. */
  readonly booked: number;
  /** Nothing leaves before this, and when the hold was put: epoch milliseconds. */
  readonly heldUntil: number;
  readonly heldAt: number;
  /** How often the API refused before it had answered for as long as it was left alone. */
  readonly strikes: number;
  /** Requests in a row that were not answered at all. */
  readonly silences: number;
  /** Since when so many were not that the API is taken to be down; 0: it is not. Epoch milliseconds. */
  readonly downSince: number;
};

export const newLimiter: LimiterState = {
  version: 0,
  times: {},
  used: {},
  booked: 0,
  heldUntil: 0,
  heldAt: 0,
  strikes: 0,
  silences: 0,
  downSince: 0,
};

/** A meter, and the limits that a request reserves against. A request may need several: of its secret, of its whole connector. */
export type LimitBinding = { readonly limits: readonly ResolvedLimit[]; readonly meter: LimiterState };

/** An API that does not answer is asked once a second whether it does again. */
const PROBE_INTERVAL = SECOND;
/** Where no limit is declared and the API refuses all the same, departures are spaced by this, until nothing was refused for so long. */
const GUESSED_INTERVAL = 50;
const GUESS_HOLDS = 10 * MINUTE;
/** An API that refuses again and again has a lower limit than is known: departures are spaced twice as far with each strike, to so many times. */
const MOST_CAUTION = 20;
/** Each time nothing was refused for so long, a strike is forgotten. */
const FORGIVEN_AFTER = MINUTE;

/** What is known of a meter beyond its limits, as one more limit: an API that is down, or one whose limit is lower than is known. */
function limitsOf({ limits, meter }: LimitBinding, now: number): readonly ResolvedLimit[] {
  const interval = cautiousInterval(limits, meter, now);
  if (interval === 0) return limits;
  const tolerance = interval / MICRO;
  return [...limits, { window: 'rolling', key: 'caution', cost: 1, share: 1, interval, burst: 1, tolerance }];
}

function cautiousInterval(limits: readonly ResolvedLimit[], meter: LimiterState, now: number): number {
  const { downSince, strikes, heldUntil } = meter;
  const guessed = strikes > 0 && now < heldUntil + GUESS_HOLDS ? GUESSED_INTERVAL * MICRO : 0;
  const known = limits.length === 0 ? guessed : paceOf(limits);
  const factor = Math.min(MOST_CAUTION, 2 ** (strikesOf(meter, now) - 1));
  if (downSince > 0) return Math.max(PROBE_INTERVAL * MICRO, known);
  return limits.length > 0 && factor <= 1 ? 0 : Math.ceil(known * Math.max(1, factor));
}

/** Microseconds from one request to the next when limits are used to the full. */
const paceOf = (limits: readonly ResolvedLimit[]): number =>
  limits.reduce((most, limit) => (limit.window === 'rolling' ? Math.max(most, limit.cost * limit.interval) : most), 0);

/** The strikes that still count. */
const strikesOf = ({ strikes, heldUntil }: LimiterState, at: number): number =>
  Math.max(0, strikes - Math.floor(Math.max(0, at - heldUntil) / FORGIVEN_AFTER));

type Rolling = Extract<ResolvedLimit, { window: 'rolling' }>;

/**
 * The theoretical arrival time of a rolling limit, in microseconds. After a hold nothing bursts: of what was saved up before, no more
 * counts than one request needs.
 */
const arrival = ({ key, cost, burst, interval }: Rolling, { times, heldUntil }: LimiterState): number =>
  Math.max(times[key] ?? 0, heldUntil * MICRO + (burst - cost) * interval); // R71

/** The earliest instant from `at` on at which a limit lets a request leave, in microseconds. */
function earliest(limit: ResolvedLimit, meter: LimiterState, at: number): number {
  if (limit.window === 'rolling') {
    const { cost, burst, interval } = limit;
    return Math.max(at, arrival(limit, meter) + (cost - burst) * interval);
  }
  const { key, length, guard, units, cost } = limit;
  const last = meter.times[key] ?? 0;
  const start = Math.max(Math.floor(at / length) * length, last);
  const full = start === last && (meter.used[key] ?? 0) + cost > units;
  const from = Math.max(at, start + guard); // R70
  return full || from > start + length - guard ? start + length + guard : from; // R70
}

/** The meter after a request has been given the slot `at`. */
function charge(meter: LimiterState, limits: readonly ResolvedLimit[], at: number): LimiterState {
  if (limits.length === 0) return meter;
  const times = { ...meter.times };
  const used = { ...meter.used };
  for (const limit of limits) {
    if (limit.window === 'rolling') {
      times[limit.key] = Math.max(arrival(limit, meter), at) + limit.cost * limit.interval; // R69
    } else {
      const time = times[limit.key] ?? 0;
      const start = Math.floor(at / limit.length) * limit.length;
      used[limit.key] = (start === time ? (used[limit.key] ?? 0) : 0) + limit.cost;
      times[limit.key] = start;
    }
  }
  return { ...meter, times, used };
}

/** The earliest instant from `at` on that suits every limit of every gauge, in microseconds. */
function nextSlot(gauges: readonly LimitBinding[], now: number, at: number): number {
  const from = Math.max(at, ...gauges.map(({ meter }) => meter.heldUntil * MICRO));
  const found = gauges.reduce(
    (latest, gauge) => limitsOf(gauge, now).reduce((time, limit) => earliest(limit, gauge.meter, time), latest),
    from,
  );
  return found === at ? at : nextSlot(gauges, now, found);
}

export type Reservation = {
  /** When each request may leave, in order: epoch milliseconds. */
  readonly slots: readonly number[];
  /** When the next one could, in epoch milliseconds. */
  readonly next: number;
  readonly meters: readonly LimiterState[];
};

/**
 * Reserves up to `wanted` slots that are at most `horizon` milliseconds ahead. A slot is strict: a request that is later than the limits
 * tolerate reserves again.
 */
export function reserveSlots(
  gauges: readonly LimitBinding[],
  now: number,
  wanted: number,
  horizon: number,
): Reservation {
  const slots: number[] = [];
  let standing = gauges.map((gauge) => regain(gauge, now));
  let next = nextSlot(standing, now, now * MICRO);
  while (slots.length < wanted && next <= (now + horizon) * MICRO) {
    slots.push(next / MICRO);
    standing = standing.map((gauge) => ({ ...gauge, meter: charge(gauge.meter, limitsOf(gauge, now), next) }));
    next = nextSlot(standing, now, next);
  }
  return { slots, next: next / MICRO, meters: standing.map(({ meter }) => meter) };
}

/** Where the meter stood idle although work had appointments, those were too late: the ones to come are moved up by what was lost. */
function regain(gauge: LimitBinding, now: number): LimitBinding {
  const { limits, meter } = gauge;
  const times = limits.flatMap(({ window, key }) => (window === 'rolling' ? (meter.times[key] ?? []) : []));
  const lost = times.length === 0 ? 0 : now * MICRO - Math.max(...times, meter.heldUntil * MICRO);
  if (lost <= 0 || meter.booked <= now * MICRO) return gauge;
  return { limits, meter: { ...meter, booked: Math.max(now * MICRO, meter.booked - lost) } };
}

/**
 * No appointment is made further ahead because of others'. Who comes back in vain has another one made, so that beyond this they stand for
 * much more work than there is.
 */
const FURTHEST = 10 * MINUTE;

/** A slot that is this far away, in milliseconds, is waited for anyway: at the two ends of a fixed window nothing ever leaves. */
const SOON = SECOND;

/** Whether a reservation on these limiters has to wait: for a slot, or for the work that has appointments. */
export const isLimiterBusy = (gauges: readonly LimitBinding[], now: number): boolean =>
  nextSlot(gauges, now, now * MICRO) > (now + SOON) * MICRO || gauges.some(({ meter }) => meter.booked > now * MICRO);

export type Appointments = {
  /** When each portion of requests should come back, in order: epoch milliseconds. */
  readonly times: readonly number[];
  readonly meters: readonly LimiterState[];
};

/**
 * Gives portions of requests a time to come back at, one after the other. An appointment is advice: it keeps what is waiting out of
 * the workers' way, and no limit rests on it.
 */
export function bookAppointments(
  gauges: readonly LimitBinding[],
  now: number,
  portions: readonly number[],
): Appointments {
  const pace = requestSpacing(gauges, now);
  const furthest = (now + FURTHEST) * MICRO;
  const booked = Math.max(...gauges.map(({ meter }) => meter.booked));
  let at = Math.max(nextSlot(gauges, now, now * MICRO), Math.min(booked, furthest));
  const times = portions.map((requests) => {
    const time = at / MICRO;
    at += requests * pace;
    return time;
  });
  return { times, meters: gauges.map(({ meter }) => ({ ...meter, booked: at })) };
}

/** Microseconds from one request to the next when the limits are used to the full; 0: nothing limits them. */
export const requestSpacing = (gauges: readonly LimitBinding[], now: number): number =>
  paceOf(gauges.flatMap((gauge) => limitsOf(gauge, now)));

/** The longest and the first hold that is put without advice. */
const LONGEST_HOLD = 15 * MINUTE;
const FIRST_HOLD = 2 * SECOND;
/** After so many requests in a row without an answer the API is taken to be down: the circuit breaker opens. */
const BREAKER = 3;

export type Rejection = {
  /** When the request that was refused left. */
  readonly leftAt: number;
  /** Milliseconds to wait, as the API advised; `undefined`: it did not say. */
  readonly wait: number | undefined;
  /** `refused`: the API asked for patience. `silence`: nothing answered. */
  readonly is: 'refused' | 'silence';
};

/**
 * Holds the meter after a refusal, or after too many silences in a row; `undefined` if it is held for that already: a request that
 * left before the hold ended says nothing new, so that a storm of refusals is one hold. Without advice,
 * or if that is not to wait at all, each hold in a row is twice as long. In a row they are while the API refuses again before it has
 * answered for as long as it was left alone; where it answers for longer than that, the next hold is shorter.
 */
export function onRejection(
  meter: LimiterState,
  { leftAt, wait = 0, is }: Rejection,
  now: number,
): LimiterState | undefined {
  if (leftAt < meter.heldUntil) return undefined; // R73
  const silences = is === 'silence' ? meter.silences + 1 : 0;
  if (is === 'silence' && silences < BREAKER) return { ...meter, silences };
  const inRow = leftAt - meter.heldUntil < meter.heldUntil - meter.heldAt;
  const strikes = Math.max(1, strikesOf(meter, leftAt) + (inRow ? 1 : -1));
  const held = wait > 0 ? wait : Math.min(LONGEST_HOLD, FIRST_HOLD * 2 ** (strikes - 1));
  const downSince = is === 'silence' ? meter.downSince || now : 0;
  return { ...meter, heldAt: now, heldUntil: Math.ceil(now + held), strikes, silences, downSince };
}

/** Holds the meter until the API's quota is renewed, before it has to refuse; `undefined` if it is held as long already. */
export const holdUntil = (meter: LimiterState, until: number, now: number): LimiterState | undefined =>
  until <= Math.max(now, meter.heldUntil) ? undefined : { ...meter, heldAt: now, heldUntil: Math.ceil(until) };

/** The API answers again; `undefined` if it was not taken to be down. */
export const onRecovery = (meter: LimiterState): LimiterState | undefined =>
  meter.silences === 0 ? undefined : { ...meter, silences: 0, downSince: 0, strikes: 0 };
