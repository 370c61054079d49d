import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openConnector } from '../bin/cli/deployed-connector.ts';
import { awsOf } from '../bin/cli/embedded-stack.ts';
import { loadConnector } from '../bin/cli/load-connector.ts';
import { buildApp } from '../lib/infra/app.ts';
import { stages } from '../lib/infra/stage.ts';
import { type Embedded, startEmbedded } from '../lib/local/embedded.ts';
import { forSync } from '../lib/pipeline/invocation.ts';
import { readStream } from '../lib/pipeline/sync/start-sync.ts';
import { simulate } from '../lib/simulator/simulate.ts';

/**
 * node bench/cost.ts [records...]
 *
 * Counts the calls of AWS and the write units of DynamoDB that the functions take for one sync of each stream of the practice API, on the
 * embedded stack of stage prod, and what a million pages cost at list prices of us-east-1 (free tiers ignored). One sync of each number of
 * records: by default 10,000, 100,000 and 1,000,000, which are 100, 1,000 and 10,000 pages.
 */

const given = process.argv.slice(2).map(Number);
const wrong = given.find((records) => !(records >= 1));
if (wrong !== undefined) throw new Error(`records must be numbers from 1 (got ${process.argv.slice(2).join(' ')})`);

/** Dollars for a write unit. */
const UNIT = 0.625e-6;
/** Dollars for each call but writes, which are charged by unit: https://aws.amazon.com/dynamodb/pricing/on-demand/, /s3/pricing/, /sqs/pricing/, /eventbridge/pricing/, /secrets-manager/pricing/. */
const PRICES: Readonly<Record<string, number>> = {
  'dynamodb:GetItem': 0.125e-6,
  'dynamodb:Query': 0.125e-6,
  's3:PutObject': 5e-6,
  's3:GetObject': 0.4e-6,
  'sqs:SendMessage': 0.4e-6,
  'sqs:SendMessageBatch': 0.4e-6,
  'sqs:ChangeMessageVisibilityBatch': 0.4e-6,
  'events:PutEvents': 1e-6,
  'secretsmanager:GetSecretValue': 5e-6,
};

for (const records of given.length > 0 ? given : [10_000, 100_000, 1_000_000]) await costOf(records);

async function costOf(records: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-cost-'));
  const practice = await loadConnector('practice');
  const api = await simulate(practice.connector, { records });
  const assembly = join(folder, 'assembly');
  buildApp({ stages: [stages.prod], connectors: [practice], outdir: assembly, validate: false }).synth();
  const stack = await startEmbedded({ assembly, state: join(folder, 'state'), secrets: {} });
  try {
    const connector = await openConnector(awsOf(stack), 'prod', practice.connector);
    await connector.connections.create(
      { pk: 'practice', sk: 'main' },
      { params: JSON.stringify({ url: api.url }), status: 'active' },
    );
    stack.forget();
    for (const stream of Object.keys(practice.connector.streams)) {
      const before = { ...stack.calls };
      const at = new Date().toISOString();
      const task = { v: 1, kind: 'start', connection: 'main', stream, at } as const;
      await connector.queue.send([{ task, group: 'main' }]);
      let state = await readStream(forSync(connector, { connection: 'main', stream, sync: '' }));
      while (state.lastClosed === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        state = await readStream(forSync(connector, { connection: 'main', stream, sync: '' }));
      }
      // A function writes its metrics when it ends.
      while (!stack.idle() || measuredSum(stack, 'PagesDelivered') === 0)
        await new Promise((resolve) => setTimeout(resolve, 20));
      const [pages, batches] = [measuredSum(stack, 'PagesDelivered'), invocations(stack)];
      const units = measuredSum(stack, 'ConsumedWriteCapacityUnits');
      stack.forget();
      print(stream, { pages, units, batches, calls: stack.calls, before });
    }
  } finally {
    await stack.stop();
    await api.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function measuredSum(stack: Embedded, name: string): number {
  const minutes = stack.measured().flatMap((series) => (series.name === name ? [...series.minutes.values()] : []));
  return minutes.reduce((sum, minute) => sum + minute.sum, 0);
}

function invocations(stack: Embedded): number {
  const series = stack
    .measured()
    .filter(({ name, dimensions }) => name === 'Duration' && /Work/.test(dimensions.FunctionName ?? ''));
  return series.flatMap(({ minutes }) => [...minutes.values()]).reduce((sum, { count }) => sum + count, 0);
}

type Counted = {
  readonly pages: number;
  /** Write units of DynamoDB, those of indexes left out. */
  readonly units: number;
  readonly batches: number;
  readonly calls: Readonly<Record<string, number>>;
  /** The calls before this sync. */
  readonly before: Readonly<Record<string, number>>;
};

function print(stream: string, { pages, units, batches, calls, before }: Counted): void {
  console.log(`\n${stream}: ${pages} pages`);
  let dollars = 0;
  const line = (what: string, perPage: number, price: number): void => {
    dollars += perPage * price * 1e6;
    console.log(
      `  ${what.padEnd(34)} ${perPage.toFixed(4).padStart(8)} a page  $${(perPage * price * 1e6).toFixed(3).padStart(7)}`,
    );
  };
  for (const [call, count] of Object.entries(calls).sort()) {
    const made = count - (before[call] ?? 0);
    if (made > 0) line(call, made / pages, PRICES[call] ?? 0);
  }
  line('dynamodb: write units', units / pages, UNIT);
  // What Lambda does in our name: one receive and one delete for each batch.
  line('sqs: receive and delete of a batch', (2 * batches) / pages, 0.4e-6);
  line('lambda: invocations', batches / pages, 0.2e-6);
  console.log(`  a million pages: $${dollars.toFixed(2)}, without compute and logs`);
}
