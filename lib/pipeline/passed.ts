import type { Invocation } from './invocation.ts';
import { remembered } from './memory.ts';
import type { MeterPlace } from './meters.ts';

/** When requests by a meter last got what they asked for, as one worker saw it. */
const passed = remembered(() => new Map<string, number>());

const nameOf = (places: readonly MeterPlace[]): string => places[0]?.key.pk ?? '';

export function notePassed(invocation: Invocation, places: readonly MeterPlace[]): void {
  passed(invocation).set(nameOf(places), invocation.clock.now());
}

/** Epoch milliseconds; 0: none did. */
export const passedAt = (invocation: Invocation, places: readonly MeterPlace[]): number =>
  passed(invocation).get(nameOf(places)) ?? 0;
