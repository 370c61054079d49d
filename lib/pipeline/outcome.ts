import type { Task } from '../core/tasks.ts';

/** A task as it was received. `receives`: how often, this time included; `id` names the message. */
export type Received<T extends Task = Task> = { readonly id: string; readonly task: T; readonly receives: number };

/** What becomes of a message: it is done with, or it comes back after so many milliseconds. */
export type Outcome = 'done' | { readonly later: number };

/** Which attempt at its work this is, from 1: failed copies before, and receives that ended in nothing. */
export const attemptOf = ({ task, receives }: Received): number => ('attempts' in task ? task.attempts : 0) + receives;
