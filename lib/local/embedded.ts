import { availableParallelism } from 'node:os';
import { type Alarm, alarmsOf } from './alarms.ts';
import { readAssembly } from './assembly.ts';
import { cloudformation } from './cloudformation.ts';
import { cloudwatch } from './cloudwatch.ts';
import { startEventSourceMapping } from './event-source-mapping.ts';
import { eventBridge, type PublishedEvent } from './events.ts';
import type { DeclaredFunction, Outcome } from './function-process.ts';
import { serveFunction } from './function-url.ts';
import { type FunctionHost, hostFunction, type LogLine } from './functions.ts';
import { type Credentials, type OnCall, openGateway } from './gateway.ts';
import { lambda } from './lambda.ts';
import { measuredFunction, measuredTables, measureQueues } from './measure.ts';
import { keepMetrics, type Metrics, type Series } from './metrics.ts';
import { REGION } from './names.ts';
import { openObjectFolder } from './object-folder.ts';
import { planRun } from './plan.ts';
import type { ProcessPool } from './process-pool.ts';
import type { Queue } from './queue.ts';
import { createQueues } from './queues.ts';
import { s3 } from './s3.ts';
import { period, scheduledInput } from './schedule.ts';
import { keepSecrets, secretsManager } from './secrets.ts';
import type { Call } from './service.ts';
import { sqs } from './sqs.ts';
import { holdStateFolder } from './state-folder.ts';
import { openTables } from './tables.ts';
import { type Kind, type Wiring, wire } from './wiring.ts';

export type EmbeddedOptions = {
  /** Folder of the synthesized templates. */
  readonly assembly: string;
  /** Folder for table data and stored objects; made if it is missing. One run at a time can use it. */
  readonly state: string;
  /** Name in Secrets Manager → value. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Where functions with a URL are served, on 127.0.0.1. Default: one that is free. */
  readonly port?: number;
  /** Workers at once, of each connector. Default: the number of cores. At least 1, at most the template's MaximumConcurrency. */
  readonly workers?: number;
  /** What every function is told besides what its template declares. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Hears every line that a function writes, and of every invocation that failed. */
  readonly onLog?: (line: LogLine) => void;
  /** Hears every event that a function puts on the bus. */
  readonly onEvent?: (event: PublishedEvent) => void;
  /** Which calls DynamoDB throttles. Default: none. */
  readonly throttle?: (call: Call) => boolean;
  /** Hears of every call of a service, before and after it takes effect, and can end the caller there. */
  readonly onCall?: OnCall;
};

export type Embedded = {
  /** Where all services answer, and by which key. Secrets Manager gives secrets to the functions only. */
  readonly endpoint: string;
  readonly credentials: Credentials;
  /** Calls by functions: `dynamodb:UpdateItem` → how many. */
  readonly calls: Readonly<Record<string, number>>;
  readonly schedules: readonly Schedule[];
  /** Rejected with what the disk of the state refused, when it did: from then on nothing goes on. */
  readonly broken: Promise<never>;
  /** The variables that the templates declare for a function. */
  environment(kind: Kind, connector: string): Readonly<Record<string, string>>;
  /** Does what a schedule does at its time. Of a schedule that starts a function: throws what the function threw. */
  fire(scheduleId: string, at: Date): Promise<void>;
  /** Runs a function and gives its result; throws what it threw, or why it ended without an answer. */
  invoke(kind: 'housekeeping', connector: string, event: unknown): Promise<unknown>;
  /** The alarms that the templates declare, and what has been measured: by the functions, and of what they run on. */
  readonly alarms: readonly Alarm[];
  measured(): readonly Series[];
  /** Forgets what was measured, as if a new period had begun. */
  forget(): void;
  /** Whether the connectors' queues hold no message: none visible, delayed or in flight. */
  idle(): boolean;
  /** Ends all work, after a few seconds by force, and frees every handle. */
  stop(): Promise<void>;
};

