import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import type { Connector, Raw } from '../../lib/core/connector/connector.ts';
import { runEvent } from '../../lib/core/run-events.ts';
import { type Receipt, receiptSchema } from '../../lib/core/verdict/receipt.ts';
import { tick } from '../../lib/infra/tick.ts';
import type { Embedded } from '../../lib/local/embedded.ts';
import type { Objects } from '../../lib/pipeline/ports.ts';
import { syncKey } from '../../lib/pipeline/store/sync-keys.ts';
import { syncState } from '../../lib/pipeline/store/sync-state.ts';
import { receiptKeys } from '../../lib/pipeline/sync/close-sync.ts';
import { syncId } from '../../lib/pipeline/sync/start-sync.ts';
import { connectionKey, PAUSE_ATTRIBUTES, requireActive } from './connection.ts';
import { deliver } from './deliver.ts';
import { type OperatedConnector, openConnector } from './deployed-connector.ts';
import { awsOf, LOCAL, localSecret, startLocal } from './embedded-stack.ts';
import { UsageError } from './errors.ts';
import { watchInterrupt } from './interrupted.ts';
import type { LoadedConnector } from './load-connector.ts';
import type { RunOptions } from './options.ts';
import { logLines, showProgress, watchedStreams } from './progress.ts';
import { recordRun } from './run-record.ts';
import { describeReceipt } from './show-receipt.ts';
import { noteConnector } from './state-connectors.ts';
import { noteRun } from './unfinished-run.ts';
import { watchWait } from './wait-limit.ts';

/** The only connection of an embedded stack. */
const CONNECTION = 'main';

/** What is to be synced, and where files of the run may lie meanwhile. */
export type Order = {
  readonly loaded: LoadedConnector;
  readonly streams: readonly string[];
  readonly params: Raw;
  readonly secret: string | undefined;
  readonly scratch: string;
  /** In whose place the simulator answers. */
  readonly simulated: string | undefined;
};

/** Builds the stack, runs a sync of each stream on it, and hands out what they delivered. */
export async function syncAll(
  { loaded, streams, params, secret, scratch, simulated }: Order,
  { out, state, strict = false, json = false, log = false, report, maxWait }: RunOptions,
): Promise<Receipt[]> {
  const { connector } = loaded;
  if (!log) process.stderr.write(headingOf(connector, streams, simulated));
  const watched = watchedStreams(connector, params, streams);
  const progress = log ? logLines(process.stderr) : showProgress(process.stderr, watched);
  const record = recordRun();
  const closings = awaitClosings(streams);
  const paused = awaitPause(connector);
  const folder = state === undefined ? join(scratch, 'state') : resolve(state);
  const keep = state === undefined ? 'Give --state to be able to go on.' : 'Run the same command again to go on.';
  const interrupted = watchInterrupt(`Interrupted. ${keep}`);
  const waits = watchWait(maxWait, keep);
  const fresh = !existsSync(folder);
  let stack: Embedded | undefined;
  try {
    stack = await startLocal({
      connectors: [loaded],
      folder,
      scratch,
      strict,
      variables: {
        ...(simulated !== undefined && { SIMULATED: simulated }),
        // Each request is logged for the report alone.
        ...(report !== undefined && { POWERTOOLS_LOG_LEVEL: 'DEBUG' }),
      },
      secrets: secret === undefined ? {} : { [localSecret(connector, CONNECTION)]: secret },
      onLog: ({ json }) => {
        progress.take(json);
        if (report !== undefined) record.take(json);
        paused.take(json);
        waits.take(json);
      },
      onEvent: ({ detail }) => closings.take(detail),
    });
    const { broken } = stack;
    interrupted.check();
    await noteConnector(folder, loaded);
    const stores = await openConnector(awsOf(stack), LOCAL, connector);
    const { connections, objects } = stores;
    await refusePaused(stores);
    await connections.upsert(
      { pk: connector.name, sk: CONNECTION },
      { set: { params: JSON.stringify(params), status: 'active' }, remove: PAUSE_ATTRIBUTES },
    );
    const noted = await noteRun(folder, { connector: connector.name, streams, params });
    // What a killed run left goes on: nothing works on it yet, so housekeeping takes it up at once.
    if (!fresh) await stores.housekeep({ idleSeconds: 0 });
    for (const closed of await startSyncs(stack, connector, stores, streams, noted.at)) closings.take(closed);
    waits.heard();
    const close = async (stream: string) => {
      for (;;) {
        const { receipt: key, manifest } = await Promise.race([
          closings.next(stream),
          interrupted.happened,
          paused.happened,
          broken,
          waits.happened,
        ]);
        waits.heard();
        const receipt = await readReceipt(objects, key);
        // Of what an earlier run began, by another declaration or for another account, nothing is delivered: another sync has begun.
        if (!receipt.reasons.some(({ code }) => code === 'superseded')) return { key, manifest, receipt };
      }
    };
    const receipts = streams.map(async (stream) => {
      const { key, manifest, receipt } = await close(stream);
      await deliver(objects, key, manifest, resolve(out));
      progress.closed(stream);
      record.closed(receipt);
      process.stdout.write(
        json ? `${JSON.stringify(receipt)}\n` : describeReceipt(receipt, out, state && `--state ${state}`),
      );
      return receipt;
    });
    const all = await Promise.all(receipts);
    await noted.finish();
    return all;
  } catch (error) {
    await interrupted.explains();
    // What the disk refused is why whatever came of it failed.
    await Promise.race([stack?.broken, undefined]);
    throw error;
  } finally {
    interrupted.forget();
    waits.forget();
    progress.end();
    await stack?.stop();
    if (report !== undefined && stack !== undefined) {
      const { reportPage } = await import('./report-page.ts');
      const about = { connector: connector.name, ...watched, simulated, stack: state && `--state ${state}` };
      writeFileSync(report, reportPage({ ...about, record: record.end() }));
    }
  }
}

