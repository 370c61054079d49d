/** Time: every duration in the project is in milliseconds unless its name says otherwise. */

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A duration as people write it: `'5 minutes'`, `'1 day'`. */
export type Span = `${number} ${'second' | 'minute' | 'hour' | 'day'}${'' | 's'}`;

const UNITS = { second: SECOND, minute: MINUTE, hour: HOUR, day: DAY } as const;
const isUnit = (word: string): word is keyof typeof UNITS => Object.hasOwn(UNITS, word);

/** Milliseconds of a span, or `undefined` if the text is not one. Zero is a span; a negative number is not. */
export function parseSpan(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?) (second|minute|hour|day)s?$/.exec(text) ?? [];
  return amount !== undefined && isUnit(unit) ? Number(amount) * UNITS[unit] : undefined;
}

/** Milliseconds of a span that a connector declared. Throws on a text that is no span: a bug in the connector. */
export function span(text: Span): number {
  const millis = parseSpan(text);
  if (millis === undefined)
    throw new Error(`"${text}" is not a duration. Write a number and a unit, like "5 minutes".`);
  return millis;
}

/** One point in time in the three forms APIs ask for: ISO 8601 in UTC with milliseconds, epoch seconds, epoch milliseconds. */
export type Instant = { readonly iso: string; readonly seconds: number; readonly millis: number };

export const instant = (millis: number): Instant => ({
  iso: new Date(millis).toISOString(),
  seconds: Math.floor(millis / SECOND),
  millis,
});

/** An epoch number below this is seconds, above it milliseconds: as seconds it is the year 5138, as milliseconds March 1973. */
const SECONDS_BELOW = 1e11;
/** The largest time value a `Date` can hold (ECMA-262 section 21.4.1.1). */
const LAST_TIME = 8.64e15;

const ZONELESS = /^\s*\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?$/;

/** Epoch milliseconds of a date as an API writes it: ISO 8601 (or anything `Date.parse` reads), epoch seconds, or epoch milliseconds. */
export function parseInstant(value: unknown): number | undefined {
  if (typeof value === 'string') {
    // Without a zone it is UTC, wherever this runs.
    const millis = Date.parse(ZONELESS.test(value) ? `${value}Z` : value);
    return Number.isNaN(millis) ? undefined : millis;
  }
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) return undefined;
  const millis = value < SECONDS_BELOW ? Math.round(value * SECOND) : Math.round(value);
  return millis <= LAST_TIME ? millis : undefined;
}
