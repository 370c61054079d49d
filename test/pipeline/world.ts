import type { Connector } from '../../lib/core/connector/connector.ts';
import { TASK_VERSION, type Task, taskSchemaOf } from '../../lib/core/tasks.ts';
import { MINUTE, SECOND } from '../../lib/core/time.ts';
import { type Receipt, receiptSchema } from '../../lib/core/verdict/receipt.ts';
import type { Invocation } from '../../lib/pipeline/invocation.ts';
import { newWorkerMemory } from '../../lib/pipeline/invocation.ts';
import type { Ports, Table, TransportFailure, WireReply, WireRequest } from '../../lib/pipeline/ports.ts';
import { housekeep } from '../../lib/pipeline/sync/housekeep.ts';
import { runTasks } from '../../lib/pipeline/work.ts';
import { manualClock } from '../memory/clock.ts';
import { memoryEvents } from '../memory/events.ts';
import { storedGzip, storedText } from '../memory/gzip.ts';
import { scriptedHttp } from '../memory/http.ts';
import { intercept } from '../memory/intercept.ts';
import { memoryLog } from '../memory/log.ts';
import { memoryMetrics } from '../memory/metrics.ts';
import { memoryObjects } from '../memory/objects.ts';
import { seededRandom } from '../memory/random.ts';
import { memorySeals } from '../memory/seals.ts';
import { memorySecrets } from '../memory/secrets.ts';
import { storedLines } from '../memory/stored-lines.ts';
import { memoryTable } from '../memory/table.ts';
import { memoryQueue } from '../memory/task-queue.ts';
import { witness } from '../memory/witness.ts';

/** The whole pipeline over memory ports, in virtual time: one worker, a queue, housekeeping every five minutes. */

const VISIBILITY_SECONDS = 360;
const HOUSEKEEPING_EVERY = 5 * MINUTE;
const BATCH = 10;
const KEY = 'the-key-that-seals-tokens';
/** What was received so often goes to the failures queue by itself. Here it is only what no code knows. */
const MAXIMUM_RECEIVES = 50;

export type Api = (
  request: WireRequest & { readonly path: string; readonly query: URLSearchParams },
) => WireReply | TransportFailure;

export type WorldOptions = {
  readonly connector: Connector;
  readonly api: Api;
  readonly params?: object;
  readonly secret?: object;
  readonly seed?: number;
  readonly strict?: boolean;
  /** How long an invocation may take, milliseconds. Default: a minute, too little to refresh a token. */
  readonly budget?: number;
  /** For how long a message is hidden once it was received, seconds. Default: 360, longer than any lease. */
  readonly visibility?: number;
  /** Looks at what is written to the Syncs table. */
  readonly metered?: (table: Table) => Table;
  /** The call to a port, counted from 1 over the whole run, at which the invocation that makes it dies: before or after its effect. Or the
   * request to the API at which it does: one by its number, or all whose URLs end like this, or so many of them. */
  readonly death?:
    | { readonly call: number; readonly moment: 'before' | 'after' }
    | { readonly request: number | string; readonly times?: number };
  /** What is deployed right now: the connector, and the version of the tasks that its code reads and writes. Asked before each invocation. */
  readonly deployed?: () => { readonly connector: Connector; readonly version: number };
};

const readers = new Map<number, ReturnType<typeof taskSchemaOf>>();
const readerOf = (version: number): ReturnType<typeof taskSchemaOf> => {
  const reader = readers.get(version) ?? taskSchemaOf(version);
  readers.set(version, reader);
  return reader;
};

export type World = ReturnType<typeof makeWorld>;

