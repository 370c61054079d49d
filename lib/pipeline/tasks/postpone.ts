import { bookAppointments } from '../../core/limits/limiter.ts';
import type { TaskOf } from '../../core/tasks.ts';
import { SECOND } from '../../core/time.ts';
import type { Invocation, SyncContext } from '../invocation.ts';
import { changeLimiters, type LimiterKey } from '../limits/limiter-store.ts';
import { limitBindings } from '../limits/slots.ts';
import { logEvent } from '../log-event.ts';
import { syncKey } from '../store/sync-keys.ts';

/** The longest delay a message can be sent with. */
export const LONGEST_DELAY = 900 * SECOND;
/** What is longer by less is as long: the longest hold is, and clocks differ. A task that comes then waits for the rest. */
const MOMENT = SECOND;
/** A task comes this much before its appointment, and then up to a second: late, it would leave slots unused. */
const LEAD = SECOND / 2;

/** A task, and how many requests it stands for. */
export type PacedTask = { readonly task: TaskOf<'pages'> | TaskOf<'chain'>; readonly requests: number };

/** Tasks to be sent when the limiters will have room for them. `least`: in how many milliseconds at the earliest. */
export type PacedTasks = {
  readonly limiters: readonly LimiterKey[];
  readonly tasks: readonly PacedTask[];
  readonly least?: number;
};

/** Sends tasks so that they come when the limiters will have room for them. Without limits that is at once. */
export async function sendByAppointment(
  invocation: Invocation,
  { limiters, tasks, least = 0 }: PacedTasks,
): Promise<void> {
  const waits = await appointments(invocation, limiters, tasks);
  await invocation.queue.send(
    tasks.map(({ task }, index) => ({
      task,
      group: task.connection,
      delay: delayOf(Math.max(least, waits?.[index] ?? 0)),
    })),
  );
}

/**
 * Lets tasks that found no slot come back, no sooner than in `least` milliseconds. What would wait longer than a message can is parked:
 * the tasks are done with, and housekeeping sends again what is open when the time has come.
 */
export async function postponeTasks(context: SyncContext, paced: Required<PacedTasks>): Promise<void> {
  if (paced.least > LONGEST_DELAY + MOMENT) return parkSync(context, context.clock.now() + paced.least); // R76
  await sendByAppointment(context, paced);
}

const delayOf = (wait: number): number => Math.floor(Math.min(LONGEST_DELAY, Math.max(0, wait - LEAD)) / SECOND);

/** In how many milliseconds each task will find room; `undefined`: at once, or unknown. */
async function appointments(
  invocation: Invocation,
  limiters: readonly LimiterKey[],
  tasks: readonly PacedTask[],
): Promise<readonly number[] | undefined> {
  if (limiters.every(({ limits }) => limits.length === 0)) return undefined;
  const times = await changeLimiters(invocation, limiters, (standing, now) => {
    const counts = tasks.map(({ requests }) => requests);
    const { times: result, meters } = bookAppointments(limitBindings(limiters, standing), now, counts);
    return { result, meters };
  });
  const now = invocation.clock.now();
  return times === 'contended' ? undefined : times.map((time) => time - now);
}

/** Notes until when a sync waits. */
async function parkSync(context: SyncContext, until: number): Promise<void> {
  const { syncs, connector } = context;
  const parked = await syncs.update(syncKey(connector.name, context.ref), { set: { parkedUntil: Math.ceil(until) } }, [
    { either: [{ absent: 'parkedUntil' }, { less: ['parkedUntil', Math.ceil(until)] }] },
  ]);
  if (parked.ok) logEvent(context, { message: 'sync parked', ...context.ref, until: new Date(until).toISOString() });
}
