import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** A function as its template declares it, resolved. */
export type DeclaredFunction = {
  readonly name: string;
  readonly arn: string;
  /** URL of the module, and the name of its export. */
  readonly file: string;
  readonly handler: string;
  /** Seconds. */
  readonly timeout: number;
  /** MB. */
  readonly memory: number;
  readonly environment: Readonly<Record<string, string>>;
};

export type FunctionError = { readonly name: string; readonly message: string; readonly stack: string };

/** How an invocation ended. `result`: JSON. `died`: the process is gone, and holds nothing any more. */
export type Outcome =
  | { readonly ok: true; readonly result: string }
  | { readonly ok: false; readonly died: boolean; readonly error: FunctionError };

/** What a process is told at its start. */
export type ProcessData = Pick<DeclaredFunction, 'name' | 'arn' | 'file' | 'handler' | 'memory'>;
/** To the process. `event`: JSON. `deadline`: epoch milliseconds. */
export type Invocation = { readonly requestId: string; readonly event: string; readonly deadline: number };
/** From the process. `result`: JSON. */
export type FromProcess =
  | { readonly kind: 'ready' }
  | { readonly kind: 'broken'; readonly error: FunctionError }
  | { readonly kind: 'result'; readonly result: string }
  | { readonly kind: 'error'; readonly error: FunctionError };

/**
 * One execution environment of a function: a process that takes one invocation after the other. It is no thread, as V8 ends the whole process of
 * a thread that runs out of memory while it parses.
 */
export type FunctionProcess = {
  readonly function: string;
  readonly dead: boolean;
  /** Only when the one before it has ended. */
  invoke(event: unknown): Promise<Outcome>;
  /** Ends the process, and with it what it is doing. */
  kill(reason?: string): void;
  /** When the process has ended and its last line was read. */
  readonly ended: Promise<void>;
};

/** TypeScript in the repository, JavaScript in the package. */
const ENTRY = join(import.meta.dirname, `process-entry${extname(import.meta.filename)}`);
const SECOND = 1_000;
/** Seconds that the import of the bundle may take (Lambda developer guide, "Init phase"). */
const INIT_TIMEOUT = 10;
/** What V8 writes as its last. */
const OUT_OF_MEMORY = /heap out of memory|Zone Allocation failed/;

/** Starts a process that sees this environment and nothing of the host's. `onLine` gets every line that it writes. */
export function startProcess(
  declared: DeclaredFunction,
  environment: Readonly<Record<string, string>>,
  onLine: (line: string) => void,
): FunctionProcess {
  const { name, arn, file, handler, memory, timeout } = declared;
  const data: ProcessData = { name, arn, file, handler, memory };
  const child = fork(ENTRY, [JSON.stringify(data)], {
    env: environment,
    execArgv: [`--max-old-space-size=${memory}`],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const initialized = Promise.withResolvers<void>();
  const exit = Promise.withResolvers<Outcome>();
  let answered: ((outcome: Outcome) => void) | undefined;
  let death: FunctionError | undefined;

  const die = (error: FunctionError) => {
    death ??= error;
    child.kill('SIGKILL');
  };
  const kill = (message = 'The process was ended.') => die({ name: 'Killed', message, stack: '' });
  const within = async <T>(seconds: number, what: string, work: Promise<T>): Promise<T> => {
    const timer = setTimeout(kill, seconds * SECOND, `${what} timed out after ${seconds} seconds.`);
    return work.finally(() => clearTimeout(timer));
  };
  /** What a process still says after its death is lost. */
  const receive = (message: FromProcess) => {
    if (death) return;
    if (message.kind === 'ready') initialized.resolve();
    else if (message.kind === 'broken') die(message.error);
    else if (message.kind === 'result') answered?.({ ok: true, result: message.result });
    else answered?.({ ok: false, died: false, error: message.error });
  };
  const hear = (line: string) => {
    if (OUT_OF_MEMORY.test(line))
      death ??= { name: 'OutOfMemory', message: `The process ran out of memory (${memory} MB).`, stack: '' };
    onLine(line);
  };

  child.on('message', receive);
  child.on('error', ({ name, message, stack = '' }) => {
    death ??= { name, message, stack };
  });
  const closed = new Promise<void>((resolve) => {
    child.on('close', (code, signal) => {
      const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
      death ??= { name: 'ExitError', message: `The process ended ${how}.`, stack: '' };
      exit.resolve({ ok: false, died: true, error: death });
      resolve();
    });
  });
  const lines = [child.stdout, child.stderr].map((stream) => (stream === null ? undefined : readLines(stream, hear)));

  return {
    function: name,
    get dead() {
      return death !== undefined;
    },
    invoke: async (event) => {
      await within(INIT_TIMEOUT, 'Init', Promise.race([initialized.promise, exit.promise]));
      if (death) return exit.promise;
      const answer = new Promise<Outcome>((resolve) => {
        answered = resolve;
      });
      const invocation: Invocation = {
        requestId: randomUUID(),
        event: JSON.stringify(event) ?? 'null',
        deadline: Date.now() + timeout * SECOND,
      };
      // One that has just died says so itself.
      child.send(invocation, () => {});
      return within(timeout, 'Task', Promise.race([answer, exit.promise]));
    },
    kill,
    ended: Promise.all([closed, ...lines]).then(() => undefined),
  };
}

/** Hands every line of a stream over, until it ends. */
function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  return new Promise((resolve) => createInterface({ input: stream }).on('line', onLine).on('close', resolve));
}
