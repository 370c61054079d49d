import fc from 'fast-check';
import type { Task } from '../../lib/core/tasks.ts';
import { HOUR, MINUTE, SECOND } from '../../lib/core/time.ts';
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
import { memoryTable, sendTwice } from '../memory/table.ts';
import { shorten } from './exposed.ts';
import { apiOf, connectorOf, type Shape, START } from './shapes.ts';
import { virtualTime } from './virtual-time.ts';

/**
 * One sync of a shape, read by the code that ships, under a schedule: everything happens in order, each thing once, but for what the schedule
 * says. So what a failing case shrinks to names the few things that had to go wrong.
 */

/** What befalls a call to a port, counted over the whole run: its worker dies before or after its effect, or goes on without knowing of it. */
const CALLS = [
  'dies before',
  'dies after',
  'is refused',
  'loses its answer',
  'is sent twice',
  'starts late',
  'ends late',
] as const;
/** What befalls a message, counted in the order of sending. */
const MESSAGES = ['comes late', 'comes again', 'is lost'] as const;

type Befalls = (typeof CALLS)[number] | (typeof MESSAGES)[number];
export type Mishap = {
  readonly at: number;
  readonly what: Befalls;
  /** Of what is late: by how many milliseconds. */
  readonly by: number;
};

export type Schedule = {
  readonly workers: number;
  /** Messages that a worker takes at once. */
  readonly batch: number;
  /** How long calls take, and in what order messages come: 0: all the same, and in the order of sending. */
  readonly pace: number;
  readonly housekeeping: boolean;
  /** How often a page is tried before it is set aside. Where all is to come in the end, more often than anybody dies. */
  readonly attempts: number;
  readonly mishaps: readonly Mishap[];
};

const VISIBILITY_SECONDS = 360;
/** From a blink to longer than a lease, than the visibility of a message, than a sync. A worker stands still for an hour at most. */
const SPANS = [3, 50, 12 * SECOND, 75 * SECOND, 400 * SECOND, 50 * MINUTE] as const;
/** Housekeeping sends what is open three times over. */
const MOST_LOST = 3;

const mishap = (what: readonly Befalls[], most: number, spans: readonly number[]): fc.Arbitrary<Mishap> =>
  fc.record({ at: fc.integer({ min: 1, max: most }), what: fc.constantFrom(...what), by: fc.constantFrom(...spans) });

export const schedules: fc.Arbitrary<Schedule> = fc
  .record({
    workers: fc.integer({ min: 1, max: 3 }),
    batch: fc.constantFrom(1, 10),
    pace: fc.nat(1_000),
    housekeeping: fc.boolean(),
    attempts: fc.constant(1_000),
    mishaps: fc.array(
      fc.oneof(
        { weight: 3, arbitrary: mishap(CALLS, 250, SPANS) },
        { weight: 1, arbitrary: mishap(MESSAGES, 30, [...SPANS, 5 * HOUR]) },
      ),
      { maxLength: 12 },
    ),
  })
  // Without housekeeping the queue alone must end a sync: then nothing is lost.
  .map(({ mishaps, ...schedule }) => {
    const lost = mishaps.filter(({ what }) => what === 'is lost').slice(0, schedule.housekeeping ? MOST_LOST : 0);
    return { ...schedule, mishaps: mishaps.filter((each) => each.what !== 'is lost' || lost.includes(each)) };
  });

const FUNCTION_TIMEOUT = 60 * SECOND;
const HOUSEKEEPING_EVERY = 5 * MINUTE;
/** No run comes near: one that needs more does not end. */
const MOST_EVENTS = 20_000;
/** A chain commits every third page, and goes on in a message of its own after nine. */
const ANSWER_TAKES = 4 * SECOND;
/** When requests are no longer refused. */
const MENDED_AFTER = 2 * HOUR;

export type Run = Awaited<ReturnType<typeof runSchedule>>;

type Message = { readonly task: Task; visibleAt: number; receives: number };

