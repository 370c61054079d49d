import { bookAppointments } from '../../core/limits/limiter.ts';
import type { TaskOf } from '../../core/tasks.ts';
import { SECOND } from '../../core/time.ts';
import type { Invocation, SyncContext } from '../invocation.ts';
import { changeLimiters, type LimiterKey } from '../limits/limiter-store.ts';
import { limitBindings } from '../limits/slots.ts';
import { syncKey } from '../store/sync-keys.ts';

/** The longest delay a message can be sent with. */
export const LONGEST_DELAY = 900 * SECOND;
/** What is longer by less is as long: the longest hold is, and clocks differ. Whoever comes then waits for the rest. */
const MOMENT = SECOND;
/** A task comes this much before its appointment, and then up to a second: late, it would leave slots unused. */
const LEAD = SECOND / 2;

/** A task, and how many requests it stands for. */
export type PacedTask = { readonly task: TaskOf<'pages'> | TaskOf<'chain'>; readonly requests: number };

/** Sends tasks so that they come when the meters will have room for them. Without limits that is at once. */
export async function sendByAppointment(
  invocation: Invocation,
  places: readonly LimiterKey[],
  portions: readonly PacedTask[],
  least = 0,
): Promise<void> {
  const waits = await appointments(invocation, places, portions, least);
  await invocation.queue.send(
    portions.map(({ task }, index) => ({ task, group: task.connection, delay: delayOf(waits[index] ?? least) })),
  );
}

/**
 * Lets tasks that found no slot come back, no sooner than in `wait` milliseconds. What would wait longer than a message can is parked:
 * the tasks are done with, and housekeeping sends again what is open when the time has come.
 */
export async function postponeTasks(
  context: SyncContext,
  places: readonly LimiterKey[],
  portions: readonly PacedTask[],
  wait: number,
): Promise<void> {
  if (wait > LONGEST_DELAY + MOMENT) return parkSync(context, context.clock.now() + wait);
  await sendByAppointment(context, places, portions, wait);
}

const delayOf = (wait: number): number => Math.floor(Math.min(LONGEST_DELAY, Math.max(0, wait - LEAD)) / SECOND);

async function appointments(
  invocation: Invocation,
  places: readonly LimiterKey[],
  portions: readonly PacedTask[],
  least: number,
): Promise<readonly number[]> {
  const { clock } = invocation;
  if (places.every(({ limits }) => limits.length === 0)) return portions.map(() => least);
  const times = await changeLimiters(invocation, places, (standing, now) => {
    const counts = portions.map(({ requests }) => requests);
    const { times: result, meters } = bookAppointments(limitBindings(places, standing), now, counts);
    return { result, meters };
  });
  const now = clock.now();
  return times === 'contended' ? portions.map(() => least) : times.map((time) => Math.max(least, time - now));
}

/** Notes until when a sync waits. */
async function parkSync(context: SyncContext, until: number): Promise<void> {
  const { syncs, connector, log } = context;
  const parked = await syncs.update(syncKey(connector.name, context.ref), { set: { parkedUntil: Math.ceil(until) } }, [
    { either: [{ absent: 'parkedUntil' }, { less: ['parkedUntil', Math.ceil(until)] }] },
  ]);
  if (parked.ok) log.warn('sync parked', { ...context.ref, until: new Date(until).toISOString() });
}
