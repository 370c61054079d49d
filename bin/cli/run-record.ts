import { type RunEvent, runEvent } from '../../lib/core/run-events.ts';
import { SECOND } from '../../lib/core/time.ts';
import type { Receipt } from '../../lib/core/verdict/receipt.ts';

/** A request, as it was logged. */
export type RecordedRequest = Omit<
  Extract<RunEvent, { message: 'request answered' }>,
  'message' | 'connection' | 'sync'
>;
/** Nothing left between these times, in epoch milliseconds. */
export type RecordedHold = { readonly from: number; readonly until: number; readonly reason: 'refused' | 'silence' };
/** A page that was given up. `page`: its index. */
export type RecordedFailure = { readonly stream: string; readonly page: number; readonly reason: string };

/** What happened in a run. */
export type RunRecord = {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly requests: readonly RecordedRequest[];
  readonly holds: readonly RecordedHold[];
  readonly failures: readonly RecordedFailure[];
  readonly receipts: readonly Receipt[];
};

/** Records a run by its log lines and its receipts. */
export function recordRun() {
  const startedAt = Date.now();
  const requests: RecordedRequest[] = [];
  const holds: RecordedHold[] = [];
  const failures: RecordedFailure[] = [];
  const receipts: Receipt[] = [];
  return {
    take(json: unknown): void {
      const event = runEvent.safeParse(json).data;
      if (event?.message === 'request answered') {
        const { stream, at, took, status, is, reason } = event;
        requests.push({ stream, at, took, status, is, reason });
      } else if (event?.message === 'meter held') {
        const from = Date.now();
        holds.push({ from, until: from + event.seconds * SECOND, reason: event.reason });
      } else if (event?.message === 'page set aside') {
        const { stream, page, reason } = event;
        failures.push({ stream, page, reason });
      }
    },
    closed: (receipt: Receipt): void => void receipts.push(receipt),
    /** What is known now. */
    end(): RunRecord {
      const sorted = requests.toSorted((one, other) => one.at - other.at);
      return { startedAt, endedAt: Date.now(), requests: sorted, holds, failures, receipts };
    },
  };
}