function headingOf({ name }: Connector, streams: readonly string[], simulated: string | undefined): string {
  const many = streams.length === 1 ? '1 stream' : `${streams.length} streams`;
  const whose = simulated === undefined ? '' : `; the simulator answers in the place of ${simulated}`;
  return `${name}: ${many}, on a stack of this machine${whose}\n`;
}

/** Who runs a connector anew has mended what it was paused for; but what a person paused, a person resumes. */
async function refusePaused(operated: OperatedConnector): Promise<void> {
  const item = await operated.connections.get(connectionKey(operated, CONNECTION));
  if (item?.pausedBy === 'operator') await requireActive(operated, CONNECTION);
}

/** What the event of a closed sync says that is needed here. */
const announcement = z.object({ stream: z.string(), receipt: z.string(), manifest: z.string() });
type Announcement = z.output<typeof announcement>;

type Closings = { readonly queue: Announcement[]; wake: () => void };
const newClosings = (): Closings => ({ queue: [], wake() {} });

/** The closed syncs of each stream, as events announce them. */
function awaitClosings(streams: readonly string[]) {
  const closed = new Map(streams.map((stream) => [stream, newClosings()]));
  return {
    take(detail: unknown): void {
      const read = announcement.safeParse(detail);
      const stream = read.success ? closed.get(read.data.stream) : undefined;
      if (!read.success || stream === undefined) return;
      stream.queue.push(read.data);
      stream.wake();
    },
    /** The next one that was not taken yet. */
    async next(name: string): Promise<Announcement> {
      const stream = closed.get(name);
      if (stream === undefined) throw new Error(`Nothing waits for "${name}".`);
      for (;;) {
        const first = stream.queue.shift();
        if (first !== undefined) return first;
        const { promise, resolve } = Promise.withResolvers<void>();
        stream.wake = resolve;
        await promise;
      }
    },
  };
}

/**
 * Starts a sync of each stream, as its schedule would. Gives the announcements of the syncs that this run had closed before it was
 * killed.
 */
async function startSyncs(
  stack: Embedded,
  { name }: Connector,
  { syncs, objects }: OperatedConnector,
  streams: readonly string[],
  at: string,
): Promise<Announcement[]> {
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

/** Ends the run when its connection is paused: here no one else will mend what is wrong. */
function awaitPause({ name }: Connector) {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  return {
    happened: promise,
    take(json: unknown): void {
      const { data } = runEvent.safeParse(json);
      if (data?.message === 'connection paused')
        reject(new UsageError(`The connector "${name}" cannot go on: ${data.reason}.`));
    },
  };
}
