import { TASK_VERSION, type TaskOf } from '../core/tasks.ts';

/** The message that starts a sync of a stream. EventBridge Scheduler puts the scheduled time in place of `at`. */
export function tick(stream: string): string {
  const task: TaskOf<'tick'> = { v: TASK_VERSION, kind: 'tick', stream, at: '<aws.scheduler.scheduled-time>' };
  return JSON.stringify(task);
}
