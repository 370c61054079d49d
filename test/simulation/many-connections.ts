import * as z from 'zod';
import { cursor, defineConnector, none } from '../../lib/core/connector/connector.ts';
import type { Task } from '../../lib/core/tasks.ts';
import { MINUTE, SECOND } from '../../lib/core/time.ts';
import { receiptSchema } from '../../lib/core/verdict/receipt.ts';
import type { Invocation } from '../../lib/pipeline/invocation.ts';
import { newWorkerMemory } from '../../lib/pipeline/invocation.ts';
import type { Ports } from '../../lib/pipeline/ports.ts';
import { housekeep } from '../../lib/pipeline/sync/housekeep.ts';
import { runTasks } from '../../lib/pipeline/work.ts';
import { memoryEvents } from '../memory/events.ts';
import { storedGzip, storedText } from '../memory/gzip.ts';
import { intercept } from '../memory/intercept.ts';
import { memoryLog } from '../memory/log.ts';
import { memoryMetrics } from '../memory/metrics.ts';
import { memoryObjects } from '../memory/objects.ts';
import { seededRandom } from '../memory/random.ts';
import { memorySeals } from '../memory/seals.ts';
import { memorySecrets } from '../memory/secrets.ts';
import { memoryTable } from '../memory/table.ts';
import { memoryQueue } from '../memory/task-queue.ts';
import { virtualTime } from './virtual-time.ts';

/**
 * One tick of a connector with very many connections under one shared limit, in virtual time: every call of AWS takes its
 * milliseconds, every function is cut off at its timeout, and the API counts what comes within a second.
 *
 * node test/simulation/many-connections.ts [connections]   prints what happened.
 */

const START = Date.UTC(2026, 10, 22, 12);
const TIMEOUT = 60 * SECOND;
const HOUSEKEEPING_TIMEOUT = 4 * MINUTE;
const WORKERS = 10;
const BATCH = 10;
/** Of one call of DynamoDB, S3 or SQS, and of one request, in milliseconds. */
const CALL = 8;
const REQUEST = 150;
/** Requests a second, of all connections together. */
const LIMIT = 100;
const MOST_EVENTS = 20_000_000;

const connector = defineConnector({
  name: 'many',
  docs: 'none',
  baseUrl: 'http://many.test',
  params: z.object({ name: z.string() }),
  auth: none(),
  limits: [{ requests: LIMIT, per: '1 second', scope: 'connector' }],
  streams: (stream) => ({
    rows: stream({
      request: ({ page, params }) => ({ path: `/${params.name}`, query: { cursor: page.cursor } }),
      paging: cursor({ size: 1, next: (reply) => reply.body.next }),
      records: (body) => body.rows,
      schema: z.object({ id: z.int() }),
      key: 'id',
    }),
  }),
});

export type Many = {
  /** Milliseconds from the tick until the last sync of a small connection was closed, and of half of them. */
  readonly last: number;
  readonly median: number;
  readonly complete: number;
  /** The longest run of a worker and of housekeeping, in milliseconds. */
  readonly longest: number;
  readonly longestHousekeeping: number;
  /** The most requests that left within one second. */
  readonly busiest: number;
  /** Of housekeeping, while everything runs: runs, calls of tables, and what these cost in dollars. */
  readonly housekeeping: { readonly runs: number; readonly calls: number; readonly dollars: number };
};

