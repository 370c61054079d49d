import type { Reason } from '../core/judge.ts';
import type { Task } from '../core/tasks.ts';

/** A task as it was received. `receives`: how often, this time included; `id` names the message. */
export type Received<T extends Task = Task> = { readonly id: string; readonly task: T; readonly receives: number };

/** Nobody who tried came back to say what happened. */
export const DIED: Reason = {
  code: 'died',
  message: 'every attempt ended without an outcome: what it brings may kill its worker',
};

/** What becomes of a message: it is done with, or it comes back after so many milliseconds. */
export type Outcome = 'done' | { readonly later: number };

export const allDone = (received: readonly Received[]): Map<string, Outcome> =>
  new Map(received.map(({ id }) => [id, 'done']));

/** Which attempt at its work this is, from 1: failed copies before, and receives that ended in nothing. */
export const attemptOf = ({ task, receives }: Received): number => ('attempts' in task ? task.attempts : 0) + receives;

/** At this attempt a task may be what kills its workers. */
const SUSPICIOUS = 3;
export const isSuspicious = (received: Received): boolean => attemptOf(received) >= SUSPICIOUS;
