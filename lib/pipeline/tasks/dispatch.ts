import { isLimiterBusy, newLimiter, requestSpacing } from '../../core/limits/limiter.ts';
import { type DispatchWindow, dispatchWindowOf, toPageRanges } from '../../core/listing/listing.ts';
import { pagesTask } from '../../core/tasks.ts';
import type { NodeContext, SyncContext } from '../invocation.ts';
import { type LimiterKey, readLimiters } from '../limits/limiter-store.ts';
import { answerTime } from '../limits/observed.ts';
import { limitBindings } from '../limits/slots.ts';
import { type PacedTask, sendByAppointment } from './postpone.ts';

/**
 * An invocation's work on a sync whose tasks it may send. `limiters`: those that requests of the sync's stream reserve on; none where the
 * connection cannot be used, as nothing is sent then.
 */
export type DispatchContext = SyncContext & { readonly limiters: readonly LimiterKey[] };

/** How much of a listing is dispatched at once: what its limits let through in some seconds and until the answers come, and its workers can hold. */
export function dispatchWindowFor(context: DispatchContext): DispatchWindow {
  const { limiters, settings } = context;
  return dispatchWindowOf(requestsApart(limiters), settings.MAXIMUM_CONCURRENCY, answerTime(context, limiters));
}

/** Milliseconds between two requests when limits are used to the full; 0: nothing limits them. */
export function requestsApart(limiters: readonly LimiterKey[]): number {
  const unused = limiters.map(() => newLimiter);
  return requestSpacing(limitBindings(limiters, unused), 0) / 1_000;
}

/** Whether the tasks of a sync may be waiting for its limits. */
export async function isWaitingForLimits(context: DispatchContext): Promise<boolean> {
  const { limiters, clock } = context;
  return isLimiterBusy(limitBindings(limiters, await readLimiters(context, limiters, 0)), clock.now());
}

/** Sends a sync's tasks, each to come when the limits will have room for it. */
export async function dispatchTasks(context: DispatchContext, tasks: readonly PacedTask[]): Promise<void> {
  if (tasks.length > 0) await sendByAppointment(context, { limiters: context.limiters, tasks });
}

/** The tasks that carry these pages of a block. */
export const pageTasksOf = (
  { ref, path }: NodeContext,
  { taskPages }: DispatchWindow,
  pages: Iterable<string>,
): PacedTask[] =>
  toPageRanges([...pages].map(Number), taskPages).map((range) => ({
    task: pagesTask(ref, path, range),
    requests: range.to - range.from + 1,
  }));
