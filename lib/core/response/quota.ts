import { SECOND } from '../time.ts';
import { adviceFollowed, parseDate, serverClock } from './retry-after.ts';

/** What an answer tells of a quota that it counts against. */
export type Quota = {
  /** Units that are left. */
  readonly left: number;
  /** Milliseconds until it is renewed; `undefined`: it was not said, or nonsense. */
  readonly resetsIn: number | undefined;
  /** Units of the whole quota; `undefined`: it was not said. */
  readonly of?: number | undefined;
};

type Header = (name: string) => string | undefined;

/**
 * Reads what response headers say of a quota: the `RateLimit` field of draft-ietf-httpapi-ratelimit-headers (all revisions), the trio
 * `RateLimit-*` of its early ones, and `X-RateLimit-*` as everybody writes it: the reset as epoch seconds or milliseconds, as
 * seconds from now, or as a date. Nonsense is no advice. Of several quotas the one with the least left counts.
 */
export function quotaOf(header: Header, now: number): Quota | undefined {
  const time = serverClock(header('date'), now);
  const told = [...rateLimitField(header('ratelimit')), ...trios(header, time)];
  return told.reduce<Quota | undefined>(
    (least, one) => (least === undefined || isTighter(one, least) ? one : least),
    undefined,
  );
}

const isTighter = (a: Quota, b: Quota): boolean =>
  a.left < b.left || (a.left === b.left && (a.resetsIn ?? 0) > (b.resetsIn ?? 0));

/** `"default";r=50;t=30, "daily";r=0;t=4000` as of revision 07; `limit=100, remaining=50, reset=30` before it. */
function rateLimitField(field: string | undefined): Quota[] {
  if (field === undefined) return [];
  // The names of quotas are theirs to choose, and may hold anything; a value may be quoted.
  const unnamed = field.replace(QUOTED, (text) => (text.startsWith('=') ? text : '""'));
  const whole = parameters(unnamed, /[;,]/);
  if (whole.has('remaining')) return quota(whole.get('remaining'), delta(whole.get('reset')), whole.get('limit'));
  return unnamed.split(',').flatMap((item) => {
    const told = parameters(item, /;/);
    return quota(told.get('r'), delta(told.get('t')));
  });
}

const QUOTED = /(?:= ?)?"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)/g;

const parameters = (text: string, separator: RegExp): ReadonlyMap<string, string> =>
  new Map(
    text.split(separator).flatMap((part): [string, string][] => {
      const sign = part.indexOf('=');
      const name = part.slice(0, sign).trim().toLowerCase();
      const value = part.slice(sign + 1).trim();
      return sign < 0 || !/^[a-z]+$/.test(name) ? [] : [[name, value.replace(/^"|"$/g, '')]];
    }),
  );

const PREFIXES = ['ratelimit', 'x-ratelimit', 'x-rate-limit'];

function trios(header: Header, time: number): Quota[] {
  return PREFIXES.flatMap((prefix) => {
    const reset = header(`${prefix}-reset`);
    const resetsIn = reset === undefined ? undefined : untilReset(reset, time);
    return quota(header(`${prefix}-remaining`), resetsIn, header(`${prefix}-limit`));
  });
}

function quota(left: string | undefined, resetsIn: number | undefined, of?: string): Quota[] {
  const units = count(left);
  // `100, 100;w=60`: what follows the first number are policies.
  return units === undefined ? [] : [{ left: units, resetsIn, of: count(of?.split(/[,;]/, 1)[0]) }];
}

/** A number of units as a text; some APIs write fractions. `undefined` for nonsense: nothing may be reckoned with it. */
function count(text: string | undefined): number | undefined {
  if (text === undefined || !/^\s*\d+(\.\d+)?\s*$/.test(text)) return undefined;
  const units = Math.floor(Number(text));
  return Number.isSafeInteger(units) ? units : undefined;
}

function delta(seconds: string | undefined): number | undefined {
  const whole = count(seconds);
  return whole === undefined ? undefined : adviceFollowed(whole * SECOND);
}

/** Below this a number is a count of seconds, above it a point in time in seconds, and from {@link MILLIS_FROM} on in milliseconds. */
const EPOCH_FROM = 1e9;
const MILLIS_FROM = 1e11;

function untilReset(reset: string, time: number): number | undefined {
  if (!/^\s*\d+(\.\d+)?\s*$/.test(reset)) return adviceFollowed(parseDate(reset) - time);
  const value = Number(reset);
  if (value < EPOCH_FROM) return adviceFollowed(value * SECOND);
  return adviceFollowed((value < MILLIS_FROM ? value * SECOND : value) - time);
}

/** What a connector's `learn` told of its API's quota. */
export type LearnedQuota = { used?: number; left?: number; of?: number; resetsAt?: string };

/** The same as a quota; `undefined` if it says nothing, or nonsense. */
export function quotaLearned(learned: LearnedQuota, date: string | undefined, now: number): Quota | undefined {
  // A body can hold anything, and no type says so.
  const [used, left, of] = [learned.used, learned.left, learned.of].map(finite);
  const { resetsAt } = learned;
  const remaining = left ?? (of !== undefined && used !== undefined ? finite(of - used) : undefined);
  if (remaining === undefined) return undefined;
  // From a body it may come as a number, or as anything.
  const resetsIn = untilReset(typeof resetsAt === 'object' ? '' : String(resetsAt), serverClock(date, now));
  return {
    left: Math.max(0, remaining),
    resetsIn,
    of: of !== undefined && of >= 0 ? of : undefined,
  };
}

const finite = (value: number | undefined): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;
