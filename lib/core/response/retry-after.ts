import { DAY, SECOND } from '../time.ts';

/** Advice beyond this is taken for nonsense. */
export const LONGEST_ADVICE = 31 * DAY;
/** Longer advice is followed up to this, then the API is asked again: a header does not stop a limiter for weeks. */
const LONGEST_WAIT = DAY;

/**
 * Milliseconds to wait by a `Retry-After` header (RFC 9110 section 10.2.3): seconds, or a date judged against the response's own
 * `Date`, so that neither clock needs to be right. `undefined`: no advice, or nonsense.
 */
export function retryAfter(header: string | undefined, date: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const seconds = /^\s*\d+(\.\d+)?\s*(,\s*\d+(\.\d+)?\s*)*$/.test(header);
  // Of several values the longest is followed: waiting longer breaks no limit.
  const wait = seconds
    ? Math.max(...header.split(',').map(Number)) * SECOND
    : parseDate(header) - serverClock(date, now);
  return adviceFollowed(wait);
}

/** Advice as it is followed: whole milliseconds, at most a day; `undefined` for what cannot be meant. */
export const adviceFollowed = (wait: number): number | undefined =>
  Number.isFinite(wait) && wait >= 0 && wait <= LONGEST_ADVICE ? Math.min(LONGEST_WAIT, Math.ceil(wait)) : undefined;

/** The API's own clock, by the response's `Date`; ours if it does not tell. */
export function serverClock(date: string | undefined, now: number): number {
  const theirs = parseDate(date ?? '');
  return Number.isNaN(theirs) ? now : theirs;
}

/** How far the API's clock is behind ours, in milliseconds, at most 0. 0: it does not tell, or is ahead, which may be false. */
export const clockLag = (date: string | undefined, receivedAt: number): number =>
  Math.min(0, serverClock(date, receivedAt) - receivedAt);

/** The forms a date comes in. `Date.parse` reads much more than these, and guesses what it does not understand. */
const ZONED = [
  /^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (GMT|UTC|[+-]\d{4})$/,
  /^[A-Z][a-z]+day, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT$/,
  /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/,
];
/** Without a zone it is UTC, wherever this runs. */
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/;
const ISO = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?$/;

/** An HTTP date in any of its three forms (RFC 9110 section 5.6.7), or ISO 8601; `NaN` if it is neither. */
export function parseDate(text: string): number {
  const trimmed = text.trim();
  if (ASCTIME.test(trimmed)) return Date.parse(`${trimmed} GMT`);
  if (ISO.test(trimmed)) return Date.parse(`${trimmed}Z`);
  return ZONED.some((form) => form.test(trimmed)) ? Date.parse(trimmed) : Number.NaN;
}
