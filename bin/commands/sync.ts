import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Raw } from '../../lib/core/connector/connector.ts';
import { dateMark } from '../../lib/core/connector/since.ts';
import { parseInstant } from '../../lib/core/dates.ts';
import { TASK_VERSION } from '../../lib/core/tasks.ts';
import { SECOND } from '../../lib/core/time.ts';
import type { Receipt } from '../../lib/core/verdict/receipt.ts';
import { forSync } from '../../lib/pipeline/invocation.ts';
import { readStream, syncId } from '../../lib/pipeline/sync/start-sync.ts';
import { requireActive } from '../cli/connection.ts';
import type { OperatedConnector } from '../cli/deployed-connector.ts';
import { UsageError } from '../cli/errors.ts';
import { chooseStreams, type OperatorOptions, operatorCommand } from '../cli/options.ts';
import { showProgress, watchedStreams } from '../cli/progress.ts';
import { latestReceipt } from '../cli/read-receipt.ts';
import { describeReceipt } from '../cli/show-receipt.ts';
import { type OperatedStack, withStack } from '../cli/stack.ts';

type Options = OperatorOptions & {
  readonly stream?: readonly string[];
  readonly full?: boolean;
  readonly from?: string;
  readonly wait?: boolean;
};

/** `headgate sync`: a sync of a connection, now. */
export function sync(program: Command): void {
  operatorCommand(program, 'sync', 'Start a sync of a connection now, without waiting for its schedule.')
    .argument('<connector>')
    .argument('<connection>')
    .option('--stream <name>', 'only this stream (may be repeated)', (value, before: string[] = []) => [
      ...before,
      value,
    ])
    .option('--full', 'everything, not only what changed since the last sync')
    .option('--from <date>', 'what changed since this date, ISO 8601')
    .option('--wait', 'until it has ended, and show its receipt; on a stack of this machine always')
    .option('--secrets <file>', 'the secret, on a stack of this machine; otherwise HEADGATE_SECRET')
    .addHelpText('after', '\nExit code, with --wait: 0 all COMPLETE, 2 some INCOMPLETE or UNKNOWN; 1 could not start.')
    .action((name: string, connection: string, options: Options) =>
      withStack(options, async (stack) => {
        const connector = await stack.connector(name);
        const streams = chooseStreams(connector.connector, options.stream);
        const asked = askedFor(connector, streams, options);
        const params = await requireActive(connector, connection);
        const at = new Date(connector.clock.now()).toISOString();
        const runs: { stream: string; sync: string; fresh: boolean }[] = [];
        for (const stream of streams) {
          const { current } = await readStream(forSync(connector, { connection, stream, sync: '' }));
          if (current !== undefined) process.stderr.write(`${stream}: a sync is running already (${current}).\n`);
          runs.push({ stream, sync: current ?? syncId(at), fresh: current === undefined });
        }
        const fresh = runs.filter(({ fresh }) => fresh);
        await connector.queue.send(
          fresh.map(({ stream }) => ({
            task: { v: TASK_VERSION, kind: 'start', connection, stream, at, ...asked },
            group: connection,
          })),
        );
        if (!options.wait && !stack.local) {
          for (const { stream, sync } of fresh) process.stderr.write(`${stream}: sync ${sync} is started.\n`);
          return;
        }
        const refs = runs.map(({ stream, sync }) => ({ connection, stream, sync }));
        const verdicts = await waitForAll(connector, refs, { stack, params, json: options.json ?? false });
        process.exitCode = verdicts.every((verdict) => verdict === 'COMPLETE') ? 0 : 2;
      }),
    );
}

/** What a sync is to ask for, other than what changed since the last one. */
function askedFor(
  { connector }: OperatedConnector,
  streams: readonly string[],
  { full, from }: Options,
): { readonly asked?: string } {
  if (full && from !== undefined)
    throw new UsageError('--full asks for everything, --from for less: give one of them.');
  if (full) return { asked: 'full' };
  if (from === undefined) return {};
  const since = parseInstant(from);
  if (since === undefined)
    throw new UsageError(`--from ${from} is no date. Write it like 2026-11-01 or 2026-11-01T12:00:00Z.`);
  const undated = streams.find((stream) => dateMark(connector.streams[stream]?.since) === undefined);
  if (undated !== undefined)
    throw new UsageError(
      connector.streams[undated]?.since === undefined
        ? `The stream "${undated}" declares no "since", so every sync of it is a full one: leave --from out.`
        : `The stream "${undated}" does not go by dates: leave --from out, or ask for everything by --full.`,
    );
  return { asked: new Date(since).toISOString() };
}

type SyncedStream = { readonly connection: string; readonly stream: string; readonly sync: string };

/** Waits until all syncs have ended, and shows each receipt when it is there; on a stack of this machine, how far they are meanwhile. */
async function waitForAll(
  connector: OperatedConnector,
  refs: readonly SyncedStream[],
  { stack, params, json }: { readonly stack: OperatedStack; readonly params: Raw; readonly json: boolean },
): Promise<Receipt['verdict'][]> {
  const streams = refs.map(({ stream }) => stream);
  const progress = stack.local
    ? showProgress(process.stderr, watchedStreams(connector.connector, params, streams))
    : undefined;
  if (progress !== undefined) stack.watch(progress.take);
  const ended = refs.map(async (ref) => {
    const receipt = await receiptOf(connector, ref);
    progress?.closed(ref.stream);
    process.stdout.write(
      json ? `${JSON.stringify(receipt)}\n` : describeReceipt(receipt, stack.resultsOf(connector), stack.option),
    );
    return receipt.verdict;
  });
  return Promise.all(ended).finally(() => progress?.end());
}

/** The receipt of a sync, once it has ended. */
async function receiptOf(connector: OperatedConnector, ref: SyncedStream): Promise<Receipt> {
  // Times are ids: a later one has been closed if ours was skipped.
  while (((await readStream(forSync(connector, ref))).lastClosed ?? '') < ref.sync) {
    await requireActive(connector, ref.connection);
    await setTimeout(SECOND / 4);
  }
  let receipt = await latestReceipt(connector, ref);
  // The stream is freed a moment before the receipt is there.
  for (let tries = 0; receipt === undefined && tries < 240; tries++) {
    await setTimeout(SECOND / 4);
    receipt = await latestReceipt(connector, ref);
  }
  if (receipt === undefined) throw new Error(`The sync ${ref.sync} of ${ref.stream} has ended without a receipt.`);
  return receipt;
}
