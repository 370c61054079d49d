import * as z from 'zod';
import {
  type Connector,
  cursor,
  defineConnector,
  type Limit,
  none,
  pages,
} from '../../lib/core/connector/connector.ts';
import type { Task } from '../../lib/core/tasks.ts';
import { HOUR, MINUTE, SECOND } from '../../lib/core/time.ts';
import { type Receipt, receiptSchema } from '../../lib/core/verdict/receipt.ts';
import type { Invocation } from '../../lib/pipeline/invocation.ts';
import { newWorkerMemory, type WorkerMemory } from '../../lib/pipeline/invocation.ts';
import type { Ports, Random, Table, TransportFailure, WireReply } from '../../lib/pipeline/ports.ts';
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
import { type Delivery, simulatedQueue } from '../simulation/queue.ts';
import { tally } from '../simulation/tally.ts';
import { virtualTime } from '../simulation/virtual-time.ts';
import { drawWeather, type Weather } from '../simulation/weather.ts';
import { json } from './world.ts';

/** Several workers and a queue in virtual time, in fair weather: what the limits make of the work, and the work of the limits. */

export const START = Date.UTC(2026, 10, 22, 12);
const TIMEOUT = 60 * SECOND;
const VISIBILITY_SECONDS = 360;
const HOUSEKEEPING_EVERY = 5 * MINUTE;
const BATCH = 10;
const MOST_EVENTS = 400_000;
const SIZE = 2;

/** For the queue, which alone has weather here. */
const FAIR: Weather = {
  ...drawWeather(seededRandom(1)),
  ...{ duplicate: 0, lostMessage: 0, vanish: 0, undeletable: 0, delivery: 200 },
};

const Row = z.object({ id: z.number() });

/** A connector under some limits with numbered listings and chains; the names of the latter begin with "chain". */
export const limited = (
  limits: readonly Limit[],
  names: readonly string[] = ['rows'],
  more: { concurrency?: number; cost?: number; schedule?: '1 hour' } = {},
): Connector =>
  defineConnector({
    name: 'test',
    docs: 'none',
    baseUrl: 'http://api.test',
    params: z.object({}),
    auth: none(),
    limits,
    ...(more.concurrency === undefined ? {} : { concurrency: more.concurrency }),
    streams: (stream) => {
      const common = {
        records: (body: { rows: [] }) => body.rows,
        schema: Row,
        key: 'id' as const,
        ...(more.cost === undefined ? {} : { cost: more.cost }),
      };
      return Object.fromEntries(
        names.map((name) => [
          name,
          name.startsWith('chain')
            ? stream({
                ...common,
                request: ({ page }) => ({ path: `/${name}`, query: { page: page.cursor, size: page.size } }),
                paging: cursor({ size: SIZE, next: (reply) => reply.body.next }),
              })
            : stream({
                ...common,
                request: ({ page }) => ({ path: `/${name}`, query: { page: page.number, size: page.size } }),
                paging: pages({ size: SIZE }),
                total: (reply) => reply.body.total,
              }),
        ]),
      );
    },
  });

export type Sent = { readonly at: number; readonly stream: string; readonly page: number; status: number };
/** `takes`: milliseconds; 100 by default. */
export type Answered = { readonly reply?: WireReply | TransportFailure; readonly takes?: number };

export type FleetOptions = {
  readonly connector: Connector;
  /** Pages of each stream, its last one included. */
  readonly pages: Readonly<Record<string, number>>;
  /** What the API makes of a request; by default it answers it. `at`: epoch milliseconds. */
  readonly api?: (request: { readonly at: number; readonly stream: string; readonly page: number }) => Answered;
  /** Headers of every answer it gives. */
  readonly headers?: (request: { readonly at: number }) => Record<string, string>;
  readonly workers?: number;
  readonly connections?: readonly string[];
  /** How wrong the workers' clocks are, in milliseconds. */
  readonly skews?: readonly number[];
  readonly seed?: number;
  readonly outageSeconds?: number;
  /** What may go wrong with messages. */
  readonly weather?: Partial<Weather>;
  /** The share of calls that the tables throttle. */
  readonly throttled?: number;
  /** The most things that may happen in a run. */
  readonly mostEvents?: number;
};

export type Fleet = ReturnType<typeof makeFleet>;

