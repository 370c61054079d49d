import type { Invocation } from './invocation.ts';
import { remembered } from './memory.ts';
import type { MeterPlace } from './meters.ts';

/** Whether what leaves by a meter is answered, as one worker sees it. */
export type Pulse = {
  /** Requests in a row that were not answered. */
  silences: number;
  /** When a request last got what it asked for: epoch milliseconds, 0 if none did. */
  passedAt: number;
};

const pulses = remembered(() => new Map<string, Pulse>());

/** The pulse of what leaves by these meters, to be read and to be noted in. */
export function pulseOf(invocation: Invocation, places: readonly MeterPlace[]): Pulse {
  const key = places[0]?.key.pk ?? '';
  const found = pulses(invocation).get(key) ?? { silences: 0, passedAt: 0 };
  pulses(invocation).set(key, found);
  return found;
}
