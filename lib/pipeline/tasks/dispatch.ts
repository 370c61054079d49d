import { isLimiterBusy, newLimiter, requestSpacing } from '../../core/limits/limiter.ts';
import { type DispatchWindow, dispatchWindowOf, toPageRanges } from '../../core/listing/listing.ts';
import { pagesTask, type SyncRef } from '../../core/tasks.ts';
import { limitersOf, readAccount } from '../credentials/account.ts';
import { forConnection, type SyncContext } from '../invocation.ts';
import { type LimiterKey, readLimiters } from '../limits/limiter-store.ts';
import { answerTime } from '../limits/observed.ts';
import { limitBindings } from '../limits/slots.ts';
import { type PacedTask, sendByAppointment } from './postpone.ts';

const metersFor = async (context: SyncContext): Promise<readonly LimiterKey[]> =>
  limitersOf(await readAccount(forConnection(context, context.ref.connection)), context.ref.stream);

/** How much of a listing is dispatched at once: what its limits let through in some seconds and until the answers come, and its workers can hold. */
export async function dispatchWindowFor(context: SyncContext): Promise<DispatchWindow> {
  const places = await metersFor(context);
  const unused = limitBindings(
    places,
    places.map(() => newLimiter),
  );
  const apart = requestSpacing(unused, 0) / 1_000;
  return dispatchWindowOf(apart, context.settings.MAXIMUM_CONCURRENCY, answerTime(context, places));
}

/** Whether the tasks of a sync may be waiting for its limits. */
export async function isWaitingForLimits(context: SyncContext): Promise<boolean> {
  const places = await metersFor(context);
  return isLimiterBusy(limitBindings(places, await readLimiters(context, places, 0)), context.clock.now());
}

/** Sends a sync's tasks, each to come when the limits will have room for it. */
export async function dispatchTasks(context: SyncContext, tasks: readonly PacedTask[]): Promise<void> {
  if (tasks.length > 0) await sendByAppointment(context, await metersFor(context), tasks);
}

/** The tasks that carry these pages of a block. */
export const pageTasksOf = (
  { taskPages }: DispatchWindow,
  ref: SyncRef,
  node: string,
  pages: Iterable<string>,
): PacedTask[] =>
  toPageRanges([...pages].map(Number), taskPages).map((range) => ({
    task: pagesTask(ref, node, range),
    requests: range.to - range.from + 1,
  }));
