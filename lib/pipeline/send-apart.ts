import type { TaskOf } from '../core/tasks.ts';
import type { Invocation } from './invocation.ts';

/** A task that reads. */
export type ReadingTask = TaskOf<'pages'> | TaskOf<'chain'>;

/**
 * Sends tasks on of which one may kill whoever reads it: a second apart, so that they come one by one, and none is there when another kills. They carry
 * the attempts that they had.
 */
export async function sendApart({ queue }: Invocation, tasks: readonly ReadingTask[]): Promise<void> {
  if (tasks.length === 0) return;
  await queue.send(tasks.map((task, index) => ({ task, group: task.connection, delay: index + 1 })));
}
