import { writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { runEvent } from '../../lib/core/run-events.ts';
import { TASK_VERSION } from '../../lib/core/tasks.ts';
import { MINUTE } from '../../lib/core/time.ts';
import { type Receipt, receiptSchema } from '../../lib/core/verdict/receipt.ts';
import type { Objects } from '../../lib/pipeline/ports.ts';
import { keyDelivered, rehearsed, rehearsedAt } from '../../lib/simulator/rehearsed.ts';
import { type Scale, scaled } from '../../lib/simulator/scaled.ts';
import { type Simulation, serve } from '../../lib/simulator/simulate.ts';
import { type Tally, type Truth, tallyOf } from '../../lib/simulator/truth.ts';
import { consent } from './consent.ts';
import { type OperatedConnector, openConnector } from './deployed-connector.ts';
import { awsOf, LOCAL, localSecret, startLocal } from './embedded-stack.ts';
import { watchInterrupt } from './interrupted.ts';
import type { LoadedConnector } from './load-connector.ts';
import type { Plan, Rehearsal } from './plan-rehearsals.ts';

/** What became of a rehearsal: a receipt, and what the API knows; or why there is none. */
export type Outcome = { readonly rehearsal: Rehearsal } & (
  | { readonly receipt: Receipt; readonly truth: Truth }
  | { readonly none: string }
);

/** How many rehearsals run at once, most of which wait; and how many records all of them have. */
const AT_ONCE = 64;
const RECORDS_AT_ONCE = 500_000;
/** How long a rehearsal may take, in milliseconds, and how much longer with each record. */
const LONGEST = 5 * MINUTE;
const FOR_A_RECORD = 2;

/** Runs all of them on one stack of this machine. `ended`: hears how many have. */
export async function rehearseAll(
  { connector, file }: LoadedConnector,
  { scale, records, rehearsals }: Plan,
  scratch: string,
  ended: (many: number) => void,
): Promise<Outcome[]> {
  const deployed = {
    connector: rehearsed(scaled(connector, scale)),
    file: await writeConnector(file, scale, scratch),
  };
  const endings = awaitEndings(rehearsals);
  const apis = new Set<Simulation>();
  const interrupt = watchInterrupt('Interrupted.');
  const secrets = rehearsals.map(({ connection, model }) => [
    localSecret(connector, connection),
    JSON.stringify(model.client.secret),
  ]);
  const stack = await startLocal({
    ...{ connectors: [deployed], folder: join(scratch, 'state'), scratch, secrets: Object.fromEntries(secrets) },
    onLog: ({ json }) => endings.take(json),
    onEvent: ({ detail }) => endings.take(detail),
  });
  try {
    const opened = await openConnector(awsOf(stack), LOCAL, deployed.connector);
    const outcomes: Outcome[] = [];
    const waiting = rehearsals.entries();
    const patience = LONGEST + records * FOR_A_RECORD;
    const lane = async (): Promise<void> => {
      for (const [at, rehearsal] of waiting) {
        outcomes[at] = await rehearseOne({ opened, apis, patience }, rehearsal, endings.of(rehearsal));
        ended(outcomes.reduce((sum) => sum + 1, 0));
      }
    };
    const lanes = Math.max(1, Math.min(AT_ONCE, Math.floor(RECORDS_AT_ONCE / records)));
    await Promise.race([Promise.all(Array.from({ length: lanes }, lane)), interrupt.happened, stack.broken]);
    return outcomes;
  } finally {
    interrupt.forget();
    await Promise.all([stack.stop(), ...[...apis].map((api) => api.stop())]);
  }
}

/** The file of the connector as it is deployed for a rehearsal. */
async function writeConnector(file: string, scale: Scale, scratch: string): Promise<string> {
  // TypeScript in the repository, JavaScript in the package.
  const module = (path: string) =>
    JSON.stringify(join(import.meta.dirname, `../../lib/${path}${extname(import.meta.filename)}`));
  const written = join(scratch, 'rehearsed.mjs');
  await writeFile(
    written,
    `import * as given from ${JSON.stringify(file)};
import { connectorIn } from ${module('core/connector/connector')};
import { rehearsed } from ${module('simulator/rehearsed')};
import { scaled } from ${module('simulator/scaled')};
export default rehearsed(scaled(connectorIn(given), ${JSON.stringify(scale)}));
`,
  );
  return written;
}

/** Where rehearsals run. `apis`: those that are up. `patience`: how long one may take, milliseconds. */
type Stage = { readonly opened: OperatedConnector; readonly apis: Set<Simulation>; readonly patience: number };

async function rehearseOne(
  { opened, apis, patience }: Stage,
  rehearsal: Rehearsal,
  ending: Promise<Ending>,
): Promise<Outcome> {
  const { connection, stream, model, trouble } = rehearsal;
  const api = await serve(model, trouble);
  apis.add(api);
  try {
    const params = JSON.stringify(rehearsedAt(api.url, model.client.params));
    const key = { pk: opened.connector.name, sk: connection };
    await opened.connections.upsert(key, { set: { params, status: 'active' } });
    if (opened.connector.auth.kind === 'authorizationCode') await consent(opened, connection);
    const at = new Date(opened.clock.now()).toISOString();
    await opened.queue.send([{ task: { v: TASK_VERSION, kind: 'start', connection, stream, at }, group: connection }]);
    const end = await Promise.race([ending, setTimeout(patience, NEVER, { ref: false })]);
    if ('reason' in end) return { rehearsal, none: end.reason };
    const receipt = receiptSchema.parse(JSON.parse(Buffer.from(await read(opened.objects, end.receipt)).toString()));
    const tally = tallyOf(model, stream, trouble, receipt);
    await count(opened.objects, receipt, tally);
    return { rehearsal, receipt, truth: tally.truth() };
  } finally {
    apis.delete(api);
    await api.stop();
  }
}

const closed = z.object({ connection: z.string(), receipt: z.string() });
type Ending = z.output<typeof closed> | { readonly reason: string };
const NEVER: Ending = { reason: 'the sync does not come to an end' };

/** How each rehearsal ends, as events and log lines announce it. */
function awaitEndings(rehearsals: readonly Rehearsal[]) {
  const endings = new Map(rehearsals.map(({ connection }) => [connection, Promise.withResolvers<Ending>()]));
  return {
    take(told: unknown): void {
      const event = runEvent.safeParse(told).data;
      const paused = event?.message === 'connection paused' ? event : undefined;
      const ending = paused ?? closed.safeParse(told).data;
      if (ending !== undefined) endings.get(ending.connection)?.resolve(ending);
    },
    of: ({ connection }: Rehearsal): Promise<Ending> =>
      endings.get(connection)?.promise ?? Promise.reject(new Error(`Nothing waits for "${connection}".`)),
  };
}

const manifestLine = z.object({ key: z.string() });

/** Counts every record that a receipt's manifest lists, one part after the other. */
async function count(objects: Objects, { manifest }: Receipt, tally: Tally): Promise<void> {
  for (const line of await readLines(objects, manifest)) {
    for (const record of await readLines(objects, manifestLine.parse(line).key)) tally.take(keyDelivered(record));
  }
}

async function readLines(objects: Objects, key: string): Promise<unknown[]> {
  const text = gunzipSync(await read(objects, key)).toString();
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}

async function read(objects: Objects, key: string): Promise<Uint8Array> {
  const body = await objects.get(key);
  if (body === undefined) throw new Error(`The object "${key}" is listed, but not there.`);
  return body;
}
