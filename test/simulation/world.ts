import type { Connector } from '../../lib/core/connector/connector.ts';
import type { Task } from '../../lib/core/tasks.ts';
import { HOUR, MINUTE, SECOND } from '../../lib/core/time.ts';
import type { Invocation } from '../../lib/pipeline/invocation.ts';
import { newWorkerMemory, type WorkerMemory } from '../../lib/pipeline/invocation.ts';
import type { Item, Ports, Random, Table } from '../../lib/pipeline/ports.ts';
import { housekeep } from '../../lib/pipeline/sync/housekeep.ts';
import { runTasks } from '../../lib/pipeline/work.ts';
import { memoryEvents } from '../memory/events.ts';
import { storedGzip, storedText } from '../memory/gzip.ts';
import { memoryLog } from '../memory/log.ts';
import { memoryMetrics } from '../memory/metrics.ts';
import { memoryObjects } from '../memory/objects.ts';
import { seededRandom } from '../memory/random.ts';
import { memorySeals } from '../memory/seals.ts';
import { memorySecrets } from '../memory/secrets.ts';
import { memoryTable } from '../memory/table.ts';
import { type Exposure, exposed, exposedCall } from './exposed.ts';
import { connectorOf, type Declared, KINDS, type Kind, practiceApi, SECRET } from './practice-api.ts';
import { type Delivery, simulatedQueue } from './queue.ts';
import { type Tally, tally } from './tally.ts';
import { type VirtualTime, virtualTime } from './virtual-time.ts';
import { drawWeather, type Weather } from './weather.ts';

/** One run of the whole pipeline in virtual time, under the weather of a seed. The code under test is the code that ships. */

const START = Date.UTC(2026, 10, 22, 12);
const FUNCTION_TIMEOUT = 60 * SECOND;
export const VISIBILITY_SECONDS = 360;
const HOUSEKEEPING_EVERY = 5 * MINUTE;
/** Workers at once. */
export const CONCURRENCY = 3;
const BATCH = 10;
const ASKS = ['setup', 'count', 'estimate'] as const;
/** No honest run comes near: a run that needs more does not end. */
const MOST_EVENTS = 2_000_000;
const MOST_TIME = 120 * HOUR;
/** How many failures are sent back in one run: what never heals must not go round for ever. */
const MOST_SENT_BACK = 6;

export type World = Awaited<ReturnType<typeof simulateSeed>>;

