import { randomUUID } from 'node:crypto';
import { type DeclaredFunction, type FunctionProcess, startProcess } from './function-process.ts';
import type { Caller } from './gateway.ts';
import { createProcessPool, type ProcessPool } from './process-pool.ts';
import { runtimeEnvironment } from './runtime-environment.ts';

/** One line that a function wrote, and what it says if it is JSON. */
export type LogLine = {
  readonly function: string;
  readonly text: string;
  readonly json?: Readonly<Record<string, unknown>>;
};

export type FunctionHost = {
  readonly endpoint: string;
  /** Gets every process, by the access key that it calls AWS with. */
  readonly callers: Map<string, Caller>;
  /** What every function is told besides what its template declares. */
  readonly variables: Readonly<Record<string, string>>;
  readonly onLog: (line: LogLine) => void;
};

/** The processes of a declared function. A failed invocation is logged as Lambda logs it. */
export function hostFunction(template: DeclaredFunction, processes: number, host: FunctionHost): ProcessPool {
  const declared = { ...template, environment: { ...template.environment, ...host.variables } };
  const log = (text: string) => host.onLog({ function: declared.name, text, ...parsed(text) });
  const start = (): FunctionProcess => {
    const accessKey = randomUUID();
    const process = startProcess(declared, runtimeEnvironment(declared, host.endpoint, accessKey), log);
    host.callers.set(accessKey, process);
    // The key outlives the process, whose last calls may still be on their way; the process itself can be forgotten.
    process.ended.then(() => host.callers.set(accessKey, { function: declared.name, dead: true, kill: () => {} }));
    return process;
  };
  return createProcessPool(processes, start, ({ name, message, stack }) =>
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