export function makeFleet({
  connector,
  pages: extent,
  api = () => ({}),
  headers = () => ({}),
  workers = 4,
  connections = ['main'],
  skews = [0],
  seed = 1,
  outageSeconds = 3_600,
  weather: foul = {},
  throttled = 0,
  mostEvents = MOST_EVENTS,
}: FleetOptions) {
  const time = virtualTime(START);
  const random = seededRandom(seed);
  const counted = tally();
  const weather = { ...FAIR, ...foul };
  const queue = simulatedQueue({
    ...{ time, random, weather, tally: counted },
    visibility: VISIBILITY_SECONDS,
    maximumReceives: 50,
  });
  const failures: Task[] = [];
  const [objects, events, log] = [memoryObjects(), memoryEvents(), memoryLog()];
  const requests: Sent[] = [];
  const sendings: Task[] = [];
  const invocations: { readonly at: number; readonly took: number }[] = [];
  const later = <T>(millis: number, effect: () => T | Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      time.after(millis, () => {
        Promise.resolve().then(effect).then(resolve, reject);
      });
    });
  const busy = (table: Table): Table =>
    throttled === 0
      ? table
      : throttling(table, { refuses: () => random.number() < throttled, later, random, count: counted.count });
  const accounts = memoryTable();
  const ports: Omit<Ports, 'clock'> = {
    syncs: busy(memoryTable()),
    connections: busy(accounts),
    tokens: busy(memoryTable()),
    rateLimits: busy(distant(memoryTable(), () => 4 + random.number() * 8, later, counted.count)),
    queue: {
      send: async (batch) => {
        sendings.push(...batch.map(({ task }) => task));
        await queue.send(batch);
      },
    },
    failures: { send: async (batch) => void failures.push(...batch.map(({ task }) => task)) },
    objects,
    gzip: storedGzip,
    gunzip: storedText,
    http: {
      send: async ({ url }, { deadline }) => {
        const { pathname, searchParams } = new URL(url);
        const request = { at: time.now(), stream: pathname.slice(1), page: Number(searchParams.get('page') ?? 1) };
        const sent: Sent = { ...request, status: 0 };
        requests.push(sent);
        const given = api(request);
        const { reply = honest(request.page, extent[request.stream] ?? 1, headers(request)), takes = 100 } = given;
        if ('status' in reply) sent.status = reply.status;
        return later(Math.min(takes, deadline), () =>
          takes > deadline ? { failed: 'timeout' as const, message: 'no answer in time' } : reply,
        );
      },
    },
    secrets: memorySecrets({}),
    seals: memorySeals,
    events,
    log,
    metrics: memoryMetrics(),
    random,
  };

  const memories: WorkerMemory[] = Array.from({ length: workers + 1 }, newWorkerMemory);
  let running = 0;

  function invocationOf(slot: number): Invocation {
    const startedAt = time.now();
    const skew = slot === workers ? 0 : (skews[slot % skews.length] ?? 0);
    return {
      ...ports,
      clock: { now: () => time.now() + skew, wait: (millis) => later(Math.ceil(Math.max(0, millis)), () => {}) },
      connector,
      memory: memories[slot] ?? newWorkerMemory(),
      settings: {
        SCHEMA_MODE: 'permissive',
        ATTEMPTS: 5,
        OUTAGE_SECONDS: outageSeconds,
        VISIBILITY_TIMEOUT_SECONDS: VISIBILITY_SECONDS,
        MAXIMUM_CONCURRENCY: Math.max(2, workers),
        SECRETS_PREFIX: 'test',
        TOKEN_KEY: 'none',
      },
      remaining: () => startedAt + TIMEOUT - time.now(),
      budget: TIMEOUT,
    };
  }

  const idle = new Set(Array.from({ length: workers }, (_, slot) => slot));
  function wake(): void {
    for (const slot of [...idle]) {
      const deliveries = queue.receive(BATCH);
      if (deliveries.length === 0) return;
      idle.delete(slot);
      void workOn(slot, deliveries).then(wake);
    }
  }
  queue.onVisible(wake);

  async function workOn(slot: number, deliveries: readonly Delivery[]): Promise<void> {
    running += 1;
    const began = time.now();
    const received = deliveries.map(({ task, receives }, index) => ({ id: String(index), task, receives }));
    const outcomes = await runTasks(invocationOf(slot), received);
    deliveries.forEach((delivery, index) => {
      const outcome = outcomes.get(String(index));
      if (outcome === 'done') queue.remove(delivery);
      else if (typeof outcome === 'object') queue.hide(delivery, Math.ceil(outcome.later / SECOND) * SECOND);
    });
    invocations.push({ at: began, took: time.now() - began });
    running -= 1;
    idle.add(slot);
  }

  let open = 0;
  const countOpen = async (): Promise<void> => {
    open = (await Array.fromAsync(ports.syncs.live(connector.name))).length;
  };
  function keepHouse(): void {
    time.after(HOUSEKEEPING_EVERY, keepHouse);
    running += 1;
    void housekeep(invocationOf(workers))
      // What throttled tables keep from being seen to is seen to five minutes later.
      .catch((error: unknown) => {
        if (throttled === 0) throw error;
      })
      .then(countOpen)
      .then(() => {
        running -= 1;
      });
  }
  time.after(HOUSEKEEPING_EVERY, keepHouse);

  let made = false;
  async function connect(): Promise<void> {
    if (made) return;
    made = true;
    for (const sk of connections) await accounts.create({ pk: connector.name, sk }, { params: '{}', status: 'active' });
  }

  /** Starts a sync of some streams. */
  async function start(...streams: readonly string[]): Promise<void> {
    await connect();
    const at = new Date(time.now()).toISOString();
    await queue.send(streams.map((stream) => ({ task: { v: 1, kind: 'tick', stream, at }, group: 'main' })));
  }

  /** Lets time pass: until everything that was begun has ended, or for so many milliseconds. */
  async function run(most = 48 * HOUR): Promise<void> {
    const until = time.now() + most;
    for (;;) {
      const over = () => time.now() >= until;
      const end = await time.run(() => over() || (queue.size() === 0 && running === 0), mostEvents);
      await countOpen();
      if (over() || open === 0) return;
      if (end !== 'done') throw new Error(`The run ended by ${end}. ${JSON.stringify(log.lines.slice(-5))}`);
      // All is parked or lost: housekeeping has something to take up.
      const looked = time.now() + HOUSEKEEPING_EVERY;
      await time.run(() => over() || queue.size() > 0 || time.now() > looked, mostEvents);
    }
  }

  const receipts = (): Receipt[] =>
    [...objects.stored]
      .filter(([key]) => key.endsWith('/receipt.json'))
      .map(([, { body }]) => receiptSchema.parse(JSON.parse(new TextDecoder().decode(body))));

  return {
    time,
    start,
    run,
    receipts,
    /** Every request, in the order in which they left. */
    requests,
    failures,
    /** Every task, as it was sent. */
    sendings,
    /** When each invocation of a worker began, and how many milliseconds it took. */
    invocations,
    log,
    /** Messages sent; writes and reads of meters. */
    count: (what: string): number => counted.counts.get(what) ?? 0,
    said: (message: string) => log.lines.filter((line) => line.message === message),
    queued: queue.size,
    invocationOf,
    ports,
  };
}