export type Schedule = {
  readonly connector: string;
  readonly id: string;
  readonly target: 'queue' | 'function';
  /** As declared; empty where Scheduler's own event is delivered. */
  readonly input: string;
};

/** Milliseconds that work under way gets to finish when the stack is stopped. */
const PATIENCE = 2_000;

/**
 * Starts the stack of the templates in this process: their tables, queues, bucket, functions and schedules, on 127.0.0.1,
 * without an account and without Docker. Throws if the templates hold anything that it would have to leave out, if the state
 * folder is in use, or if its tables have other keys.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const closers: Closer[] = [];
  const close = async () => {
    for (const closer of closers.reverse()) await closer();
  };
  try {
    const stack = await openStack(options, closers);
    let stopping: Promise<void> | undefined;
    return {
      ...stack,
      stop: () => {
        stopping ??= close();
        return stopping;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Undoes one step of the start. They are called in the reverse order. */
type Closer = () => unknown;

async function openStack(options: EmbeddedOptions, closers: Closer[]): Promise<Omit<Embedded, 'stop'>> {
  const assembly = readAssembly(options.assembly);
  const folder = holdStateFolder(options.state);
  closers.push(folder.release);
  const callers: FunctionHost['callers'] = new Map();
  const gateway = await openGateway(callers, options.onCall);
  closers.push(gateway.close);
  const plan = planRun(assembly, gateway.endpoint);
  const wiring = wire(plan);

  const queues = createQueues(plan.queues);
  closers.push(() => {
    for (const queue of queues.values()) queue.close();
  });
  const tables = await openTables(folder.tables, plan.tables);
  // No call may be under way when the tables close.
  closers.push(() => gateway.close().then(tables.close));
  const kept = keepSecrets(folder.secrets, plan.secrets);
  const metrics = keepMetrics();
  const measured = () => {
    measureQueues(metrics, queues);
    return metrics.series();
  };
  const alarms = alarmsOf(assembly, gateway.endpoint);
  const backends = {
    dynamodb: measuredTables(metrics, tables.backend, options.throttle),
    cloudwatch: cloudwatch(alarms, measured),
    sqs: sqs(queues),
    ...(plan.bucket !== undefined && { s3: s3(plan.bucket, openObjectFolder(folder.objects)) }),
    secretsmanager: secretsManager(options.secrets, kept),
    events: eventBridge(options.onEvent ?? (() => {})),
    cloudformation: cloudformation(assembly, gateway.endpoint),
  };
  gateway.serve(backends);

  const { variables = {} } = options;
  const host = { endpoint: gateway.endpoint, callers, variables, onLog: logging(metrics, options.onLog) };
  const pools: ProcessPool[] = [];
  closers.push(() => Promise.all(pools.map((pool) => pool.stop(PATIENCE))));
  const stack = { ...wiring, queues, host, pools, closers, metrics };
  startWorkers(stack, options.workers ?? availableParallelism());
  const housekeeping = hostHousekeeping(stack);
  const urls = await serveUrls(stack, options.port ?? 0);
  const invoke = invoking(stack, housekeeping);
  gateway.serve({ ...backends, lambda: lambda({ declared: plan.functions, urls, invoke }) });
  const fire = firing(stack, housekeeping);
  startHousekeepingSchedules(stack, fire);
  return {
    endpoint: gateway.endpoint,
    credentials: gateway.credentials,
    calls: gateway.calls,
    broken: gateway.broken,
    schedules: wiring.schedules.map(({ connector, id, target, input = '' }) => ({
      connector,
      id,
      target: 'queue' in target ? 'queue' : 'function',
      input,
    })),
    environment: (kind, connector) => known(wiring[kind], connector).environment,
    fire,
    invoke: async (_kind, connector, event) => resultOf(await known(housekeeping, connector).invoke(event)),
    alarms,
    measured,
    forget: metrics.clear,
    idle: () => wiring.mappings.every(({ queue }) => isEmpty(known(queues, queue.name))),
  };
}

