import { setTimeout } from 'node:timers/promises';
import type { FunctionError, FunctionThread, Outcome } from './thread.ts';

/** The threads of one function: started when they are needed, kept for the next invocation, replaced when they died. */
export type ThreadPool = {
  /** How many invocations could start right now. */
  free(): number;
  /** Invokes the function as soon as a thread is free. */
  invoke(event: unknown): Promise<Outcome>;
  /** Starts nothing new, waits up to so many milliseconds for what is under way, then ends the threads. */
  stop(patience: number): Promise<void>;
};

/** `onFailure` hears of every invocation that failed. */
export function createThreadPool(
  size: number,
  start: () => FunctionThread,
  onFailure: (error: FunctionError) => void,
): ThreadPool {
  const threads = new Set<FunctionThread>();
  const idle: FunctionThread[] = [];
  const running = new Set<Promise<Outcome>>();
  const waiting: (() => void)[] = [];
  let busy = 0;
  let stopped = false;

  const open = (): FunctionThread => {
    const thread = start();
    threads.add(thread);
    thread.ended.then(() => threads.delete(thread));
    return thread;
  };
  /** The thread that worked last, so that the others may stay unused. */
  const take = (): FunctionThread => {
    for (let thread = idle.pop(); thread; thread = idle.pop()) if (!thread.dead) return thread;
    return open();
  };
  const occupy = async () => {
    if (busy < size) busy += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const vacate = () => {
    const next = waiting.shift();
    if (next) next();
    else busy -= 1;
  };
  const run = async (event: unknown): Promise<Outcome> => {
    await occupy();
    try {
      if (stopped) return STOPPED;
      const thread = take();
      const outcome = await thread.invoke(event);
      idle.push(thread);
      if (!outcome.ok && !stopped) onFailure(outcome.error);
      return outcome;
    } finally {
      vacate();
    }
  };

  return {
    free: () => (stopped ? 0 : size - busy),
    invoke: (event) => {
      const outcome = run(event).finally(() => running.delete(outcome));
      running.add(outcome);
      return outcome;
    },
    stop: async (patience) => {
      stopped = true;
      await Promise.race([Promise.all(running), setTimeout(patience, undefined, { ref: false })]);
      for (const thread of threads) thread.kill('The stack was stopped.');
      await Promise.all([...threads].map((thread) => thread.ended));
    },
  };
}

const STOPPED: Outcome = {
  ok: false,
  died: true,
  error: { name: 'Stopped', message: 'The stack was stopped.', stack: '' },
};
