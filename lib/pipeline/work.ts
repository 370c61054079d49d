import { refOf, type Task, type TaskOf } from '../core/tasks.ts';
import { credentialsSettled } from './credentials/account.ts';
import { forSync, type Invocation } from './invocation.ts';
import { fetchPages } from './listing/fetch-pages.ts';
import type { PreparedContext } from './listing/reading.ts';
import { walkChain } from './listing/walk-chain.ts';
import { logEvent } from './log-event.ts';
import { closeSync } from './sync/close-sync.ts';
import { redriveFailures, redriveReturnedTask } from './sync/redrive.ts';
import { readSync, startDueSyncs, startSync } from './sync/start-sync.ts';
import { supersedeSync, whySuperseded } from './sync/supersede.ts';
import { OTHER_ACCOUNT, withAccount } from './sync/with-account.ts';
import {
  allDone,
  attemptOf,
  isFinalAttempt,
  mustRunIsolated,
  type ReceivedTask,
  type TaskOutcome,
  wasRedelivered,
} from './tasks/outcome.ts';
import { type ReadingTask, sendIsolated } from './tasks/send-tasks.ts';

/**
 * Does a batch of tasks. Each message has an outcome of its own; one whose work throws is left to come back when its visibility
 * ends, and takes no other task with it.
 */
export async function runTasks(
  invocation: Invocation,
  received: readonly ReceivedTask[],
): Promise<ReadonlyMap<string, TaskOutcome | 'failed'>> {
  const outcomes = new Map<string, TaskOutcome | 'failed'>();
  await tryFinalAttempt(invocation, received, outcomes); // R39
  const left = received.filter(({ id }) => !outcomes.has(id));
  const usual = left.filter((each) => !mustRunIsolated(each));
  await doTogether(invocation, usual, outcomes);
  // What may kill its worker runs last and alone, so that it takes no other task with it.
  for (const each of left.filter(mustRunIsolated)) await doTogether(invocation, [each], outcomes);
  await credentialsSettled(invocation);
  return outcomes;
}

/**
 * What had no outcome in any attempt may have been with something that kills each time. It has a last one before anything else of its batch can kill; of
 * several, one has it, and the others are sent on.
 */
async function tryFinalAttempt(
  invocation: Invocation,
  received: readonly ReceivedTask[],
  outcomes: Map<string, TaskOutcome | 'failed'>,
): Promise<void> {
  const [first, ...others] = received.filter(isReading).filter((each) => isFinalAttempt(invocation, each)); // R40
  if (first === undefined) return;
  const isSent = await sendIsolated(
    invocation,
    others.map((each) => ({ ...each.task, attempts: attemptOf(each) - 1 })),
  ).then(
    () => true,
    () => false,
  );
  if (isSent) for (const { id } of others) outcomes.set(id, 'done');
  await doTogether(invocation, [first], outcomes);
}

const isReading = (each: ReceivedTask): each is ReceivedTask<ReadingTask> =>
  (each.task.kind === 'pages' || each.task.kind === 'chain') && each.task.failure === undefined;

/** Tasks of one block are done together, everything else by itself; all at once. */
async function doTogether(
  invocation: Invocation,
  received: readonly ReceivedTask[],
  outcomes: Map<string, TaskOutcome | 'failed'>,
): Promise<void> {
  const groups = Map.groupBy(received, ({ id, task }) =>
    task.kind === 'pages' && task.failure === undefined
      ? [task.connection, task.stream, task.sync, task.node].join('\n')
      : id,
  );
  await Promise.all(
    [...groups.values()].map(async (group) => {
      try {
        for (const [id, outcome] of await doGroup(invocation, group)) outcomes.set(id, outcome);
      } catch (error) {
        const [first] = group;
        const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
        logEvent(invocation, { message: 'task failed', kind: first?.task.kind ?? '', messages: group.length, reason });
        for (const { id } of group) outcomes.set(id, 'failed');
      }
    }),
  );
}

async function doGroup(
  invocation: Invocation,
  group: readonly ReceivedTask[],
): Promise<ReadonlyMap<string, TaskOutcome>> {
  const [back] = group;
  if (back !== undefined && 'failure' in back.task && back.task.failure !== undefined)
    return new Map([[back.id, await redriveReturnedTask(invocation, { ...back, task: back.task })]]);
  const pages = group.filter(isOf('pages'));
  const [first] = pages;
  if (first !== undefined) {
    const given = await prepare(invocation, pages);
    return given === undefined ? allDone(group) : fetchPages(given, pages);
  }
  const reported = new Map<string, TaskOutcome>();
  for (const each of group) reported.set(each.id, await doOne(invocation, each));
  return reported;
}

const isOf =
  <K extends Task['kind']>(kind: K) =>
  (each: ReceivedTask): each is ReceivedTask<TaskOf<K>> =>
    each.task.kind === kind;

async function doOne(invocation: Invocation, { id, task, receives }: ReceivedTask): Promise<TaskOutcome> {
  switch (task.kind) {
    case 'tick':
      await startDueSyncs(invocation, task);
      return 'done';
    case 'start':
      await startSync(invocation, task);
      return 'done';
    case 'close':
      await closeSync(invocation, { id, task, receives });
      return 'done';
    case 'redrive':
      return redriveFailures(invocation, { id, task, receives });
    case 'chain': {
      const given = await prepare(invocation, [{ id, task, receives }]);
      return given === undefined ? 'done' : walkChain(given, { id, task, receives });
    }
    case 'pages':
      throw new Error('Tasks of pages are done by block.');
  }
}

/** What the requests of a sync need; `undefined` if its tasks, of which there is one at least, have nothing left to do. */
async function prepare(
  invocation: Invocation,
  received: readonly ReceivedTask<TaskOf<'pages'> | TaskOf<'chain'>>[],
): Promise<PreparedContext | undefined> {
  const [first] = received;
  if (first === undefined) return undefined;
  const context = forSync(invocation, refOf(first.task));
  const { ref } = context;
  const sync = await readSync(context);
  // Who found it superseded may have died before the close was asked for.
  // R62
  if (
    sync?.status === 'closing' &&
    sync.superseded !== undefined &&
    received.some((each) => wasRedelivered(invocation, each))
  )
    await supersedeSync(context, sync, sync.superseded);
  if (sync === undefined || sync.status !== 'open') return undefined;
  const superseded = whySuperseded(context, sync);
  if (superseded !== undefined) {
    await supersedeSync(context, sync, superseded);
    return undefined;
  }
  const prepared = await withAccount(context, sync);
  const { account } = prepared;
  // What follows a published receipt delivers nothing of another account: its pages are set aside.
  if (account === OTHER_ACCOUNT && sync.revision === 1) {
    await supersedeSync(context, sync, OTHER_ACCOUNT.message);
    return undefined;
  }
  if (!('paused' in account)) return { ...prepared, account, sync };
  const { code, message: reason } = account.paused;
  invocation.log.info('task dropped: connection paused', { ...ref, code, reason });
  return undefined;
}
