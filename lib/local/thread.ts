import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';

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

/** How an invocation ended. `result`: JSON. `died`: the thread is gone, and nobody holds any more what it held. */
export type Outcome =
  | { readonly ok: true; readonly result: string }
  | { readonly ok: false; readonly died: boolean; readonly error: FunctionError };

/** What a thread is told at its start. */
export type ThreadData = Pick<DeclaredFunction, 'name' | 'arn' | 'file' | 'handler' | 'memory'>;
/** To the thread. `event`: JSON. `deadline`: epoch milliseconds. */
export type Invocation = { readonly requestId: string; readonly event: string; readonly deadline: number };
/** From the thread. `result`: JSON. */
export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'broken'; readonly error: FunctionError }
  | { readonly kind: 'result'; readonly result: string }
  | { readonly kind: 'error'; readonly error: FunctionError };

/** One execution environment of a function: a thread that takes one invocation after the other. */
export type FunctionThread = {
  readonly function: string;
  readonly dead: boolean;
  /** Only when the one before it has ended. */
  invoke(event: unknown): Promise<Outcome>;
  /** Ends the thread, and with it what it is doing. */
  kill(reason?: string): void;
  /** When the thread has ended and its last line was read. */
  readonly ended: Promise<void>;
};

const ENTRY = new URL('./thread-entry.ts', import.meta.url);
const SECOND = 1_000;
/** Seconds that the import of the bundle may take (Lambda developer guide, "Init phase"). */
const INIT_TIMEOUT = 10;
/** MB. With the larger default, V8 can run from "nearly full" into a fatal error, which would end the whole process. */
const YOUNG_GENERATION = 16;

/** Starts a thread that sees this environment and nothing of the host's. `onLine` gets every line that it writes. */
export function startThread(
  declared: DeclaredFunction,
  environment: Readonly<Record<string, string>>,
  onLine: (line: string) => void,
): FunctionThread {
  const { name, arn, file, handler, memory, timeout } = declared;
  const data: ThreadData = { name, arn, file, handler, memory };
  const worker = new Worker(ENTRY, {
    workerData: data,
    env: environment,
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: memory, maxYoungGenerationSizeMb: YOUNG_GENERATION },
  });
  const initialized = Promise.withResolvers<void>();
  const exit = Promise.withResolvers<Outcome>();
  let answered: ((outcome: Outcome) => void) | undefined;
  let death: FunctionError | undefined;

  const die = (error: FunctionError) => {
    death ??= error;
    worker.terminate();
  };
  const kill = (message = 'The thread was ended.') => die({ name: 'Killed', message, stack: '' });
  const within = async <T>(seconds: number, what: string, work: Promise<T>): Promise<T> => {
    const timer = setTimeout(kill, seconds * SECOND, `${what} timed out after ${seconds} seconds.`);
    return work.finally(() => clearTimeout(timer));
  };
  /** What a thread still says after its death is lost, as an answer of a killed process would be. */
  const receive = (message: FromThread) => {
    if (death) return;
    if (message.kind === 'ready') initialized.resolve();
    else if (message.kind === 'broken') die(message.error);
    else if (message.kind === 'result') answered?.({ ok: true, result: message.result });
    else answered?.({ ok: false, died: false, error: message.error });
  };

  worker.on('message', receive);
  worker.on('error', ({ name, message, stack = '' }: Error) => {
    death ??= { name, message, stack };
  });
  worker.on('exit', (code) => {
    death ??= { name: 'ExitError', message: `The thread ended with exit code ${code}.`, stack: '' };
    exit.resolve({ ok: false, died: true, error: death });
  });
  const lines = [readLines(worker.stdout, onLine), readLines(worker.stderr, onLine)];

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
      worker.postMessage(invocation);
      return within(timeout, 'Task', Promise.race([answer, exit.promise]));
    },
    kill,
    ended: Promise.all([exit.promise, ...lines]).then(() => undefined),
  };
}

/** Hands every line of a stream over, until it ends. */
function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  return new Promise((resolve) => createInterface({ input: stream }).on('line', onLine).on('close', resolve));
}
