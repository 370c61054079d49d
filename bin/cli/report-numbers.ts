import { span } from '../../lib/core/time.ts';
import type { RecordedRequest, RunRecord } from './run-record.ts';
import type { LimitUse } from './stream-progress.ts';

/** The numbers of a report: pure functions of what was recorded. */

/** What came of a request, as a reader of a report tells it apart. */
export const OUTCOMES = ['answered', 'throttled', 'retried', 'failed'] as const;
export type RequestOutcome = (typeof OUTCOMES)[number];

export function outcomeOf({ is }: Pick<RecordedRequest, 'is'>): RequestOutcome {
  if (is === 'throttled') return 'throttled';
  if (is === 'retry') return 'retried';
  return ['failure', 'reauthorise', 'restart'].includes(is) ? 'failed' : 'answered';
}

/** The time of a run, cut into equal columns. */
export type TimeGrid = { readonly from: number; readonly width: number; readonly columns: number };

/** From the first request to the last answer. */
export function timeGrid({ requests, startedAt, endedAt }: RunRecord, columns: number): TimeGrid {
  const from = requests[0]?.at ?? startedAt;
  const until = requests.length === 0 ? endedAt : Math.max(...ends(requests));
  return { from, width: Math.max(1, until - from) / columns, columns };
}

/** In pieces: a call takes no hundred thousand arguments. */
const ends = (requests: readonly RecordedRequest[]): number[] =>
  requests.reduce<number[]>((last, { at, took }) => (at + took > (last[0] ?? 0) ? [at + took] : last), []);

export const columnOf = ({ from, width, columns }: TimeGrid, time: number): number =>
  Math.max(0, Math.min(columns - 1, Math.floor((time - from) / width)));

/** Requests of each column, by outcome. */
export function countByColumn(requests: readonly RecordedRequest[], grid: TimeGrid): Record<RequestOutcome, number>[] {
  const counts = Array.from({ length: grid.columns }, () => ({ answered: 0, throttled: 0, retried: 0, failed: 0 }));
  for (const request of requests) {
    const column = counts[columnOf(grid, request.at)];
    if (column !== undefined) column[outcomeOf(request)] += 1;
  }
  return counts;
}

/** How much of a limit was used in each column: the most units that left in one window of the limit that ends there. */
export type LimitUsage = { readonly columns: readonly number[]; readonly peak: number };

/** `requests`: in the order in which they left. */
export function limitUsage(
  requests: readonly RecordedRequest[],
  { limit, streams }: LimitUse,
  grid: TimeGrid,
): LimitUsage {
  const length = span(limit.per);
  const columns = Array.from({ length: grid.columns }, () => 0);
  const costed = requests.flatMap(({ stream, at }) => {
    const cost = streams.get(stream);
    return cost === undefined ? [] : [{ at, cost }];
  });
  let [oldest, units, peak] = [0, 0, 0];
  for (const { at, cost } of costed) {
    units += cost;
    const begin = limit.window === 'fixed' ? Math.floor(at / length) * length : at - length;
    for (let old = costed[oldest]; old !== undefined && isBefore(old.at, begin, limit.window); old = costed[oldest]) {
      units -= old.cost;
      oldest += 1;
    }
    const column = columnOf(grid, at);
    columns[column] = Math.max(columns[column] ?? 0, units);
    peak = Math.max(peak, units);
  }
  return { columns, peak };
}

const isBefore = (at: number, begin: number, window: LimitUse['limit']['window']): boolean =>
  window === 'fixed' ? at < begin : at <= begin;

/** Milliseconds that answers took: the median, the 95th of a hundred, and the longest; `undefined`: nothing was asked. */
export type LatencySummary = { readonly median: number; readonly most: number; readonly p95: number };

export function latencyOf(requests: readonly RecordedRequest[]): LatencySummary | undefined {
  const sorted = requests.map(({ took }) => took).toSorted((one, other) => one - other);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
  return sorted.length === 0 ? undefined : { median: at(0.5), p95: at(0.95), most: at(1) };
}

/** Cells of a field of times and latencies in which there is a request. The worst outcome of a cell is the one that is seen. */
export type LatencyCell = { readonly column: number; readonly row: number; readonly outcome: RequestOutcome };

export function latencyCells(
  requests: readonly RecordedRequest[],
  grid: TimeGrid,
  { rows, most }: { readonly rows: number; readonly most: number },
): readonly LatencyCell[] {
  const worst = new Map<string, LatencyCell>();
  for (const request of requests) {
    const [column, outcome] = [columnOf(grid, request.at), outcomeOf(request)];
    const row = Math.min(rows - 1, Math.floor((request.took / Math.max(1, most)) * rows));
    const name = `${column} ${row}`;
    const before = worst.get(name);
    if (before === undefined || OUTCOMES.indexOf(before.outcome) < OUTCOMES.indexOf(outcome))
      worst.set(name, { column, row, outcome });
  }
  return [...worst.values()];
}

/** What went wrong in the same way, once: how often, and when first and last. */
export type TroubleSummary = Pick<RecordedRequest, 'stream' | 'status' | 'reason'> & {
  readonly outcome: RequestOutcome;
  readonly times: number;
  readonly first: number;
  readonly last: number;
};

export function troublesOf(requests: readonly RecordedRequest[]): readonly TroubleSummary[] {
  const found = new Map<string, TroubleSummary>();
  for (const request of requests) {
    const [{ stream, status, reason, at }, outcome] = [request, outcomeOf(request)];
    if (outcome === 'answered') continue;
    const name = [stream, outcome, status, reason].join('\n');
    const { times = 0, first = at } = found.get(name) ?? {};
    found.set(name, { stream, status, reason, outcome, times: times + 1, first, last: at });
  }
  return [...found.values()];
}
