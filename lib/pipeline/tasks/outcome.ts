import type { Reason } from '../../core/response/judge.ts';
import type { Task } from '../../core/tasks.ts';
import type { Invocation } from '../invocation.ts';

/** A task as it was received. `receives`: how often, this time included; `id` names the message. */
export type ReceivedTask<T extends Task = Task> = { readonly id: string; readonly task: T; readonly receives: number };

/** Nobody who tried came back to say what happened. */
export const WORKER_DIED: Reason = {
  code: 'died',
  message: 'every attempt ended without an outcome: what it brings may kill its worker',
};

/** What becomes of a message: it is done with, or it comes back after so many milliseconds. */
export type TaskOutcome = 'done' | { readonly later: number };

export const allDone = (received: readonly ReceivedTask[]): Map<string, TaskOutcome> =>
  new Map(received.map(({ id }) => [id, 'done']));

/** Which attempt at its work this is, from 1: failed copies before, and receives that ended in nothing. */
export const attemptOf = ({ task, receives }: ReceivedTask): number =>
  ('attempts' in task ? task.attempts : 0) + receives;

/** At this attempt a task may be what kills its workers. */
const ISOLATED_ATTEMPT = 3;
export const mustRunIsolated = (received: ReceivedTask): boolean => attemptOf(received) >= ISOLATED_ATTEMPT;

/** Whether it is the attempt beyond all others, for what had no outcome in any of them: it may have been with something that kills each time. */
export const isFinalAttempt = ({ settings }: Invocation, received: ReceivedTask): boolean =>
  attemptOf(received) === settings.ATTEMPTS + 1;

/** Whether nobody will ever say what becomes of it. */
export const attemptsExhausted = ({ settings }: Invocation, received: ReceivedTask): boolean =>
  attemptOf(received) > settings.ATTEMPTS + 1;

/** Whether somebody received it before, and may have died of it. What is sent on for its last attempt comes in a new message. */
export const wasRedelivered = (invocation: Invocation, received: ReceivedTask): boolean =>
  received.receives > 1 || isFinalAttempt(invocation, received); // R42
