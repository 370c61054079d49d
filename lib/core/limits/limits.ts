import * as z from 'zod';
import { DAY, parseSpan, SECOND, type Span, span } from '../time.ts';

/**
 * A limit of an API, as a connector declares it: so many `requests` in any window of length `per`, whichever worker sends them and however
 * many workers there are.
 */
export type Limit = {
  per: Span;
  /** How much may leave at once after a pause, 1 (default) to half the limit. What bursts is paid for by a slower steady rate. */
  burst?: number;
  /** The share of the limit that Headgate uses, over 0 to 1 (default): the rest is for other users of the account. */
  share?: number;
  /** Who shares the limit: every connection with the same secret (default), this connection, or all of the connector's. */
  scope?: LimitScope;
  /**
   * `rolling` (default): the limit holds in any window of its length. `fixed`: a quota that is reset at each full `per` since
   * 1970 in UTC (a day's at midnight), and may be used up at once.
   */
  window?: 'rolling' | 'fixed';
} & (
  | { /** Every request counts 1. */ requests: number; points?: never }
  | { /** A request counts its stream's `cost`. */ points: number; requests?: never }
);

export type LimitScope = 'secret' | 'connection' | 'connector';

/** Times within a limit are whole microseconds, so that spacings of less than a millisecond neither drift nor round down. */
export const MICRO = 1_000;

/** A limit as its meter reckons with it, for the requests of one stream. */
export type ResolvedLimit = {
  /** Names the limit within its meter: connections that share the limit share the state. */
  readonly key: string;
  /** What one request counts. */
  readonly cost: number;
  /** The part of the API's limit that is ours. */
  readonly share: number;
  /** How late a departure may be, in milliseconds, and still use the slot that was reserved for it. */
  readonly tolerance: number;
} & (
  | {
      readonly window: 'rolling';
      /** Microseconds between the departures of two units, when the limit is used to the full. */
      readonly interval: number;
      /** Units that may leave at once after a pause. */
      readonly burst: number;
    }
  | {
      readonly window: 'fixed';
      /** Length of the window, and how close to its two ends nothing leaves, in microseconds. */
      readonly length: number;
      readonly guard: number;
      /** Units in one window. */
      readonly units: number;
    }
);

/**
 * The margin of a window, in milliseconds: clocks may differ by half of it, and a departure may be late by the other half, and still
 * no window holds more than its limit.
 */
export const windowMargin = (window: number): number => Math.min(SECOND / 4, window / 20);

/**
 * Resolves a limit for requests of cost `cost`. `costs`: what the requests of every stream under this limit cost. `name`: of the stream, if the limit is
 * its own.
 *
 * A meter spaces departures by the virtual scheduling form of the leaky bucket (GCRA, ITU-T I.371): in a window of length W at
 * most burst + W ÷ interval units leave. With an interval longer than (W + margin) ÷ (N − burst + 1) that is never more than N, wherever
 * the window lies, both of its ends included. Where requests cost more than one unit they cannot leave by halves: the burst is at least the dearest request,
 * and only multiples of the costs' common divisor can ever be used.
 */
export function resolveLimit(limit: Limit, cost: number, costs: readonly number[], name?: string): ResolvedLimit {
  const [declared, counted, all] =
    limit.points === undefined ? [limit.requests, 1, [1]] : [limit.points, cost, [...costs, cost]];
  const length = span(limit.per);
  const units = Math.floor(declared * (limit.share ?? 1));
  // Without the amount: a limit that is changed keeps what was used of it.
  const key = `${limit.points === undefined ? '' : 'p'}/${length}${name === undefined ? '' : `@${name}`}`;
  const guard = windowMargin(length) * MICRO;
  const common = { cost: counted, share: limit.share ?? 1, tolerance: windowMargin(length) / 2 };
  if (limit.window === 'fixed')
    return { window: 'fixed', key: `f${key}`, ...common, length: length * MICRO, guard, units };
  const unit = all.reduce(commonDivisor);
  const usable = Math.floor(units / unit) * unit;
  const burst = Math.ceil(Math.max(limit.burst ?? 1, ...all) / unit) * unit;
  const interval = Math.floor((length * MICRO + guard) / (usable - burst + unit)) + 1; // R68
  return { window: 'rolling', key: `r${key}`, ...common, interval, burst };
}

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));

const positive = z.number('must be a number').int('must be a whole number').min(1, 'must be at least 1');

/** A limit as it must be written; each complaint is half a sentence. `costs`: of the streams under it. */
export const limitSchema = z
  .strictObject({
    requests: positive.optional(),
    points: positive.optional(),
    per: z.string().refine((text) => {
      const length = parseSpan(text);
      return length !== undefined && length >= SECOND && length <= 31 * DAY;
    }, 'must be a duration from "1 second" to "31 days"'),
    burst: positive.optional(),
    share: z.number().gt(0, 'must be over 0').max(1, 'must be at most 1').optional(),
    scope: z.enum(['secret', 'connection', 'connector']).optional(),
    window: z.enum(['rolling', 'fixed']).optional(),
  })
  .refine((limit) => (limit.requests === undefined) !== (limit.points === undefined), {
    error: 'needs either "requests" or "points"',
  });

/** What is wrong with limits of the right shape; `undefined`: nothing. */
export function limitsComplaint(limits: readonly Limit[], costs: readonly number[]): string | undefined {
  for (const limit of limits) {
    const said = `${limit.requests ?? limit.points} per ${limit.per}`;
    const units = Math.floor((limit.requests ?? limit.points) * (limit.share ?? 1));
    if (units < 1) return `the share of the limit of ${said} is less than one request`;
    const dearest = limit.points === undefined ? 1 : Math.max(1, ...costs);
    if (dearest > units) return `a request that costs ${dearest} can never leave under the limit of ${said}`;
    if (limit.burst !== undefined && limit.burst > Math.max(1, units / 2))
      return `the burst of ${limit.burst} is more than half of the limit of ${said}: what bursts is paid for by a slower steady rate`;
  }
  return undefined;
}

/** A scope and its limits; the narrowest scope comes first. */
export type ScopedLimits = { readonly scope: LimitScope; readonly limits: readonly ResolvedLimit[] };

const SCOPES: readonly LimitScope[] = ['connection', 'secret', 'connector'];

/**
 * What a request reserves against, by scope. Where no limit is known there is still the meter of the secret, which the API can have held.
 */
export function scopedLimits(limits: readonly (readonly [Limit, ResolvedLimit])[]): readonly ScopedLimits[] {
  const found = SCOPES.map((scope) => ({
    scope,
    limits: distinctKeys(limits.flatMap(([limit, resolved]) => ((limit.scope ?? 'secret') === scope ? resolved : []))),
  })).filter((each) => each.limits.length > 0);
  return found.length > 0 ? found : [{ scope: 'secret', limits: [] }];
}

/** Limits with keys that differ. Two of the same window, such as 10 and 1,000 per hour of which one allows a burst, are counted apart. */
export const distinctKeys = (limits: readonly ResolvedLimit[]): ResolvedLimit[] =>
  limits.map((limit, index) => {
    const before = limits.slice(0, index).filter(({ key }) => key === limit.key).length;
    return before === 0 ? limit : { ...limit, key: `${limit.key}#${before}` };
  });
