import type { Limit } from '../../lib/core/connector/connector.ts';
import { DAY, HOUR, SECOND } from '../../lib/core/time.ts';
import type { Receipt } from '../../lib/core/verdict/receipt.ts';
import { worstWindow } from '../core/limits/fleet.ts';
import { type Fleet, type FleetOptions, limited, makeFleet, refusal, START } from '../pipeline/fleet.ts';

/**
 * The pipeline under load, in virtual time: what a hundred connections, a hundred thousand messages, throttled tables, an API that is down for days and
 * clocks that are wrong do to it.
 *
 * node test/simulation/load.ts [scenario]   prints the figures of one of them, or of all.
 */

/** What became of a load. Times are virtual, in seconds. */
export type Load = {
  readonly syncs: number;
  readonly complete: number;
  /** From the first start to the last receipt. */
  readonly took: number;
  readonly requests: number;
  readonly refused: number;
  /** The most requests in any second. */
  readonly busiest: number;
  readonly messages: number;
  /** Writes of limiters. */
  readonly writes: number;
  readonly failures: number;
  /** The longest invocation of a worker. */
  readonly longest: number;
};

const MOST_EVENTS = 40_000_000;
const perSecond = (requests: number): Limit => ({ requests, per: '1 second', scope: 'connector' });
const named = (count: number, prefix: string): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const lastOf = (times: readonly number[]): number => times.reduce((last, each) => Math.max(last, each), 0);

function loadOf(fleet: Fleet): Load {
  const receipts = latest(fleet.receipts());
  return {
    syncs: receipts.length,
    complete: receipts.filter(({ verdict }) => verdict === 'COMPLETE').length,
    took: (lastOf(receipts.map(({ finishedAt }) => Date.parse(finishedAt))) - START) / SECOND,
    requests: fleet.requests.length,
    refused: fleet.requests.filter(({ status }) => status === 429).length,
    busiest: worstWindow(
      fleet.requests.map(({ at }) => ({ at, cost: 1 })),
      SECOND - 1,
    ),
    messages: fleet.sendings.length,
    writes: fleet.count('meter writes'),
    failures: fleet.failures.length,
    longest: lastOf(fleet.invocations.map(({ took }) => took)) / SECOND,
  };
}

/** Of each sync its last revision. */
function latest(receipts: readonly Receipt[]): Receipt[] {
  const found = new Map<string, Receipt>();
  for (const receipt of receipts) {
    const name = `${receipt.connection} ${receipt.stream} ${receipt.sync}`;
    if ((found.get(name)?.revision ?? 0) < receipt.revision) found.set(name, receipt);
  }
  return [...found.values()];
}

const roomy = (options: FleetOptions): Fleet => makeFleet({ workers: 10, mostEvents: MOST_EVENTS, ...options });

/** Connections with five streams each, all under one limit of 20 requests a second. */
export async function manyStreams(connections: number): Promise<Load> {
  const streams = ['orders', 'items', 'chain-events', 'chain-users', 'notes'];
  const fleet = roomy({
    connector: limited([perSecond(20)], streams),
    pages: Object.fromEntries(streams.map((name) => [name, 3])),
    connections: named(connections, 'c'),
  });
  await fleet.start(...streams);
  await fleet.run();
  return loadOf(fleet);
}

/** So many connections at one tick, each with a chain of two pages: four messages and more for each. */
export async function manyMessages(connections: number): Promise<Load> {
  const fleet = roomy({
    connector: limited([perSecond(2_000)], ['chain']),
    pages: { chain: 2 },
    connections: named(connections, 'c'),
    workers: 40,
  });
  await fleet.start('chain');
  await fleet.run();
  return loadOf(fleet);
}

/** Tables that throttle this share of their calls. */
export async function throttledTables(
  throttled: number,
): Promise<Load & { readonly throttled: number; readonly givenUp: number }> {
  const fleet = roomy({
    connector: limited([perSecond(20)], ['rows', 'chain']),
    pages: { rows: 60, chain: 60 },
    connections: named(5, 'c'),
    throttled,
  });
  await fleet.start('rows', 'chain');
  await fleet.run();
  return {
    ...loadOf(fleet),
    throttled: fleet.count('table calls throttled'),
    givenUp: fleet.count('table calls given up'),
  };
}

