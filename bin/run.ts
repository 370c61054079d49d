import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
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
import type { Objects, Table } from '../lib/pipeline/ports.ts';
import { streamKey, streamState } from '../lib/pipeline/sync-state.ts';
import { simulate } from '../lib/simulator/simulate.ts';
import { deliver } from './deliver.ts';
import { type LoadedConnector, loadConnector } from './load-connector.ts';
import { readParameters } from './parameters.ts';
import { showProgress } from './progress.ts';
import { readSecret } from './secret.ts';
import { describeReceipt } from './show-receipt.ts';
import { UsageError } from './usage-error.ts';

export type RunOptions = {
  readonly stream?: readonly string[];
  readonly param?: readonly string[];
  readonly secrets?: string;
  readonly out: string;
  readonly state?: string;
  readonly strict?: boolean;
  readonly json?: boolean;
};

/** The only connection of an embedded stack. */
const CONNECTION = 'main';
/** Every record of the practice API is made on demand: this many of each stream. */
const PRACTICE_RECORDS = 10_000;

/**
 * One sync of each stream on the embedded stack: the real templates, the real bundles. Gives the exit code: 0 if every receipt says
 * COMPLETE, else 2. Throws a {@link UsageError} before anything is started.
 */
export async function run(nameOrPath: string, options: RunOptions): Promise<0 | 2> {
  const loaded = await loadConnector(nameOrPath);
  const streams = chooseStreams(loaded.connector, options.stream);
  const practice =
    nameOrPath === 'practice' && !options.param?.length
      ? await simulate(loaded.connector, { records: PRACTICE_RECORDS })
      : undefined;
  const params = readParameters(
    loaded.connector,
    practice === undefined ? (options.param ?? []) : [`url=${practice.url}`],
  );
  const secret = await readSecret(loaded.connector, options.secrets);

  const scratch = await mkdtemp(join(tmpdir(), 'headgate-'));
  try {
    const receipts = await syncAll(loaded, streams, params, secret, scratch, options);
    return receipts.every(({ verdict }) => verdict === 'COMPLETE') ? 0 : 2;
  } finally {
    await practice?.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function chooseStreams(connector: Connector, chosen: readonly string[] = []): string[] {
  const known = Object.keys(connector.streams);
  const unknown = chosen.find((stream) => !known.includes(stream));
  if (unknown !== undefined) {
    throw new UsageError(`The connector "${connector.name}" has no stream "${unknown}". It has: ${known.join(', ')}.`);
  }
  return chosen.length === 0 ? known : [...new Set(chosen)];
}

/** Builds the stack, runs a sync of each stream on it, and hands out what they delivered. */
async function syncAll(
  loaded: LoadedConnector,
  streams: readonly string[],
  params: object,
  secret: string | undefined,
  scratch: string,
  { out, state, strict = false, json = false }: RunOptions,
): Promise<Receipt[]> {
  const { connector } = loaded;
  const stage: Stage = { ...stages.dev, name: 'local', schemaMode: strict ? 'strict' : 'permissive' };
  const outdir = join(scratch, 'assembly');
  buildApp({ stages: [stage], connectors: [loaded], outdir, validate: false }).synth();

  const progress = showProgress(process.stderr, streams);
  const closings = awaitClosings(streams);
  const stack = await startEmbedded({
    assembly: outdir,
    state: state === undefined ? join(scratch, 'state') : resolve(state),
    secrets: secret === undefined ? {} : { [`${secretsPrefix(stage, connector)}/${CONNECTION}`]: secret },
    onLog: ({ json }) => progress.take(json),
    onEvent: ({ detail }) => closings.take(detail),
  });
  const interrupted = onInterrupt(state);
  try {
    const { syncs, connections, objects } = openStores(stack, connector);
    await connections.upsert(
      { pk: connector.name, sk: CONNECTION },
      { set: { params: JSON.stringify(params), status: 'active' } },
    );
    await startSyncs(stack, connector, syncs, streams);
    const receipts = streams.map(async (stream) => {
      const { receipt: key, manifest } = await Promise.race([closings.of(stream), interrupted.happened]);
      await deliver(objects, key, manifest, resolve(out));
      const receipt = await readReceipt(objects, key);
      progress.closed(stream);
      process.stdout.write(json ? `${JSON.stringify(receipt)}\n` : describeReceipt(receipt, out));
      return receipt;
    });
    return await Promise.all(receipts);
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
 * Starts a sync of each stream, as its schedule would; one that an earlier run left behind goes on instead. Nobody works on it
 * yet, so housekeeping takes it up at once.
 */
async function startSyncs(
  stack: Embedded,
  connector: Connector,
  syncs: Table,
  streams: readonly string[],
): Promise<void> {
  await stack.invoke('housekeeping', connector.name, { idleSeconds: 0 });
  const at = new Date();
  for (const stream of streams) {
    const item = await syncs.get(streamKey(connector.name, { connection: CONNECTION, stream }));
    const running = item !== undefined && streamState.parse(item).current !== undefined;
    const schedule = stack.schedules.find(({ input }) => input === tick(stream));
    if (schedule === undefined) throw new Error(`The template has no schedule for "${stream}".`);
    if (!running) await stack.fire(schedule.id, at);
  }
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