export function makeWorld({
  connector,
  api,
  params = {},
  secret = { token: 't' },
  seed = 1,
  strict = false,
  budget = MINUTE,
  visibility = VISIBILITY_SECONDS,
  metered = (table) => table,
  death,
  deployed = () => ({ connector, version: TASK_VERSION }),
}: WorldOptions) {
  const { watch, seen: everything } = witness();
  const clock = manualClock(Date.UTC(2026, 10, 22, 12));
  const queue = memoryQueue<Task>(clock, visibility);
  const failures = memoryQueue<Task>(clock, visibility);
  const objects = memoryObjects();
  const events = memoryEvents();
  const log = memoryLog();
  const metrics = memoryMetrics();
  const http = scriptedHttp((request) => {
    const url = new URL(request.url);
    clock.advance(10);
    return api({ ...request, path: url.pathname, query: url.searchParams });
  });
  const secretName = `headgate/test/${connector.name}/main`;
  const secretValues: Record<string, string> = { [secretName]: JSON.stringify(secret), 'token-key': KEY };
  const ports: Ports = {
    syncs: metered(watch(memoryTable())),
    connections: watch(memoryTable()),
    rateLimits: watch(memoryTable()),
    tokens: watch(memoryTable()),
    queue: watch(queue),
    failures: watch(failures),
    objects: watch(objects),
    gzip: storedGzip,
    gunzip: storedText,
    http,
    secrets: memorySecrets(secretValues, clock),
    seals: memorySeals,
    events: watch(events),
    log: watch(log),
    metrics: watch(metrics),
    clock,
    random: seededRandom(seed),
  };
  const mortal = mortalPorts(ports, death);
  let memory = newWorkerMemory();
  let nextHousekeeping = clock.now() + HOUSEKEEPING_EVERY;

  function invocation({ connector, version } = deployed()): Invocation {
    const until = clock.now() + budget;
    return {
      ...mortal.ports(version),
      connector,
      memory,
      settings: {
        SCHEMA_MODE: strict ? 'strict' : 'permissive',
        ATTEMPTS: 5,
        OUTAGE_SECONDS: 3_600,
        VISIBILITY_TIMEOUT_SECONDS: visibility,
        MAXIMUM_CONCURRENCY: 2,
        SECRETS_PREFIX: `headgate/test/${connector.name}`,
        TOKEN_KEY: 'token-key',
      },
      remaining: () => until - clock.now(),
      budget,
    };
  }

  /** One invocation of the worker with what is visible; says whether there was anything. */
  async function workOnce(): Promise<boolean> {
    const messages = queue.receive(BATCH);
    if (messages.length === 0) return false;
    const now = deployed();
    const received = messages.flatMap(({ receipt, task, receives }) => {
      const known = readerOf(now.version).safeParse(task);
      if (!known.success && receives >= MAXIMUM_RECEIVES) queue.remove(receipt);
      return known.success ? { id: receipt, task: known.data, receives } : [];
    });
    const outcomes = await runTasks(invocation(now), received);
    // Who is dead reports nothing: all its messages come back when their visibility ends.
    if (mortal.hasJustDied()) {
      memory = newWorkerMemory();
      return true;
    }
    for (const { id } of received) {
      const outcome = outcomes.get(id);
      if (outcome === 'done') queue.remove(id);
      else if (typeof outcome === 'object') queue.release(id, Math.ceil(outcome.later / SECOND));
    }
    return true;
  }

  /** Lets time pass until nothing is left to do. */
  async function settle(): Promise<void> {
    for (let turn = 0; turn < 10_000; turn++) {
      if (await workOnce()) continue;
      const next = queue.next();
      const live = (await Array.fromAsync(ports.syncs.live(connector.name))).length > 0;
      if (next === undefined && !live) return;
      clock.advance(Math.max(1, Math.min(next ?? Number.POSITIVE_INFINITY, nextHousekeeping) - clock.now()));
      if (clock.now() < nextHousekeeping) continue;
      nextHousekeeping += HOUSEKEEPING_EVERY;
      await housekeep(invocation()).catch((error: unknown) => {
        if (!mortal.hasJustDied()) throw error;
      });
    }
    throw new Error('The pipeline does not come to rest.');
  }

  /** Starts a sync of a stream and lets it end; gives its receipt. `asked`: what an operator asks for, other than what changed. */
  async function sync(stream: string, asked?: string): Promise<Receipt> {
    await ports.connections.create(
      { pk: connector.name, sk: 'main' },
      { params: JSON.stringify(params), status: 'active' },
    );
    clock.advance(SECOND);
    const at = new Date(clock.now()).toISOString();
    const task: Task =
      asked === undefined
        ? { v: 1, kind: 'tick', stream, at }
        : { v: 1, kind: 'start', connection: 'main', stream, at, asked };
    await queue.send([{ task, group: 'main' }]);
    await settle();
    const receipt = receipts().at(-1);
    if (receipt === undefined) throw new Error(`No receipt. ${JSON.stringify(log.lines.slice(-5))}`);
    return receipt;
  }

  /** What the console's redrive does: every message of the failures queue goes back to the work queue. Gives their number. */
  async function sendBack(copies = 1): Promise<number> {
    let count = 0;
    for (let found = failures.receive(BATCH); found.length > 0; found = failures.receive(BATCH)) {
      for (const { receipt, task, group } of found) {
        await queue.send(Array.from({ length: copies }, () => ({ task, group })));
        failures.remove(receipt);
        count += 1;
      }
    }
    return count;
  }

  const receipts = (): Receipt[] =>
    [...objects.stored]
      .filter(([key]) => key.endsWith('/receipt.json'))
      .map(([, { body }]) => receiptSchema.parse(JSON.parse(new TextDecoder().decode(body))))
      .sort((a, b) => (a.sync < b.sync ? -1 : 1));

  /** The records that a receipt's manifest lists. */
  function delivered(receipt: Receipt): unknown[] {
    const parts = storedLines(objects, receipt.manifest).map((line) => String(Reflect.get(Object(line), 'key')));
    return parts.flatMap((key) => storedLines(objects, key));
  }

  return {
    ...ports,
    clock,
    objects,
    events,
    log,
    metrics,
    http,
    queue,
    failures,
    sync,
    settle,
    workOnce,
    /** Gives the connection's secret another value. */
    rotate(value: object) {
      secretValues[secretName] = JSON.stringify(value);
    },
    /** Housekeeping, now. */
    housekeep: () => housekeep(invocation()),
    sendBack,
    invocation,
    receipts,
    delivered,
    readLines: (key: string) => storedLines(objects, key),
    calls: mortal.calls,
    /** Every byte that was written down anywhere. */
    everything,
  };
}

