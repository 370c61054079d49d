import { parseInstant, type Span, span } from '../time.ts';

export type SyncWindow = { readonly from: number; readonly to: number; readonly mode: 'full' | 'incremental' };

/**
 * The window a sync asks for. It ends when the sync starts, so that its extent does not depend on how long it takes; it begins
 * `lookback` before the watermark, because APIs show records later than they date them. `start`: ISO date of the first window.
 */
export function nextSyncWindow(
  since: { readonly lookback: Span; readonly start?: string } | undefined,
  watermark: string | undefined,
  now: number,
): SyncWindow {
  const mark = since && parseInstant(watermark);
  if (since === undefined || mark === undefined)
    return { from: parseInstant(since?.start) ?? 0, to: now, mode: 'full' };
  return { from: Math.max(0, mark - span(since.lookback)), to: now, mode: 'incremental' };
}

/**
 * Whether a window leaves nothing out behind the watermark. One that an operator lets begin later does: what it brings proves nothing of the time in
 * between, so it must not move the watermark past it.
 */
export function coversWatermark(
  since: Parameters<typeof nextSyncWindow>[0],
  watermark: string | undefined,
  { from, to, mode }: SyncWindow,
): boolean {
  return mode === 'full' || from <= nextSyncWindow(since, watermark, to).from;
}

/**
 * The watermark a sync may commit: the highest value it saw, but never past the API's own clock at its first answer: a
 * record that changes behind the reader's back afterwards carries a later date. It never falls.
 */
export function nextWatermark(
  before: string | undefined,
  highest: number | undefined,
  firstAnswered: number | undefined,
): string | undefined {
  if (highest === undefined) return before;
  const reached = Math.min(highest, firstAnswered ?? highest);
  return new Date(Math.max(reached, parseInstant(before) ?? reached)).toISOString();
}
