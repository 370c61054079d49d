import type { Clock } from '../../lib/pipeline/ports.ts';

export type ManualClock = Clock & { /** Moves on by some milliseconds. */ advance(millis: number): void };

/** A clock that stands still until it is moved. `start`: epoch milliseconds. */
export function manualClock(start: number): ManualClock {
  let now = start;
  return {
    now: () => now,
    advance: (millis) => {
      now += millis;
    },
  };
}