/** Lets time pass until something is settled. */
export async function settled<T>({ time }: Fleet, promise: Promise<T>): Promise<T> {
  let over = false;
  const done = promise.finally(() => {
    over = true;
  });
  done.catch(() => {});
  // What was begun already asks for its first event before time goes on.
  await new Promise((resolve) => setImmediate(resolve));
  await time.run(() => over, MOST_EVENTS);
  return done;
}

function honest(page: number, all: number, headers: Record<string, string>): WireReply {
  const rows = Array.from({ length: page > all ? 0 : SIZE }, (_, i) => ({ id: page * SIZE + i }));
  return json({ rows, total: all * SIZE, next: page < all ? page + 1 : null }, headers);
}

type Throttle = {
  readonly refuses: () => boolean;
  readonly later: <T>(millis: number, effect: () => Promise<T>) => Promise<T>;
  readonly random: Random;
  readonly count: (what: string) => void;
};

/** How often the SDK tries a call that was throttled, and its first wait in milliseconds (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html). */
const SDK_ATTEMPTS = 3;
const SDK_WAIT = 500;

/** A table that throttles, as its adapter meets it: the SDK tries again, and gives up. */
function throttling(table: Table, { refuses, later, random, count }: Throttle): Table {
  const patient =
    <A extends unknown[], T>(call: (...input: A) => Promise<T>) =>
    async (...input: A): Promise<T> => {
      for (let attempt = 1; refuses(); attempt++) {
        count('table calls throttled');
        if (attempt === SDK_ATTEMPTS) {
          count('table calls given up');
          throw new Error('ProvisionedThroughputExceededException: the table is throttled');
        }
        await later(random.number() * SDK_WAIT * 2 ** attempt, () => Promise.resolve());
      }
      return call(...input);
    };
  return {
    ...table,
    get: patient(table.get),
    create: patient(table.create),
    update: patient(table.update),
    upsert: patient(table.upsert),
  };
}

/** A table whose calls take their time. */
function distant(
  table: Table,
  takes: () => number,
  later: <T>(millis: number, effect: () => Promise<T>) => Promise<T>,
  count: (what: string) => void,
): Table {
  const slow =
    <A extends unknown[], T>(what: string, call: (...input: A) => Promise<T>) =>
    (...input: A): Promise<T> => {
      count(what);
      return later(takes(), () => call(...input));
    };
  return {
    ...table,
    get: slow('meter reads', table.get),
    upsert: slow('meter writes', table.upsert),
  };
}

export const refusal = (status: number, headers: Record<string, string> = {}): WireReply => json({}, headers, status);
