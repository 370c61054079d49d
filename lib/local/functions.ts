import { randomUUID } from 'node:crypto';
import type { Caller } from './gateway.ts';
import { runtimeEnvironment } from './runtime-environment.ts';
import { type DeclaredFunction, type FunctionThread, startThread } from './thread.ts';
import { createThreadPool, type ThreadPool } from './thread-pool.ts';

/** One line that a function wrote, and what it says if it is JSON. */
export type LogLine = {
  readonly function: string;
  readonly text: string;
  readonly json?: Readonly<Record<string, unknown>>;
};

export type FunctionHost = {
  readonly endpoint: string;
  /** Gets every thread, by the access key that it calls AWS with. */
  readonly callers: Map<string, Caller>;
  readonly onLog: (line: LogLine) => void;
};

/** The threads of a declared function. A failed invocation is logged as Lambda logs it. */
export function hostFunction(declared: DeclaredFunction, threads: number, host: FunctionHost): ThreadPool {
  const log = (text: string) => host.onLog({ function: declared.name, text, ...parsed(text) });
  const start = (): FunctionThread => {
    const accessKey = randomUUID();
    const thread = startThread(declared, runtimeEnvironment(declared, host.endpoint, accessKey), log);
    host.callers.set(accessKey, thread);
    // The key outlives the thread, whose last calls may still be on their way; the thread itself can be forgotten.
    thread.ended.then(() => host.callers.set(accessKey, { function: declared.name, dead: true, kill: () => {} }));
    return thread;
  };
  return createThreadPool(threads, start, ({ name, message, stack }) =>
    log(JSON.stringify({ level: 'ERROR', message: 'Invoke Error', errorType: name, errorMessage: message, stack })),
  );
}

function parsed(text: string): { json?: Readonly<Record<string, unknown>> } {
  if (!text.startsWith('{')) return {};
  try {
    return { json: JSON.parse(text) };
  } catch {
    return {};
  }
}