/** Lets a tick start a sync for so many connections; one of them lists 300 times as much as any other. */
export async function manyConnections(count: number): Promise<Many> {
  const time = virtualTime(START);
  const wait = (millis: number): Promise<void> => new Promise((resolve) => time.after(millis, resolve));
  const clock = { now: () => Math.floor(time.now()), wait };
  const queue = memoryQueue<Task>(clock, 6 * 60);
  const [objects, events, metrics] = [memoryObjects(), memoryEvents(), memoryMetrics()];
  const random = seededRandom(1);
  const departures: number[] = [];
  const tables = { syncs: memoryTable(), connections: memoryTable(), rateLimits: memoryTable(), tokens: memoryTable() };
  let tableCalls = 0;

  /** A port each of whose calls takes its time. */
  const slow = <T extends object>(port: T, counts: () => void = () => {}): T =>
    intercept(port, (method, input, call) => {
      counts();
      if (method === 'query' || method === 'live' || method === 'stalest') return call();
      const [sent] = input;
      const calls = method === 'send' && Array.isArray(sent) ? Math.ceil(sent.length / 10) : 1;
      return wait(CALL * calls).then(call);
    });
  const counted = (): void => {
    tableCalls += 1;
  };
  const ports = (counts: () => void): Ports => ({
    syncs: slow(tables.syncs, counts),
    connections: slow(tables.connections, counts),
    rateLimits: slow(tables.rateLimits, counts),
    tokens: slow(tables.tokens, counts),
    queue: slow(queue),
    failures: { send: async () => {} },
    objects: slow(objects),
    gzip: storedGzip,
    gunzip: storedText,
    http: {
      async send({ url }) {
        departures.push(time.now());
        const { pathname, searchParams } = new URL(url);
        const page = Number(searchParams.get('cursor') ?? 0);
        await wait(REQUEST);
        const next = pathname === '/big' && page < 299 ? String(page + 1) : null;
        const body = new TextEncoder().encode(JSON.stringify({ rows: [{ id: page }], next }));
        return { status: 200, headers: { date: new Date(clock.now()).toUTCString() }, body };
      },
    },
    secrets: memorySecrets({}),
    seals: memorySeals,
    events,
    log: memoryLog(),
    metrics,
    clock,
    random,
  });
  const invocation = (timeout: number, memory: object, counts: () => void = () => {}): Invocation => {
    const until = time.now() + timeout;
    return {
      ...ports(counts),
      connector,
      memory,
      settings: {
        SCHEMA_MODE: 'permissive',
        ATTEMPTS: 8,
        OUTAGE_SECONDS: 3_600,
        VISIBILITY_TIMEOUT_SECONDS: 360,
        MAXIMUM_CONCURRENCY: WORKERS,
        SECRETS_PREFIX: 'headgate/test/many',
        TOKEN_KEY: 'none',
      },
      remaining: () => until - time.now(),
      budget: timeout,
    };
  };

  for (let i = 0; i < count; i++) {
    const name = i === 0 ? 'big' : `c${String(i).padStart(6, '0')}`;
    await tables.connections.create({ pk: 'many', sk: name }, { params: JSON.stringify({ name }), status: 'active' });
  }

  let longest = 0;
  const memories = Array.from({ length: WORKERS }, newWorkerMemory);
  const idle = new Set(memories);
  const wake = (): void => {
    for (const memory of [...idle]) {
      const messages = queue.receive(BATCH);
      if (messages.length === 0) break;
      idle.delete(memory);
      const began = time.now();
      const received = messages.map(({ receipt, task, receives }) => ({ id: receipt, task, receives }));
      void runTasks(invocation(TIMEOUT, memory), received).then((outcomes) => {
        longest = Math.max(longest, time.now() - began);
        for (const { id } of received) {
          const outcome = outcomes.get(id);
          if (outcome === 'done') queue.remove(id);
          else if (typeof outcome === 'object') queue.release(id, Math.ceil(outcome.later / SECOND));
        }
        idle.add(memory);
        wake();
      });
    }
  };
  const poll = (): void => {
    wake();
    time.after(SECOND / 5, poll);
  };

  let [runs, longestHousekeeping, housekeepingCalls] = [0, 0, 0];
  const keepHouse = (): void => {
    time.after(MINUTE, keepHouse);
    const before = tableCalls;
    const began = time.now();
    void housekeep(invocation(HOUSEKEEPING_TIMEOUT, newWorkerMemory(), counted)).then(() => {
      runs += 1;
      longestHousekeeping = Math.max(longestHousekeeping, time.now() - began);
      housekeepingCalls += tableCalls - before;
    });
  };

  await queue.send([
    { task: { v: 1, kind: 'tick', stream: 'rows', at: new Date(START).toISOString() }, group: 'rows' },
  ]);
  time.after(0, poll);
  time.after(MINUTE, keepHouse);
  const end = await time.run(() => events.published.length >= count, MOST_EVENTS);
  if (end !== 'done') throw new Error(`The run ended by ${end}: ${events.published.length} of ${count} are closed.`);

  const closed = [...objects.stored]
    .filter(([key]) => key.endsWith('/receipt.json'))
    .map(([, { body }]) => receiptSchema.parse(JSON.parse(new TextDecoder().decode(body))));
  const small = closed
    .filter(({ connection }) => connection !== 'big')
    .map(({ finishedAt }) => Date.parse(finishedAt) - START)
    .sort((a, b) => a - b);
  return {
    last: small.at(-1) ?? Number.POSITIVE_INFINITY,
    median: small[Math.floor(small.length / 2)] ?? Number.POSITIVE_INFINITY,
    complete: closed.filter(({ verdict }) => verdict === 'COMPLETE').length,
    longest,
    longestHousekeeping,
    busiest: busiestSecond(departures.sort((a, b) => a - b)),
    housekeeping: { runs, calls: housekeepingCalls, dollars: housekeepingCalls * 0.125e-6 },
  };
}

function busiestSecond(times: readonly number[]): number {
  let [from, most] = [0, 0];
  times.forEach((at, to) => {
    while ((times[from] ?? 0) <= at - SECOND) from += 1;
    most = Math.max(most, to - from + 1);
  });
  return most;
}

if (import.meta.main) {
  const count = Number(process.argv[2] ?? 10_000);
  const { housekeeping, ...many } = await manyConnections(count);
  const seconds = (millis: number): string => `${(millis / SECOND).toFixed(1)} s`;
  console.log(`${count} connections of one connector, ${LIMIT} requests a second for all of them together`);
  console.log(`  closed COMPLETE              ${many.complete}`);
  console.log(`  half of them after           ${seconds(many.median)}`);
  console.log(
    `  the last one after           ${seconds(many.last)} (the limit alone: ${seconds((1_000 * count) / LIMIT)})`,
  );
  console.log(`  most requests in one second  ${many.busiest}`);
  console.log(`  longest run of a worker      ${seconds(many.longest)} of ${seconds(TIMEOUT)}`);
  console.log(
    `  longest housekeeping         ${seconds(many.longestHousekeeping)} of ${seconds(HOUSEKEEPING_TIMEOUT)}`,
  );
  console.log(
    `  housekeeping meanwhile       ${housekeeping.runs} runs, ${housekeeping.calls} calls of tables, $${housekeeping.dollars.toFixed(5)}`,
  );
}