/** A JSON answer. */
export const json = (body: unknown, headers: Record<string, string> = {}, status = 200): WireReply => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: new TextEncoder().encode(JSON.stringify(body)),
});

/** Ports that count their calls, and one of whose calls kills the invocation that makes it: nothing it does afterwards happens. */
function mortalPorts(ports: Ports, death: WorldOptions['death']) {
  let calls = 0;
  let justDied = false;
  let requests = 0;
  let killed = 0;
  const kills = (isRequest: boolean, [sent]: readonly unknown[]): boolean => {
    if (death === undefined) return false;
    if ('call' in death) return calls === death.call;
    if (!isRequest) return false;
    if (typeof death.request === 'number') return requests === death.request;
    const isDeadly = String(Reflect.get(Object(sent), 'url')).endsWith(death.request);
    if (isDeadly) killed += 1;
    return isDeadly && killed <= (death.times ?? Number.POSITIVE_INFINITY);
  };
  const mortal = <T extends object>(port: T, body: { dead: boolean }): T =>
    intercept(port, (_, input, call) => {
      if (body.dead) throw new Error('dead');
      calls += 1;
      const isRequest = Object.is(port, ports.http);
      if (isRequest) requests += 1;
      const dies = kills(isRequest, input);
      if (dies) {
        body.dead = true;
        justDied = true;
      }
      if (dies && death !== undefined && 'moment' in death && death.moment === 'before') throw new Error('died');
      const result = call();
      if (!dies) return result;
      throw new Error('died');
    });
  return {
    /** The ports of one invocation. */
    ports(version: number): Ports {
      const body = { dead: false };
      const queue = mortal(ports.queue, body);
      return {
        ...ports,
        syncs: mortal(ports.syncs, body),
        connections: mortal(ports.connections, body),
        rateLimits: mortal(ports.rateLimits, body),
        tokens: mortal(ports.tokens, body),
        queue: {
          send: (messages) => queue.send(messages.map((each) => ({ ...each, task: { ...each.task, v: version } }))),
        },
        failures: mortal(ports.failures, body),
        objects: mortal(ports.objects, body),
        http: mortal(ports.http, body),
        secrets: mortal(ports.secrets, body),
        events: mortal(ports.events, body),
      };
    },
    calls: () => calls,
    hasJustDied(): boolean {
      const died = justDied;
      justDied = false;
      return died;
    },
  };
}
