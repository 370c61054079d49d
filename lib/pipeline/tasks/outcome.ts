import type { Reason } from '../../core/response/judge.ts';
import type { Task } from '../../core/tasks.ts';
import type { Invocation } from '../invocation.ts';

/** A task as it was received. `receives`: how often, this time included; `id` names the message. */
export type ReceivedTask<T extends Task = Task> = { readonly id: string; readonly task: T; readonly receives: number };

/** No attempt came to an outcome. */
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

/** From this attempt on a task may be a poison message. */
const ISOLATED_ATTEMPT = 3;
export const mustRunIsolated = (received: ReceivedTask): boolean => attemptOf(received) >= ISOLATED_ATTEMPT;

/** The one extra attempt for a task without an outcome in any attempt: it may only have shared batches with a poison message. */
export const isFinalAttempt = ({ settings }: Invocation, received: ReceivedTask): boolean =>
  attemptOf(received) === settings.ATTEMPTS + 1;

/** Whether no attempt is left that could come to an outcome. */
export const attemptsExhausted = ({ settings }: Invocation, received: ReceivedTask): boolean =>
  attemptOf(received) > settings.ATTEMPTS + 1;

/** Whether a worker received it before, and may have died of it. What is sent on for its last attempt comes in a new message. */
export const wasRedelivered = (invocation: Invocation, received: ReceivedTask): boolean =>
  received.receives > 1 || isFinalAttempt(invocation, received); // R42
