import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { type Receipt, receiptSchema } from '../lib/core/receipt.ts';
import { TASK_VERSION } from '../lib/core/tasks.ts';
import type { Objects } from '../lib/pipeline/ports.ts';
import { keyDelivered, rehearsed, rehearsedAt } from '../lib/simulator/rehearsed.ts';
import { type Scale, scaled } from '../lib/simulator/scaled.ts';
import { serve } from '../lib/simulator/simulate.ts';
import { type Tally, type Truth, tallyOf } from '../lib/simulator/truth.ts';
import { type OperatedConnector, openConnector } from './deployed-connector.ts';
import { awsOf, LOCAL, localSecret, startLocal } from './embedded-stack.ts';
import type { LoadedConnector } from './load-connector.ts';
import type { Plan, Rehearsal } from './plan-rehearsals.ts';

/** What became of a rehearsal. */
export type Outcome = { readonly rehearsal: Rehearsal } & (
  | { readonly receipt: Receipt; readonly truth: Truth }
  /** The connection was paused, and there is no receipt: why. */
  | { readonly paused: string }
);

/** How many rehearsals run at once: most of them wait. */
const AT_ONCE = 64;

/** Runs all of them on one stack of this machine. */
export async function rehearseAll(
  { connector, file }: LoadedConnector,
  { scale, rehearsals }: Plan,
  scratch: string,
): Promise<Outcome[]> {
  const deployed = {
    connector: rehearsed(scaled(connector, scale)),
    file: await writeConnector(file, scale, scratch),
  };
  const endings = awaitEndings(rehearsals);
  const stack = await startLocal({
    connectors: [deployed],
    folder: join(scratch, 'state'),
    scratch,
    secrets: Object.fromEntries(
      rehearsals.map(({ connection, model }) => [
        localSecret(connector, connection),
        JSON.stringify(model.client.secret),
      ]),
    ),
    onLog: ({ json }) => endings.take(json),
    onEvent: ({ detail }) => endings.take(detail),
  });
  try {
    const opened = await openConnector(awsOf(stack), LOCAL, deployed.connector);
    const outcomes: Outcome[] = [];
    const waiting = rehearsals.entries();
    const lane = async (): Promise<void> => {
      for (const [at, rehearsal] of waiting) outcomes[at] = await rehearseOne(opened, rehearsal, endings.of(rehearsal));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    return outcomes;
  } finally {
    await stack.stop();
  }
}

/** The file of the connector as it is deployed for a rehearsal. */
async function writeConnector(file: string, scale: Scale, scratch: string): Promise<string> {
  const module = (path: string) => JSON.stringify(fileURLToPath(new URL(path, import.meta.url)));
  const written = join(scratch, 'rehearsed.mjs');
  await writeFile(
    written,
    `import * as given from ${JSON.stringify(file)};
import { connectorIn } from ${module('../lib/core/connector.ts')};
import { rehearsed } from ${module('../lib/simulator/rehearsed.ts')};
import { scaled } from ${module('../lib/simulator/scaled.ts')};
export default rehearsed(scaled(connectorIn(given), ${JSON.stringify(scale)}));
`,
  );
  return written;
}

async function rehearseOne(opened: OperatedConnector, rehearsal: Rehearsal, ending: Promise<Ending>): Promise<Outcome> {
  const { connection, stream, model, trouble } = rehearsal;
  const api = await serve(model, trouble);
  try {
    const params = JSON.stringify(rehearsedAt(api.url, model.client.params));
    await opened.connections.upsert(
      { pk: opened.connector.name, sk: connection },
      { set: { params, status: 'active' } },
    );
    const at = new Date(opened.clock.now()).toISOString();
    await opened.queue.send([{ task: { v: TASK_VERSION, kind: 'start', connection, stream, at }, group: connection }]);
    const ended = await ending;
    if ('reason' in ended) return { rehearsal, paused: ended.reason };
    const receipt = receiptSchema.parse(JSON.parse(Buffer.from(await read(opened.objects, ended.receipt)).toString()));
    const tally = tallyOf(model, stream, trouble, receipt);
    await count(opened.objects, receipt, tally);
    return { rehearsal, receipt, truth: tally.truth() };
  } finally {
    await api.stop();
  }
}

const closed = z.object({ connection: z.string(), receipt: z.string() });
const paused = z.object({ message: z.literal('connection paused'), connection: z.string(), reason: z.string() });
const endingSchema = z.union([paused, closed]);
type Ending = z.output<typeof endingSchema>;

/** How each rehearsal ends, as events and log lines announce it. */
function awaitEndings(rehearsals: readonly Rehearsal[]) {
  const endings = new Map(rehearsals.map(({ connection }) => [connection, Promise.withResolvers<Ending>()]));
  return {
    take(told: unknown): void {
      const ending = endingSchema.safeParse(told);
      if (ending.success) endings.get(ending.data.connection)?.resolve(ending.data);
    },
    of: ({ connection }: Rehearsal): Promise<Ending> =>
      endings.get(connection)?.promise ?? Promise.reject(new Error(`Nobody waits for "${connection}".`)),
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