/** Everything of a run, for the invariants to look at. */
export async function simulateSeed(seed: number, trace?: (line: string) => void) {
  const random = seededRandom(seed);
  const weather = drawWeather(random);
  const time = virtualTime(START);
  const counted = tally();
  const pick = (most: number): number => Math.floor(random.number() * most);
  const kind: Kind = KINDS[pick(KINDS.length)] ?? 'pages';
  const size = 2 + pick(4);
  const count = random.number() < 0.1 ? pick(3) : pick(random.number() < 0.2 ? 300 : 70);
  const incremental = random.number() < 0.5;
  const bounded = random.number() < 0.5;
  const sliced = incremental && bounded && random.number() < 0.5;
  const reach = sliced && random.number() < 0.5 ? size * (1 + pick(4)) : undefined;
  const families = random.number() < 0.25 ? 1 + pick(4) : undefined;
  const by = random.number() < 0.7 ? 'cursor' : 'pages';
  const declared: Declared = {
    ...{ kind, size, incremental, bounded, sliced, limits: weather.limits, revision: 1 },
    each: families === undefined ? undefined : { by, together: 1 + pick(2) },
    asks: random.number() < 0.5 ? 'nothing' : (ASKS[pick(ASKS.length)] ?? 'nothing'),
    expires: weather.lifetime === undefined || random.number() < 0.5 ? undefined : Math.ceil(weather.lifetime / SECOND),
  };
  const connector = connectorOf(declared);
  const another = connectorOf({ ...declared, revision: 2 });
  const deployed = (): Connector =>
    time.now() - START < (weather.deployedAt ?? Number.POSITIVE_INFINITY) ? connector : another;
  const api = practiceApi({ time, random, weather, kind, count, reach, families, tally: counted });
  const queue = simulatedQueue({
    time,
    random,
    weather,
    tally: counted,
    visibility: VISIBILITY_SECONDS,
    maximumReceives: 50,
  });

  const started: string[] = [];
  const departures: number[] = [];
  const holds: Hold[] = [];
  const syncs = watched(memoryTable(), (set) => {
    if (typeof set.current === 'string') started.push(set.current);
  });
  const failures: Task[] = [];
  const sentBack: Task[] = [];
  let backToCome = 0;
  /** Somebody looks into the failures queue, and sends back what lies there: perhaps twice. */
  const setAside = (task: Task): void => {
    failures.push(task);
    if (random.number() >= weather.sentBack || sentBack.length + backToCome >= MOST_SENT_BACK) return;
    backToCome += 1;
    time.after(random.number() < 0.5 ? random.number() * 15 * MINUTE : random.number() ** 2 * 3 * HOUR, () => {
      backToCome -= 1;
      sentBack.push(task);
      counted.count('failures sent back');
      const copies = random.number() < 0.3 ? 2 : 1;
      void queue.send(Array.from({ length: copies }, () => ({ task, group: 'main' })));
    });
  };
  const [objects, events, log] = [memoryObjects(), memoryEvents(), memoryLog()];
  const ports: Ports = {
    syncs,
    connections: memoryTable(),
    rateLimits: watched(memoryTable(), ({ heldAt, heldUntil, downSince }) => {
      const last = holds.at(-1);
      if (typeof heldAt !== 'number' || typeof heldUntil !== 'number' || heldUntil <= (last?.until ?? 0)) return;
      holds.push({ at: time.now(), until: heldUntil, last: last?.until ?? 0, down: downSince !== 0 });
    }),
    tokens: memoryTable(),
    queue,
    failures: {
      async send(batch) {
        for (const { task } of batch) setAside(task);
      },
    },
    objects,
    gzip: storedGzip,
    gunzip: storedText,
    http: { send: () => Promise.reject(new Error('only workers send requests')) },
    secrets: memorySecrets({ 'sim/main': JSON.stringify({ token: SECRET }), 'token-key': 'K3Y' }),
    seals: memorySeals,
    events,
    log,
    metrics: memoryMetrics(),
    clock: { now: time.now, wait: () => Promise.reject(new Error('only invocations wait')) },
    random,
  };
  await ports.connections.create({ pk: connector.name, sk: 'main' }, { params: '{}', status: 'active' });

  const stage: Stage = {
    time,
    random,
    weather,
    tally: counted,
    ports,
    deployed,
    api,
    departures,
    trace: (line) => trace?.(line()),
  };
  let running = 0;
  let invocations = 0;
  let ticksToCome = 0;
  /** What each worker remembers, and housekeeping, which is the last. */
  const memories: WorkerMemory[] = Array.from({ length: CONCURRENCY + 1 }, newWorkerMemory);

  /** One invocation; `ended` is told when it is over, one way or the other. */
  function invoke(
    name: string,
    slot: number,
    body: (invocation: Invocation) => Promise<void>,
    ended: () => void,
  ): void {
    running += 1;
    const life = newLife(`${name}/${invocations++}`, stage, () => {
      running -= 1;
      memories[slot] = newWorkerMemory();
      ended();
    });
    body(invocationOf(stage, life, memories[slot] ?? newWorkerMemory())).then(
      () => life.end(finish),
      (error: unknown) => {
        stage.trace(() => `${life.name} threw ${String(error)}`);
        life.end(finish);
      },
    );
    const finish = (): void => {
      running -= 1;
      ended();
    };
  }

  const idle = new Set(Array.from({ length: CONCURRENCY }, (_, slot) => slot));
  function wake(): void {
    for (const slot of [...idle]) {
      const deliveries = queue.receive(BATCH);
      if (deliveries.length === 0) return;
      idle.delete(slot);
      workOn(slot, deliveries);
    }
  }
  queue.onVisible(wake);

  function workOn(slot: number, deliveries: readonly Delivery[]): void {
    const received = deliveries.map(({ task, receives }, index) => ({ id: String(index), task, receives }));
    invoke(
      `worker ${slot}`,
      slot,
      async (invocation) => {
        const outcomes = await runTasks(invocation, received);
        deliveries.forEach((delivery, index) => {
          const outcome = outcomes.get(String(index));
          if (outcome === 'done') queue.remove(delivery);
          else if (typeof outcome === 'object') queue.hide(delivery, Math.ceil(outcome.later / SECOND) * SECOND);
        });
      },
      () => {
        idle.add(slot);
        wake();
      },
    );
  }

  for (const at of weather.ticks) {
    // Delivered at least once: a second delivery comes late, perhaps when the sync is over.
    const deliveries = random.number() < 0.3 ? [at, at + random.number() * 3 * HOUR] : [at];
    for (const delivered of deliveries) {
      ticksToCome += 1;
      time.after(delivered, () => {
        ticksToCome -= 1;
        const task: Task = { v: 1, kind: 'tick', stream: 'rows', at: new Date(START + at).toISOString() };
        void queue.send([{ task, group: 'main' }]);
      });
    }
  }

  let keeping = false;
  function keepHouse(): void {
    time.after(HOUSEKEEPING_EVERY, keepHouse);
    if (keeping) return;
    keeping = true;
    invoke(
      'housekeeping',
      CONCURRENCY,
      (invocation) => housekeep(invocation),
      () => {
        keeping = false;
      },
    );
  }
  if (weather.housekeeping) time.after(HOUSEKEEPING_EVERY, keepHouse);

  let open = 0;
  const countOpen = async (): Promise<void> => {
    open = (await Array.fromAsync(syncs.live(connector.name))).length;
  };
  const atRest = (): boolean => ticksToCome + backToCome === 0 && queue.size() === 0 && running === 0;
  let end: 'done' | 'nothing left' | 'too many events' | 'too much time';
  do {
    end = await time.run(() => atRest() || time.now() - START > MOST_TIME, MOST_EVENTS);
    await countOpen();
    if (time.now() - START > MOST_TIME) end = 'too much time';
    // Housekeeping has still something to take up: let time pass until it has.
    if (end === 'done' && open > 0 && weather.housekeeping)
      await time.run(() => !atRest() || time.now() - START > MOST_TIME, MOST_EVENTS);
  } while (end === 'done' && open > 0 && weather.housekeeping);

  for (const { message } of log.lines) {
    if (message === 'sync taken up') counted.count('syncs taken up by housekeeping');
    if (message.startsWith('tick skipped')) counted.count('ticks skipped');
    if (message === 'page set aside') counted.count('pages set aside');
    if (message === 'slice cut') counted.count('slices cut');
    if (message === 'listing begun again') counted.count('listings begun again');
    if (message === 'sync superseded') counted.count('syncs superseded');
    if (message === 'sync opened again') counted.count('syncs opened again');
    if (message.startsWith('failures are obsolete')) counted.count('failures found obsolete');
    if (message === 'meter held') counted.count('meters held');
    if (message === 'sync parked') counted.count('syncs parked');
  }
  return {
    seed,
    weather,
    kind,
    size,
    incremental,
    bounded,
    declared,
    api,
    ports,
    time,
    end,
    open,
    started,
    departures,
    holds,
    failures,
    sentBack,
    objects,
    events,
    log,
    tally: counted,
  };
}

