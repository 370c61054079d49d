import { dateMark, markKind, type Since } from '../connector/since.ts';
import { parseInstant } from '../dates.ts';
import { DAY, HOUR, type Span, span } from '../time.ts';

export type SyncWindow = { readonly from: number; readonly to: number; readonly mode: 'full' | 'incremental' };

/** What of a stream's `since` decides about windows. */
type Dated = { readonly lookback: Span; readonly start?: string; readonly zone?: string };

/**
 * Where a full sync begins without a declared `start`: 2 January 1970. The epoch itself is a null to many APIs: GitHub lists nothing for it, PHP's
 * `strtotime` gives a false value, MySQL's TIMESTAMP cannot hold it in zones east of UTC.
 */
export const FIRST_START = DAY;

/** In the hour that local time repeats, a change may carry a date that is up to one hour before the watermark. */
const REPEATED_HOUR = HOUR;

/**
 * The window a sync asks for, epoch milliseconds. It ends when the sync starts, so that its extent does not depend on how long it takes. It begins
 * `lookback` before the watermark, because APIs show records later than they date them; an hour more where the dates name no zone (`zoneless`) and
 * none is declared. A watermark or a `start` in the future is not used.
 */
export function nextSyncWindow(
  since: Dated | undefined,
  watermark: string | undefined,
  now: number,
  zoneless = false,
): SyncWindow {
  const mark = since && parseInstant(watermark);
  if (since === undefined || mark === undefined || mark > now) {
    const start = parseInstant(since?.start) ?? FIRST_START;
    return { from: start > now ? FIRST_START : start, to: now, mode: 'full' };
  }
  const fold = zoneless && since.zone === undefined ? REPEATED_HOUR : 0;
  return { from: Math.max(FIRST_START, mark - span(since.lookback) - fold), to: now, mode: 'incremental' };
}

/**
 * Whether a window leaves nothing out after the watermark. One that an operator lets begin later does: what it brings proves nothing of the time in
 * between, so it must not move the watermark past it.
 */
export function coversWatermark(
  since: Since<never> | undefined,
  watermark: string | undefined,
  { from, to, mode }: SyncWindow,
): boolean {
  if (since !== undefined && !('field' in since)) return true;
  return mode === 'full' || from <= nextSyncWindow(dateMark(since), watermark, to).from;
}

/** What a stream has committed. `marked`: of which kind it is, where it is no date. */
export type CommittedMark = {
  readonly watermark?: string | undefined;
  readonly marked?: 'number' | 'token' | undefined;
};

/** What a stream has committed that its `since` understands: the mark of another kind means nothing to it. */
export const knownMark = (since: Since<never> | undefined, { watermark, marked }: CommittedMark): string | undefined =>
  since === undefined || markKind(since) === (marked ?? 'date') ? watermark : undefined;

/** The number or the token that a sync commits, by what it began from, and by what its records and its last page told. It never falls. */
export function nextMark(
  since: Since<never>,
  before: string | undefined,
  { highest, token }: { readonly highest: number | undefined; readonly token: string | undefined },
): string | undefined {
  if ('token' in since) return token ?? before;
  return highest === undefined ? before : String(Math.max(highest, Number(before ?? highest)));
}

/**
 * The latest value that may become a watermark, by the API's clock, epoch milliseconds: the moment at which the sync started. A record dated later changed
 * meanwhile, or carries a false date; the next sync asks for it. `startedAt`: by our clock. `lag`: how far the API's clock is behind ours (RFC 9110 section
 * 6.6.1), at most 0. A clock ahead of ours never lifts the bound: it may be wrong.
 */
export const watermarkBound = (startedAt: number, lag: number): number => startedAt + Math.min(0, lag);

/** The watermark a sync may commit. `highest`: the highest value within {@link watermarkBound}. It never falls, unless the one before lies in the future. */
export function nextWatermark(
  before: string | undefined,
  highest: number | undefined,
  now: number,
): string | undefined {
  const mark = parseInstant(before);
  const kept = mark !== undefined && mark <= now ? mark : undefined;
  if (highest === undefined) return kept === undefined ? undefined : before;
  return new Date(Math.max(highest, kept ?? highest)).toISOString();
}
