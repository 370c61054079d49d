import { join, resolve } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { s3Objects } from '../lib/aws/objects.ts';
import { dynamoTable } from '../lib/aws/table.ts';
import type { Connector } from '../lib/core/connector.ts';
import { environmentSchema } from '../lib/core/environment.ts';
import { type Receipt, receiptSchema } from '../lib/core/receipt.ts';
import { buildApp } from '../lib/infra/app.ts';
import { tick } from '../lib/infra/schedule.ts';
import { type Stage, secretsPrefix, stages } from '../lib/infra/stage.ts';
import { type Embedded, startEmbedded } from '../lib/local/embedded.ts';
import { receiptKeys } from '../lib/pipeline/close-sync.ts';
import type { Objects, Table } from '../lib/pipeline/ports.ts';
import { syncId } from '../lib/pipeline/start-sync.ts';
import { syncKey, syncState } from '../lib/pipeline/sync-state.ts';
import { deliver } from './deliver.ts';
import type { LoadedConnector } from './load-connector.ts';
import { showProgress } from './progress.ts';
import type { RunOptions } from './run-options.ts';
import { describeReceipt } from './show-receipt.ts';
import { noteRun } from './unfinished-run.ts';
import { UsageError } from './usage-error.ts';

/** The only connection of an embedded stack. */
const CONNECTION = 'main';

/** On a laptop somebody waits: a page that does not come is given up after four attempts, 7 s on average. */
const stageOf = (strict: boolean): Stage => ({
  ...stages.dev,
  name: 'local',
  schemaMode: strict ? 'strict' : 'permissive',
  attempts: 4,
});

/** What is to be synced, and where files of the run may lie meanwhile. */
export type Order = {
  readonly loaded: LoadedConnector;
  readonly streams: readonly string[];
  readonly params: object;
  readonly secret: string | undefined;
  readonly scratch: string;
};

/** Builds the stack, runs a sync of each stream on it, and hands out what they delivered. */
export async function syncAll(
  { loaded, streams, params, secret, scratch }: Order,
  { out, state, strict = false, json = false }: RunOptions,
): Promise<Receipt[]> {
  const { connector } = loaded;
  const many = streams.length === 1 ? '1 stream' : `${streams.length} streams`;
  process.stderr.write(`${connector.name}: ${many}, on a stack of this machine\n`);
  const stage = stageOf(strict);
  const outdir = join(scratch, 'assembly');
  buildApp({ stages: [stage], connectors: [loaded], outdir, validate: false }).synth();

  const progress = showProgress(process.stderr, streams);
  const closings = awaitClosings(streams);
  const folder = state === undefined ? join(scratch, 'state') : resolve(state);
  const stack = await startEmbedded({
    assembly: outdir,
    state: folder,
    secrets: secret === undefined ? {} : { [`${secretsPrefix(stage, connector)}/${CONNECTION}`]: secret },
    onLog: ({ json }) => progress.take(json),
    onEvent: ({ detail }) => closings.take(detail),
  });
  const interrupted = onInterrupt(state);
  try {
    const stores = openStores(stack, connector);
    const { connections, objects } = stores;
    await connections.upsert(
      { pk: connector.name, sk: CONNECTION },
      { set: { params: JSON.stringify(params), status: 'active' } },
    );
    const noted = await noteRun(folder, { connector: connector.name, streams, params });
    for (const closed of await startSyncs(stack, connector, stores, streams, noted.at)) closings.take(closed);
    const receipts = streams.map(async (stream) => {
      const { receipt: key, manifest } = await Promise.race([closings.of(stream), interrupted.happened]);
      await deliver(objects, key, manifest, resolve(out));
      const receipt = await readReceipt(objects, key);
      progress.closed(stream);
      process.stdout.write(json ? `${JSON.stringify(receipt)}\n` : describeReceipt(receipt, out));
      return receipt;
    });
    const all = await Promise.all(receipts);
    await noted.finish();
    return all;
  } finally {
    interrupted.forget();
    progress.end();
    await stack.stop();
  }
}

/** What the event of a closed sync says that is needed here. */
const announcement = z.object({ stream: z.string(), receipt: z.string(), manifest: z.string() });
type Announcement = z.output<typeof announcement>;

/** The first closed sync of each stream, as events announce it. */
function awaitClosings(streams: readonly string[]) {
  const closings = new Map(streams.map((stream) => [stream, Promise.withResolvers<Announcement>()]));
  return {
    take(detail: unknown): void {
      const read = announcement.safeParse(detail);
      if (read.success) closings.get(read.data.stream)?.resolve(read.data);
    },
    of: (stream: string): Promise<Announcement> =>
      closings.get(stream)?.promise ?? Promise.reject(new Error(`Nobody waits for "${stream}".`)),
  };
}

type Stores = { readonly syncs: Table; readonly connections: Table; readonly objects: Objects };

/** The stack's tables and its bucket, as its functions see them. */
function openStores({ endpoint, environment }: Embedded, { name }: Connector): Stores {
  const variables = environmentSchema.parse(environment('work', name));
  const client = { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  const documents = DynamoDBDocumentClient.from(new DynamoDBClient(client));
  return {
    syncs: dynamoTable(documents, variables.SYNCS_TABLE),
    connections: dynamoTable(documents, variables.CONNECTIONS_TABLE),
    objects: s3Objects(new S3Client({ ...client, forcePathStyle: true }), variables.BUCKET),
  };
}

/**
 * Starts a sync of each stream, as its schedule would. What a killed run left behind goes on: nobody works on it yet, so housekeeping
 * takes it up at once. Gives the announcements of the syncs that this run had closed before it was killed.
 */
async function startSyncs(
  stack: Embedded,
  { name }: Connector,
  { syncs, objects }: Stores,
  streams: readonly string[],
  at: string,
): Promise<Announcement[]> {
  await stack.invoke('housekeeping', name, { idleSeconds: 0 });
  const closed: Announcement[] = [];
  for (const stream of streams) {
    const ref = { connection: CONNECTION, stream, sync: syncId(at) };
    const item = await syncs.get(syncKey(name, ref));
    if (item !== undefined && syncState.parse(item).status === 'closed') {
      const { manifest, receipt } = receiptKeys(name, ref, 1);
      if ((await objects.get(receipt)) !== undefined) closed.push({ stream, manifest, receipt });
      continue;
    }
    const schedule = stack.schedules.find(({ input }) => input === tick(stream));
    if (schedule === undefined) throw new Error(`The template has no schedule for "${stream}".`);
    await stack.fire(schedule.id, new Date(at));
  }
  return closed;
}

async function readReceipt(objects: Objects, key: string): Promise<Receipt> {
  return receiptSchema.parse(JSON.parse(new TextDecoder().decode(await objects.get(key))));
}

/** Ends the run on Ctrl-C, keeping what is done. */
function onInterrupt(state: string | undefined) {
  const { promise, reject } = Promise.withResolvers<never>();
  const keep = state === undefined ? 'Give --state to be able to go on.' : 'Run the same command again to go on.';
  const interrupt = (): void => reject(new UsageError(`Interrupted. ${keep}`));
  promise.catch(() => {});
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  return { happened: promise, forget: () => process.off('SIGINT', interrupt).off('SIGTERM', interrupt) };
}