type Stack = Wiring & {
  readonly queues: ReadonlyMap<string, Queue>;
  readonly host: FunctionHost;
  readonly metrics: Metrics;
  /** All of them; they end with the stack. */
  readonly pools: ProcessPool[];
  readonly closers: Closer[];
};

function hosted({ host, pools, metrics }: Stack, declared: DeclaredFunction, processes: number): ProcessPool {
  const pool = measuredFunction(metrics, declared.name, hostFunction(declared, processes, host));
  pools.push(pool);
  return pool;
}

function startWorkers(stack: Stack, most: number): void {
  for (const { queue, function: declared, batchSize, reportsFailures, maximumConcurrency } of stack.mappings) {
    const pool = hosted(stack, declared, Math.max(1, Math.min(most, maximumConcurrency)));
    const source = known(stack.queues, queue.name);
    stack.closers.push(startEventSourceMapping({ queue: source, pool, batchSize, reportsFailures, region: REGION }));
  }
}

/** One process for each: two runs of one connector's housekeeping wait for each other. */
const hostHousekeeping = (stack: Stack): ReadonlyMap<string, ProcessPool> =>
  new Map([...stack.housekeeping].map(([connector, declared]) => [connector, hosted(stack, declared, 1)]));

/** Calls a connector's housekeeping by the function's name; workers take their work from the queue alone. */
const invoking =
  ({ housekeeping: declared }: Stack, pools: ReadonlyMap<string, ProcessPool>) =>
  (name: string, event: unknown): Promise<Outcome> | undefined => {
    const [connector] = [...declared].find(([, each]) => each.name === name) ?? [];
    return connector === undefined ? undefined : known(pools, connector).invoke(event);
  };

/** Serves the functions that have a URL, by their names. */
async function serveUrls(stack: Stack, port: number): Promise<ReadonlyMap<string, string>> {
  const urls = new Map<string, string>();
  for (const declared of stack.served) {
    const served = await serveFunction(hosted(stack, declared, 1), port);
    stack.closers.push(served.close);
    urls.set(declared.name, served.url);
  }
  return urls;
}

const firing =
  ({ schedules, queues }: Stack, housekeeping: ReadonlyMap<string, ProcessPool>): Embedded['fire'] =>
  async (id, at) => {
    const schedule = schedules.find((candidate) => candidate.id === id);
    if (!schedule) throw new Error(`The templates have no schedule ${id}.`);
    const { connector, target, group } = schedule;
    const input = scheduledInput(schedule, at);
    if ('queue' in target) known(queues, target.queue.name).send({ body: input, group });
    else resultOf(await known(housekeeping, connector).invoke(JSON.parse(input)));
  };

/** Runs enabled housekeeping as its schedule says. Syncs start only when the caller fires their schedules. */
function startHousekeepingSchedules({ schedules, closers }: Stack, fire: Embedded['fire']): void {
  for (const schedule of schedules) {
    if (!schedule.enabled || !('function' in schedule.target)) continue;
    // A run that fails is in the function's log.
    const timer = setInterval(() => fire(schedule.id, new Date()).catch(() => {}), period(schedule));
    closers.push(() => clearInterval(timer));
  }
}

function known<T>(things: ReadonlyMap<string, T>, name: string): T {
  const thing = things.get(name);
  if (thing === undefined) throw new Error(`The embedded stack has no "${name}".`);
  return thing;
}

function isEmpty(queue: Queue): boolean {
  const { visible, delayed, inFlight } = queue.counts();
  return visible + delayed + inFlight === 0;
}

function resultOf(outcome: Outcome): unknown {
  if (outcome.ok) return JSON.parse(outcome.result);
  const { name, message, stack } = outcome.error;
  throw Object.assign(new Error(message), { name, stack });
}

/** Metrics come as lines that a function writes. */
const logging =
  (metrics: Metrics, onLog: EmbeddedOptions['onLog'] = () => {}): FunctionHost['onLog'] =>
  (line) => {
    metrics.take(line.json);
    onLog(line);
  };
