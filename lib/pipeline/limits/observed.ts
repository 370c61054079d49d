import { SECOND } from '../../core/time.ts';
import type { Invocation } from '../invocation.ts';
import { workerCache } from '../invocation.ts';
import type { LimiterKey } from './limiter-store.ts';

/** How much the last answer moves the average. */
const WEIGHT = 1 / 8;
/** Nothing waits longer for what it is under way for. */
const LONGEST = 15 * SECOND;

const averages = workerCache(() => new Map<string, number>());

const nameOf = (places: readonly LimiterKey[]): string => places[0]?.key.pk ?? '';

/** Notes how many milliseconds an answer took. */
export function noteAnswerTime(invocation: Invocation, places: readonly LimiterKey[], millis: number): void {
  const before = averages(invocation).get(nameOf(places)) ?? millis;
  averages(invocation).set(nameOf(places), Math.min(LONGEST, before + WEIGHT * (millis - before)));
}

/**
 * How many milliseconds an API takes to answer, as this worker saw it; 0: it saw none. So long a worker is there in any case, and so much
 * of a listing is under way without being in anybody's way.
 */
export const answerTime = (invocation: Invocation, places: readonly LimiterKey[]): number =>
  averages(invocation).get(nameOf(places)) ?? 0;

/** When requests by a meter last got what they asked for, as one worker saw it. */
const passed = workerCache(() => new Map<string, number>());

export function noteAnswered(invocation: Invocation, places: readonly LimiterKey[]): void {
  passed(invocation).set(nameOf(places), invocation.clock.now());
}

/** Epoch milliseconds; 0: none did. */
export const lastAnsweredAt = (invocation: Invocation, places: readonly LimiterKey[]): number =>
  passed(invocation).get(nameOf(places)) ?? 0;
