import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../pipeline/ports.ts';

export const systemClock: Clock = {
  now: Date.now,
  // A timer may be a little early: a caller that needs the time to have come looks again.
  wait: (millis) => wait(Math.max(0, Math.ceil(millis))),
};
