import type { DispatchWindow } from '../../core/listing/listing.ts';
import type { TaskOf } from '../../core/tasks.ts';
import { chainTask, type Task } from '../../core/tasks.ts';
import type { Invocation, NodeContext } from '../invocation.ts';
import type { Item } from '../ports.ts';
import type { Block } from '../store/sync-state.ts';
import { type DispatchContext, dispatchTasks, dispatchWindowFor, pageTasksOf } from './dispatch.ts';
import type { PacedTask } from './postpone.ts';

/** The tasks of a node that was just put. One that opens children of its own has none. */
export function firstTasks(context: NodeContext, window: DispatchWindow, { kind, open, step }: Item): PacedTask[] {
  if (kind === 'chain') return [{ task: chainTask(context.ref, context.path, Number(step)), requests: 1 }];
  return kind === 'block' && open instanceof Set ? pageTasksOf(context, window, open) : [];
}

export async function sendOpenPages(context: DispatchContext & NodeContext, block: Block): Promise<void> {
  await dispatchTasks(context, pageTasksOf(context, dispatchWindowFor(context), block.open));
}

/** Sends tasks of one connection. `delay`: whole seconds. */
export async function sendTasks(invocation: Invocation, tasks: readonly Task[], delay = 0): Promise<void> {
  await invocation.queue.send(
    tasks.map((task) => ({ task, group: 'connection' in task ? task.connection : task.stream, delay })),
  );
}

/** A task that reads. */
export type ReadingTask = TaskOf<'pages'> | TaskOf<'chain'>;

/**
 * Sends tasks on of which one may kill its reader: a second apart, so that they come one by one, and none is there when another kills. They carry
 * the attempts that they had.
 */
export async function sendIsolated({ queue }: Invocation, tasks: readonly ReadingTask[]): Promise<void> {
  if (tasks.length === 0) return;
  await queue.send(tasks.map((task, index) => ({ task, group: task.connection, delay: index + 1 })));
}
