import { DAY, HOUR } from '../time.ts';

/** A sync without any progress for this long is given up. */
const LONGEST_STANDSTILL = DAY;
/** Room beside what the limits need: retries, outages, other streams under the same limits. */
const ROOM = 2;
/** No sync lives longer, whatever its limits: its items expire. */
const LONGEST_SYNC = 28 * DAY;

/**
 * When a sync is given up, epoch milliseconds: a day after its last progress, and not before its limits let the requests that are left leave, twice over.
 * `spacing`: milliseconds between two requests, as its limits have it; 0 without limits. `left`: requests that are known to be left.
 * `parkedUntil`: until when nothing of it is to leave, by a limit or by the API's own advice.
 */
export function syncDeadline({
  startedAt,
  progressAt,
  spacing,
  left,
  parkedUntil = 0,
}: {
  readonly startedAt: number;
  readonly progressAt: number;
  readonly spacing: number;
  readonly left: number;
  readonly parkedUntil?: number | undefined;
}): number {
  const needed = Math.max(LONGEST_STANDSTILL, ROOM * spacing * left + HOUR);
  return Math.min(startedAt + LONGEST_SYNC, Math.max(progressAt, parkedUntil) + needed);
}
