import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { awsOf, localSecret, startLocal } from '../bin/cli/embedded-stack.ts';
import { loadConnector } from '../bin/cli/load-connector.ts';
import { openPorts } from '../lib/aws/open-ports.ts';
import type { Limit } from '../lib/core/connector/connector.ts';
import { environmentSchema } from '../lib/core/environment.ts';
import { span } from '../lib/core/time.ts';
import { tick } from '../lib/infra/tick.ts';
import { type Arrival, type StrictLimit, startStrictApi } from '../test/e2e/strict-api.ts';

/**
 * node bench/rate.ts [--case NAME] [--workers 1,4,16] [--seconds N]
 *
 * Runs the embedded stack against an API that counts strictly, and prints for each case and number of workers: the share of the allowed rate
 * that was used from the first request to the last, the requests that were refused, the fullest window, how many pages had to come
 * back for a slot, and the writes to the RateLimits table and to all tables for each page.
 */
type Case = { readonly limits: readonly Limit[]; readonly connections: number; readonly seconds: number };
const CASES: Readonly<Record<string, Case>> = {
  '20/s': { limits: [{ requests: 20, per: '1 second' }], connections: 1, seconds: 60 },
  '100/s': { limits: [{ requests: 100, per: '1 second' }], connections: 1, seconds: 60 },
  '10/s + 300/min': {
    limits: [
      { requests: 10, per: '1 second' },
      { requests: 300, per: '1 minute' },
    ],
    connections: 1,
    seconds: 120,
  },
  '60/min': { limits: [{ requests: 60, per: '1 minute' }], connections: 1, seconds: 180 },
  'two connections, 20/s': { limits: [{ requests: 20, per: '1 second' }], connections: 2, seconds: 60 },
};

const { values } = parseArgs({
  options: {
    case: { type: 'string' },
    workers: { type: 'string', default: '1,4,16' },
    seconds: { type: 'string' },
  },
});

const SECRET = JSON.stringify({ token: 'measured' });
const task = z.object({ kind: z.string(), from: z.number().optional(), to: z.number().optional() });
const sent = z.object({ Entries: z.array(z.object({ MessageBody: z.string() })) });

/** Requests per second that all limits together allow. */
const allowed = (limits: readonly StrictLimit[]): number =>
  Math.min(...limits.map(({ requests, window }) => (1_000 * requests) / window));

async function measure(name: string, { limits, connections, seconds }: Case, threads: number): Promise<void> {
  const strict = limits.map((limit) => ({ requests: limit.requests ?? 0, window: span(limit.per) }));
  const pages = Math.ceil((allowed(strict) * seconds) / connections);
  const api = await startStrictApi(strict, pages);
  const scratch = await mkdtemp(join(tmpdir(), 'headgate-rate-'));
  const loaded = await loadConnector(join(import.meta.dirname, 'paced-connector.ts'));
  const names = Array.from({ length: connections }, (_, index) => `c${index}`);
  const counts = { meters: 0, writes: 0, carried: 0, closed: 0 };
  const done = Promise.withResolvers<void>();
  const stack = await startLocal({
    connectors: [loaded],
    folder: join(scratch, 'state'),
    scratch,
    workers: threads,
    secrets: Object.fromEntries(names.map((connection) => [localSecret(loaded.connector, connection), SECRET])),
    onCall({ service, operation, body }, moment) {
      if (moment === 'before') return;
      if (operation === 'UpdateItem' || operation === 'PutItem') {
        counts.writes += 1;
        if (body.includes('RateLimits')) counts.meters += 1;
      }
      if (service === 'sqs' && operation === 'SendMessageBatch') counts.carried += pagesIn(body);
    },
    onEvent() {
      counts.closed += 1;
      if (counts.closed === connections) done.resolve();
    },
  });
  try {
    const settings = environmentSchema.parse(stack.environment('work', 'paced'));
    const silent = { log: { debug() {}, info() {}, warn() {} }, metrics: { add() {} } };
    const { connections: table } = openPorts(settings, silent, awsOf(stack));
    const params = JSON.stringify({ url: api.url, limits });
    for (const sk of names) await table.upsert({ pk: 'paced', sk }, { set: { params, status: 'active' } });
    const schedule = stack.schedules.find(({ input }) => input === tick('rows'));
    await stack.fire(schedule?.id ?? '', new Date());
    await done.promise;
    report(name, threads, strict, await api.arrivals(), pages * connections, counts);
  } finally {
    await stack.stop();
    await api.stop();
    await rm(scratch, { recursive: true, force: true });
  }
}

function pagesIn(body: Buffer): number {
  return sent
    .parse(JSON.parse(body.toString()))
    .Entries.map(({ MessageBody }) => task.parse(JSON.parse(MessageBody)))
    .reduce((all, { kind, from = 0, to = 0 }) => all + (kind === 'pages' ? to - from + 1 : 0), 0);
}

type Counts = { readonly meters: number; readonly writes: number; readonly carried: number };

function report(
  name: string,
  threads: number,
  limits: readonly StrictLimit[],
  arrivals: readonly Arrival[],
  pages: number,
  counts: Counts,
): void {
  const times = arrivals.map(({ at }) => at).sort((a, b) => a - b);
  const took = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1_000;
  const used = (times.length - 1) / took / allowed(limits);
  const worst = limits.map(({ requests, window }) => `${fullest(times, window)}/${requests}`).join(' ');
  const per = (count: number): string => (count / pages).toFixed(2);
  const row = [
    name.padEnd(22),
    String(threads).padStart(7),
    `${(100 * used).toFixed(1)} %`.padStart(8),
    String(arrivals.filter(({ refused }) => refused).length).padStart(5),
    worst.padStart(14),
    per(counts.carried - pages).padStart(10),
    per(counts.meters).padStart(8),
    per(counts.writes).padStart(7),
  ];
  console.log(row.join(' '));
}

/** The most requests in any closed window. */
function fullest(times: readonly number[], window: number): number {
  let first = 0;
  return times.reduce((most, time, index) => {
    while (time - (times[first] ?? time) > window) first += 1;
    return Math.max(most, index - first + 1);
  }, 0);
}

console.log(
  `${'case'.padEnd(22)} workers     used   429 fullest window deferred  meters  writes  (the last three for each page)`,
);
for (const [name, each] of Object.entries(CASES)) {
  if (values.case !== undefined && values.case !== name) continue;
  for (const threads of values.workers.split(',').map(Number)) {
    const seconds = values.seconds === undefined ? each.seconds : Number(values.seconds);
    await measure(name, { ...each, seconds }, threads);
  }
}