/** An API that does not answer for so many days, with a sync each day, and one after it is back. */
export async function longOutage(
  days: number,
): Promise<Load & { readonly whileDown: number; readonly lastVerdicts: readonly string[] }> {
  const back = START + days * DAY;
  const fleet = roomy({
    connector: limited([perSecond(20)], ['rows', 'chain']),
    pages: { rows: 30, chain: 30 },
    api: ({ at }) =>
      at < back ? { reply: { failed: 'unreachable' as const, message: 'connect ECONNREFUSED' }, takes: 5 } : {},
    outageSeconds: (6 * HOUR) / SECOND,
  });
  for (let day = 0; day <= days; day++) {
    await fleet.start('rows', 'chain');
    const over = START + (day + 1) * DAY + HOUR;
    await fleet.time.run(() => fleet.time.now() >= over, MOST_EVENTS);
  }
  await fleet.run();
  const last = fleet.receipts().toSorted((a, b) => (a.sync < b.sync ? 1 : -1))[0]?.sync;
  return {
    ...loadOf(fleet),
    whileDown: fleet.requests.filter(({ at }) => at < back).length,
    lastVerdicts: fleet.receipts().flatMap(({ sync, verdict }) => (sync === last ? verdict : [])),
  };
}

/** A page of each connection fails for good, and is sent back when the API is mended. */
export async function manyFailures(connections: number): Promise<Load & { readonly completeBefore: number }> {
  let broken = true;
  const fleet = roomy({
    connector: limited([perSecond(200)], ['rows']),
    pages: { rows: 3 },
    connections: named(connections, 'c'),
    api: ({ page }) => (broken && page === 2 ? { reply: refusal(422) } : {}),
  });
  await fleet.start('rows');
  await fleet.run();
  const completeBefore = loadOf(fleet).complete;
  broken = false;
  await fleet.ports.queue.send(fleet.failures.map((task) => ({ task, group: 'main' })));
  await fleet.run();
  return { ...loadOf(fleet), completeBefore };
}

/** Workers whose clocks are so many milliseconds ahead and behind, under 20 requests a second that the API counts strictly. */
export async function wrongClocks(millis: number, pages = 600): Promise<Load> {
  const passed: number[] = [];
  const fleet = makeFleet({
    connector: limited([perSecond(20)]),
    pages: { rows: pages },
    mostEvents: MOST_EVENTS,
    skews: [0, millis, -millis, millis / 2],
    api: ({ at }) => {
      while ((passed[0] ?? at) <= at - SECOND) passed.shift();
      if (passed.length >= 20) return { reply: refusal(429) };
      passed.push(at);
      return {};
    },
  });
  await fleet.start('rows');
  await fleet.run();
  return loadOf(fleet);
}

/** Every scheduled event comes twice, and so does a fifth of the messages. */
export async function doubleEvents(connections: number): Promise<Load> {
  const fleet = roomy({
    connector: limited([perSecond(20)], ['rows', 'chain']),
    pages: { rows: 6, chain: 6 },
    connections: named(connections, 'c'),
    weather: { duplicate: 0.2 },
  });
  await fleet.start('rows', 'chain', 'rows', 'chain');
  await fleet.run();
  return loadOf(fleet);
}

type Figures = Readonly<Record<string, number | readonly string[]>>;

const SCENARIOS: Readonly<Record<string, readonly [says: string, run: () => Promise<Figures>]>> = {
  streams: ['100 connections × 5 streams, 20 requests a second for all', () => manyStreams(100)],
  messages: ['10,000 connections at one tick, 2,000 requests a second for all', () => manyMessages(10_000)],
  throttled: ['tables that throttle 30 % of their calls', () => throttledTables(0.3)],
  outage: ['an API that is down for three days, a sync each day', () => longOutage(3)],
  failures: ['2,000 failures, sent back when the API is mended', () => manyFailures(2_000)],
  clocks: ['clocks 2 s ahead and behind, 20 requests a second, counted strictly', () => wrongClocks(2 * SECOND)],
  close: ['clocks 20 ms ahead and behind, the same', () => wrongClocks(20)],
  twice: ['every event twice, a fifth of the messages, too', () => doubleEvents(50)],
};

if (import.meta.main) {
  const [only] = process.argv.slice(2);
  for (const [name, [says, run]] of Object.entries(SCENARIOS)) {
    if (only !== undefined && only !== name) continue;
    const began = performance.now();
    const load = await run();
    console.log(`${name}: ${says}`);
    for (const [figure, value] of Object.entries(load))
      console.log(
        `  ${figure.padEnd(14)} ${typeof value === 'number' ? Math.round(value * 10) / 10 : value.join(', ')}`,
      );
    console.log(`  (${Math.round((performance.now() - began) / SECOND)} s of this machine)`);
  }
}
