import { MINUTE, SECOND } from './time.ts';

const BASE = 2 * SECOND;
/** The longest wait of backoff without advice, in milliseconds. */
export const LONGEST_BACKOFF = 15 * MINUTE;

/**
 * How long to wait before the next attempt, in milliseconds: full jitter
 * (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/), 0 to 2 s after the first attempt, doubling
 * up to 15 min, and never less than the server advised. `attempt`: the one that failed, from 1. `random`: 0 ≤ r < 1.
 */
export function backoff(attempt: number, random: number, advised = 0): number {
  return Math.max(advised, random * Math.min(LONGEST_BACKOFF, BASE * 2 ** (attempt - 1)));
}