/** A table that tells what is set in it. */
function watched(table: Table, tell: (set: Item) => void): Table {
  return {
    ...table,
    async upsert(key, change, when) {
      const written = await table.upsert(key, change, when);
      if (written.ok && change.set !== undefined) tell(change.set);
      return written;
    },
  };
}

type Stage = {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly weather: Weather;
  readonly tally: Tally;
  readonly ports: Ports;
  /** The connector as it is deployed right now. */
  readonly deployed: () => Connector;
  readonly api: ReturnType<typeof practiceApi>;
  /** When requests left, by the true time: epoch milliseconds. */
  readonly departures: number[];
  /** Takes lines that are put together only if somebody reads them. */
  readonly trace: (line: () => string) => void;
};

/** A hold that was put on a meter: when, until when, and until when the one before it was. By the clock of the invocation that put it, but for `at`. */
export type Hold = { readonly at: number; readonly until: number; readonly last: number; readonly down: boolean };

/** The life of one invocation: it may die at any call, stand still for long, or be cut off at its timeout. */
type Life = {
  readonly name: string;
  readonly startedAt: number;
  readonly skew: number;
  readonly alive: () => boolean;
  readonly die: (of: string) => void;
  /** It has returned; a dead one never does. */
  readonly end: (then: () => void) => void;
};

