import { DAY, SECOND } from './time.ts';

/** Advice beyond this is taken for nonsense. */
const LONGEST_ADVICE = 31 * DAY;

/**
 * Milliseconds to wait by a `Retry-After` header (RFC 9110 section 10.2.3): seconds, or a date judged against the response's own
 * `Date`, so that neither clock needs to be right. `undefined`: no advice, or nonsense.
 */
export function retryAfter(header: string | undefined, date: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const wait = /^\s*\d+(\.\d+)?\s*$/.test(header) ? Number(header) * SECOND : Date.parse(header) - clock(date, now);
  return Number.isFinite(wait) && wait >= 0 && wait <= LONGEST_ADVICE ? Math.ceil(wait) : undefined;
}

function clock(date: string | undefined, now: number): number {
  const theirs = Date.parse(date ?? '');
  return Number.isNaN(theirs) ? now : theirs;
}
