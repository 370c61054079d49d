import { setTimeout } from 'node:timers/promises';
import type { FunctionError, FunctionProcess, Outcome } from './function-process.ts';

/** The processes of one function: started when they are needed, kept for the next invocation, replaced when they died. */
export type ProcessPool = {
  /** How many invocations could start right now. */
  free(): number;
  /** Invokes the function as soon as a process is free. */
  invoke(event: unknown): Promise<Outcome>;
  /** Starts nothing new, waits up to so many milliseconds for what is under way, then ends the processes. */
  stop(patience: number): Promise<void>;
};

/**
 * Milliseconds that an invocation waits for a process that is busy before it gets one of its own: a process costs a tenth of a gigabyte
 * and as long a start, and a task that follows from another is often there just before that one has ended.
 */
const ANOTHER_AFTER = 250;

/** `onFailure` hears of every invocation that failed. */
export function createProcessPool(
  size: number,
  start: () => FunctionProcess,
  onFailure: (error: FunctionError) => void,
): ProcessPool {
  const processes = new Set<FunctionProcess>();
  const idle: FunctionProcess[] = [];
  const running = new Set<Promise<Outcome>>();
  const waiting: (() => void)[] = [];
  let busy = 0;
  let freed = Promise.withResolvers<void>();
  let stopped = false;

  const open = (): FunctionProcess => {
    const process = start();
    processes.add(process);
    process.ended.then(() => processes.delete(process));
    return process;
  };
  /** The process that worked last, so that the others may stay unused. */
  const take = async (): Promise<FunctionProcess> => {
    if (idle.length === 0 && processes.size > 0) await Promise.race([freed.promise, setTimeout(ANOTHER_AFTER)]);
    for (let process = idle.pop(); process; process = idle.pop()) if (!process.dead) return process;
    return open();
  };
  const release = (process: FunctionProcess): void => {
    idle.push(process);
    freed.resolve();
    freed = Promise.withResolvers();
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
      const process = await take();
      if (stopped) return STOPPED;
      const outcome = await process.invoke(event);
      release(process);
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
      for (const process of processes) process.kill('The stack was stopped.');
      await Promise.all([...processes].map((process) => process.ended));
    },
  };
}

const STOPPED: Outcome = {
  ok: false,
  died: true,
  error: { name: 'Stopped', message: 'The stack was stopped.', stack: '' },
};