function newLife(name: string, { time, random, weather, tally, trace }: Stage, onDeath: () => void): Life {
  let state: 'alive' | 'dead' | 'over' = 'alive';
  const life: Life = {
    name,
    startedAt: time.now(),
    skew: (random.number() - 0.5) * weather.skew,
    alive: () => state === 'alive',
    die(of) {
      if (state !== 'alive') return;
      state = 'dead';
      tally.count(of);
      trace(() => `${at(time)} ${life.name} dies: ${of}`);
      onDeath();
    },
    end(then) {
      if (state !== 'alive') return;
      state = 'over';
      then();
    },
  };
  // A frozen environment may thaw long after its timeout: often enough nothing cuts it off.
  if (random.number() < 0.5) time.after(FUNCTION_TIMEOUT, () => life.die('timeouts'));
  return life;
}

const at = (time: VirtualTime): string => new Date(time.now()).toISOString().slice(8, 23);

function invocationOf(stage: Stage, life: Life, memory: WorkerMemory): Invocation {
  const { ports, time } = stage;
  const port = <T extends object>(of: T, name: string, repeats = false): T =>
    exposed(through(stage, life), life, of, name, repeats);
  const now = (): number => Math.floor(time.now() + life.skew);
  return {
    ...ports,
    syncs: tableOf(stage, life, ports.syncs, 'syncs'),
    connections: tableOf(stage, life, ports.connections, 'connections'),
    tokens: tableOf(stage, life, ports.tokens, 'tokens'),
    queue: port(ports.queue, 'queue'),
    failures: port(ports.failures, 'failures'),
    objects: port(ports.objects, 'objects', true),
    secrets: port(ports.secrets, 'secrets'),
    events: port(ports.events, 'events'),
    http: {
      send: (request, { deadline }) =>
        new Promise((resolve) => {
          if (!life.alive()) return;
          stage.tally.count('requests');
          stage.departures.push(time.now());
          const { takes, reply } = stage.api.answer(request);
          stage.trace(() => `${at(time)} ${life.name} GET ${request.url.slice(15)} → ${describe(reply)}`);
          time.after(Math.min(takes, deadline), () => {
            if (!life.alive()) return;
            if (reply === 'kills') life.die('pages that killed');
            else resolve(takes > deadline ? { failed: 'timeout', message: 'no answer in time' } : reply);
          });
        }),
    },
    rateLimits: tableOf(stage, life, ports.rateLimits, 'rateLimits'),
    clock: {
      now,
      wait: (millis) =>
        new Promise((resolve) => {
          time.after(Math.ceil(millis), () => life.alive() && resolve());
        }),
    },
    connector: stage.deployed(),
    memory,
    settings: {
      SCHEMA_MODE: 'permissive',
      ATTEMPTS: 5,
      OUTAGE_SECONDS: 3_600,
      VISIBILITY_TIMEOUT_SECONDS: VISIBILITY_SECONDS,
      MAXIMUM_CONCURRENCY: 2,
      SECRETS_PREFIX: 'sim',
      TOKEN_KEY: 'token-key',
    },
    remaining: () => life.startedAt + FUNCTION_TIMEOUT - time.now(),
    budget: FUNCTION_TIMEOUT,
  };
}

const describe = (reply: unknown): string => {
  const { status, failed, body } = Object(reply);
  return status === undefined ? String(failed ?? reply) : `${status} ${new TextDecoder().decode(body).slice(0, 150)}`;
};

/** What the calls of an invocation are exposed to. */
const through = ({ time, random, weather, tally, trace }: Stage, { name }: Life): Exposure => ({
  ...{ time, random, weather, tally },
  chance: (rate) => rate > 0 && random.number() < rate,
  trace: (line) => trace(() => `${at(time)} ${name} ${line()}`),
});

function tableOf(stage: Stage, life: Life, table: Table, name: string): Table {
  const { get, create, update, upsert } = exposed(through(stage, life), life, table, name, true);
  /** A query is one call here, and its answer a snapshot. */
  const snapshot = <T>(label: string, items: () => AsyncIterable<T>): AsyncIterable<T> => ({
    async *[Symbol.asyncIterator]() {
      yield* await exposedCall(
        through(stage, life),
        life,
        () => `${name}.${label}`,
        () => Array.fromAsync(items()),
      );
    },
  });
  return {
    get,
    create,
    update,
    upsert,
    query: (pk, prefix, after) => snapshot(`query ${prefix}`, () => table.query(pk, prefix, after)),
    live: (value) => snapshot('live', () => table.live(value)),
    stalest: (value) => snapshot('stalest', () => table.stalest(value)),
  };
}
