import { isBusy, newMeter, spacing } from '../../core/limits/meter.ts';
import { runs, type Window, windowOf } from '../../core/listing/listing.ts';
import { pagesTask, type SyncRef } from '../../core/tasks.ts';
import { accountOf, metersOf } from '../credentials/account.ts';
import type { Invocation } from '../invocation.ts';
import { type MeterPlace, readMeters } from '../limits/meters.ts';
import { answerTime } from '../limits/observed.ts';
import { gaugesOf } from '../limits/slots.ts';
import { type Portion, sendByAppointment } from './postpone.ts';

const metersFor = async (invocation: Invocation, { connection, stream }: SyncRef): Promise<readonly MeterPlace[]> =>
  metersOf(await accountOf(invocation, connection), stream);

/** How much of a listing is dispatched at once: what its limits let through in some seconds and until the answers come, and its workers can hold. */
export async function windowFor(invocation: Invocation, ref: SyncRef): Promise<Window> {
  const places = await metersFor(invocation, ref);
  const unused = gaugesOf(
    places,
    places.map(() => newMeter),
  );
  const apart = spacing(unused, 0) / 1_000;
  return windowOf(apart, invocation.settings.MAXIMUM_CONCURRENCY, answerTime(invocation, places));
}

/** Whether the tasks of a sync may be waiting for its limits. */
export async function hasToWait(invocation: Invocation, ref: SyncRef): Promise<boolean> {
  const places = await metersFor(invocation, ref);
  return isBusy(gaugesOf(places, await readMeters(invocation, places, 0)), invocation.clock.now());
}

/** Sends a sync's tasks, each to come when the limits will have room for it. */
export async function dispatch(invocation: Invocation, ref: SyncRef, tasks: readonly Portion[]): Promise<void> {
  if (tasks.length > 0) await sendByAppointment(invocation, await metersFor(invocation, ref), tasks);
}

/** The tasks that carry these pages of a block. */
export const pagesPortions = ({ taskPages }: Window, ref: SyncRef, node: string, pages: Iterable<string>): Portion[] =>
  runs([...pages].map(Number), taskPages).map((range) => ({
    task: pagesTask(ref, node, range),
    requests: range.to - range.from + 1,
  }));
