import type { Clock } from '../../lib/pipeline/ports.ts';

export type ManualClock = Clock & { /** Moves on by some milliseconds. */ advance(millis: number): void };

/** A clock that stands still until it is moved, or somebody waits. It tells whole milliseconds, as clocks do. `start`: epoch milliseconds. */
export function manualClock(start: number): ManualClock {
  let now = start;
  return {
    now: () => now,
    wait: async (millis) => {
      const until = now + Math.max(0, Math.ceil(millis));
      // Whoever else waits at the same moment waits at the same time.
      await Promise.resolve();
      now = Math.max(now, until);
    },
    advance: (millis) => {
      now += Math.ceil(millis);
    },
  };
}