export async function runSchedule(shape: Shape, schedule: Schedule, trace?: (line: string) => void) {
  const time = virtualTime(START);
  const connector = connectorOf(shape);
  const api = apiOf(shape);
  time.after(MENDED_AFTER, api.mend);
  const { pace } = schedule;
  const drawn = (number: number, of: number): number => (pace === 0 ? 0 : Math.imul(number, 2 * pace + 1) >>> 7) % of;
  const onCalls = Map.groupBy(
    schedule.mishaps.filter(({ what }) => !isOfMessages(what)),
    ({ at }) => at,
  );
  const onMessages = Map.groupBy(
    schedule.mishaps.filter(({ what }) => isOfMessages(what)),
    ({ at }) => at,
  );
  /** The mishaps that took place, and when. */
  const befell: string[] = [];
  const clock = (): string => `${((time.now() - START) / SECOND).toFixed(3)} s:`;
  const note = (who: string, what: string): void => {
    befell.push(`${clock()} ${who} ${what}`);
    trace?.(`${clock()} ${who} ${what}`);
  };

  const messages = new Map<number, Message>();
  let sent = 0;
  let calls = 0;
  let running = 0;
  let requests = 0;
  let failuresToCome = 0;
  let closed = 0;
  const memories = Array.from({ length: schedule.workers + 1 }, newWorkerMemory);
  const idle = new Set(Array.from({ length: schedule.workers }, (_, slot) => slot));

  const put = (task: Task, delay: number): void => {
    const visibleAt = time.now() + delay;
    messages.set(messages.size === 0 ? sent : Math.max(sent, ...messages.keys()) + 1, { task, visibleAt, receives: 0 });
    time.after(delay, wake);
  };
  function enqueue(task: Task, delay: number): void {
    sent += 1;
    const befalls = onMessages.get(sent) ?? [];
    for (const { what, by } of befalls) note(`message ${sent} (${JSON.stringify(task)})`, `${what} (${by} ms)`);
    if (befalls.some(({ what }) => what === 'comes again')) {
      for (const { what, by } of befalls) if (what === 'comes again') put(task, delay + by);
    }
    if (befalls.some(({ what }) => what === 'is lost') && mayBeLost(task)) return;
    put(task, delay + befalls.reduce((all, { what, by }) => (what === 'comes late' ? all + by : all), 0));
  }

  function wake(): void {
    for (const slot of [...idle]) {
      const visible = [...messages].filter(([, { visibleAt }]) => visibleAt <= time.now());
      const taken = Array.from({ length: Math.min(schedule.batch, visible.length) }, (_, i) =>
        visible.splice(drawn(sent + calls + i, visible.length), 1),
      ).flat();
      if (taken.length === 0) return;
      idle.delete(slot);
      const received = taken.map(([number, message]) => {
        message.receives += 1;
        message.visibleAt = time.now() + VISIBILITY_SECONDS * SECOND;
        time.after(VISIBILITY_SECONDS * SECOND, wake);
        return { id: `${number}`, task: message.task, receives: message.receives };
      });
      invoke(
        `worker ${slot}`,
        slot,
        async (invocation) => {
          const outcomes = await runTasks(invocation, received);
          for (const { id, receives } of received) {
            const message = messages.get(Number(id));
            const outcome = outcomes.get(id);
            if (message === undefined || message.receives !== receives) continue;
            if (outcome === 'done') messages.delete(Number(id));
            else if (typeof outcome === 'object' && message.visibleAt > time.now()) {
              const later = Math.ceil(outcome.later / SECOND) * SECOND;
              message.visibleAt = time.now() + later;
              time.after(later, wake);
            }
          }
        },
        () => {
          idle.add(slot);
          wake();
        },
      );
    }
  }

  const [objects, events, log] = [memoryObjects(), memoryEvents(), memoryLog()];
  const syncs = memoryTable();
  const ports: Ports = {
    syncs: {
      ...syncs,
      async update(key, change, when) {
        const before = (await syncs.get(key))?.status;
        const written = await syncs.update(key, change, when);
        if (written.ok && change.set?.status === 'closed' && before !== 'closed') closed += 1;
        return written;
      },
    },
    connections: memoryTable(),
    rateLimits: memoryTable(),
    tokens: memoryTable(),
    queue: {
      async send(batch) {
        for (const { task, delay = 0 } of batch) enqueue(task, delay * SECOND);
      },
    },
    failures: {
      // Somebody sends back whatever fails, sooner or later.
      async send(batch) {
        for (const { task } of batch) {
          failuresToCome += 1;
          time.after(1 + drawn(calls, 4) * HOUR, () => {
            failuresToCome -= 1;
            enqueue(task, 0);
          });
        }
      },
    },
    objects,
    gzip: storedGzip,
    gunzip: storedText,
    http: {
      async send(request) {
        requests += 1;
        return api.answer(request);
      },
    },
    secrets: memorySecrets({}),
    seals: memorySeals,
    events,
    log,
    metrics: memoryMetrics(),
    clock: { now: time.now, wait: () => Promise.reject(new Error('only invocations wait')) },
    random: seededRandom(1),
  };
  await ports.connections.create({ pk: connector.name, sk: 'main' }, { params: '{}', status: 'active' });

  /** One invocation; `ended` is told when it is over, one way or the other. */
  function invoke(
    name: string,
    slot: number,
    body: (invocation: Invocation) => Promise<void>,
    ended: () => void,
  ): void {
    running += 1;
    const startedAt = time.now();
    let state: 'alive' | 'dead' | 'over' = 'alive';
    const over = (as: 'dead' | 'over'): void => {
      if (state !== 'alive') return;
      state = as;
      running -= 1;
      if (as === 'dead') memories[slot] = newWorkerMemory();
      ended();
    };
    const mortal = <T extends object>(port: T, of: string): T =>
      intercept(port, (method, input, run) => call(`${of}.${method}`, input, async () => run()));
    function call<T>(what: string, input: readonly unknown[], effect: () => Promise<T>): Promise<T> {
      calls += 1;
      const number = calls;
      const befalls = onCalls.get(number) ?? [];
      const does = (one: Befalls): boolean => befalls.some((each) => each.what === one);
      const late = (one: Befalls): number =>
        befalls.reduce((all, each) => (each.what === one ? all + each.by : all), 0);
      for (const each of befalls) note(name, `call ${number}, ${what} ${shorten(input)}: ${each.what} (${each.by} ms)`);
      return new Promise((resolve, reject) => {
        const takes = of(what) + drawn(number, 20);
        time.after(takes + late('starts late'), () => {
          if (state !== 'alive') return;
          if (does('dies before')) return over('dead');
          if (does('is refused')) return reject(new Error('it was refused'));
          const done = does('is sent twice') ? sendTwice(effect) : effect();
          done.then((result) => {
            trace?.(`${clock()} ${name} ${what} ${shorten(input)} → ${shorten([result])}`);
            if (does('dies after')) return over('dead');
            const end = (): void => {
              if (state !== 'alive') return;
              if (does('loses its answer')) reject(new Error('its answer was lost'));
              else resolve(result);
            };
            const wait = late('ends late');
            if (wait === 0) end();
            else time.after(wait, end);
          }, reject);
        });
      });
    }
    const invocation: Invocation = {
      ...ports,
      syncs: {
        ...mortal(ports.syncs, 'syncs'),
        // Read at once: a query is one call here, and its answer a snapshot.
        query: (pk, prefix, after) => ({
          async *[Symbol.asyncIterator]() {
            yield* await call('syncs.query', [prefix], () => Array.fromAsync(ports.syncs.query(pk, prefix, after)));
          },
        }),
        live: ports.syncs.live,
        stalest: ports.syncs.stalest,
      },
      queue: mortal(ports.queue, 'queue'),
      failures: mortal(ports.failures, 'failures'),
      objects: mortal(ports.objects, 'objects'),
      events: mortal(ports.events, 'events'),
      http: {
        send: (request) => call('http.send', [request.url], () => ports.http.send(request, { deadline: 0, bound: 0 })),
      },
      clock: {
        now: time.now,
        wait: (millis) => new Promise((resolve) => time.after(Math.ceil(millis), () => state === 'alive' && resolve())),
      },
      connector,
      memory: memories[slot] ?? newWorkerMemory(),
      settings: {
        ...{ SCHEMA_MODE: 'strict', ATTEMPTS: schedule.attempts, OUTAGE_SECONDS: 3_600, MAXIMUM_CONCURRENCY: 1 },
        ...{ VISIBILITY_TIMEOUT_SECONDS: VISIBILITY_SECONDS, SECRETS_PREFIX: 'test', TOKEN_KEY: 'token-key' },
      },
      remaining: () => startedAt + FUNCTION_TIMEOUT - time.now(),
      budget: FUNCTION_TIMEOUT,
    };
    body(invocation).then(
      () => over('over'),
      () => over('over'),
    );
  }
  const of = (what: string): number => (what === 'http.send' ? ANSWER_TAKES : 1);

  let keeping = false;
  function keepHouse(): void {
    time.after(HOUSEKEEPING_EVERY, keepHouse);
    if (keeping) return;
    keeping = true;
    invoke('housekeeping', schedule.workers, housekeep, () => {
      keeping = false;
    });
  }
  if (schedule.housekeeping) time.after(HOUSEKEEPING_EVERY, keepHouse);

  enqueue({ v: 1, kind: 'tick', stream: 'rows', at: new Date(START).toISOString() }, 0);
  const atRest = (): boolean => messages.size + running + failuresToCome === 0;
  const live = async (): Promise<number> => (await Array.fromAsync(ports.syncs.live(connector.name))).length;
  let end = await time.run(atRest, MOST_EVENTS);
  // Housekeeping has still something to take up: time passes until it has.
  while (end === 'done' && schedule.housekeeping && (await live()) > 0) {
    end = await time.run(() => !atRest(), MOST_EVENTS);
    if (end === 'done') end = await time.run(atRest, MOST_EVENTS);
  }
  return {
    shape,
    schedule,
    ports,
    objects,
    events,
    log,
    connector,
    end,
    live: await live(),
    closed,
    calls,
    requests,
    befell,
  };
}

/** Without its tick there is no sync, and what somebody sends back nobody sends again. */
const mayBeLost = (task: Task): boolean =>
  task.kind !== 'tick' && task.kind !== 'start' && !('failure' in task && task.failure !== undefined);

const isOfMessages = (what: Befalls): boolean => MESSAGES.some((each) => each === what);
