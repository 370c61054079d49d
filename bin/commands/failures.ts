import { setTimeout as pause } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { pageNumber } from '../../lib/core/connector/paging.ts';
import { refOf, type SyncRef, TASK_VERSION, type Task, taskSchema } from '../../lib/core/tasks.ts';
import { forSync, streamOf } from '../../lib/pipeline/invocation.ts';
import { receiptKeys } from '../../lib/pipeline/sync/close-sync.ts';
import { closedSyncs, type FailedSync, failedSyncs, gotEverything } from '../../lib/pipeline/sync/failures.ts';
import { readStream, readSync } from '../../lib/pipeline/sync/start-sync.ts';
import { requireActive } from '../cli/connection.ts';
import { deliver } from '../cli/deliver.ts';
import type { OperatedConnector } from '../cli/deployed-connector.ts';
import { UsageError } from '../cli/errors.ts';
import { type OperatorOptions, operatorCommand, requireWritable } from '../cli/options.ts';
import { type Column, showRows } from '../cli/output.ts';
import { readReceipt } from '../cli/read-receipt.ts';
import { describeReceipt } from '../cli/show-receipt.ts';
import { type OperatedStack, withStack } from '../cli/stack.ts';

type Options = OperatorOptions & {
  readonly connection?: string;
  readonly stream?: string;
  readonly sync?: string;
  readonly page?: readonly number[];
};

/** `headgate failures`: pages that did not come, why, and to have them asked for again. */
export function failures(program: Command): void {
  const group = program
    .command('failures')
    .description('Pages that did not come: list, show, retry; records that did not fit: map.');

  chosen(
    operatorCommand(group, 'list', 'Every page that is missing and that no later sync brought, with its reason.'),
  ).action((connector: string | undefined, options: Options) =>
    withStack(options, async (stack) => {
      const rows: Row[] = [];
      for await (const found of standing(stack, connector, options)) rows.push(...rowsOf(found));
      showRows(rows, COLUMNS, options, 'Nothing is missing.');
      if (!options.json) await tellQuarantined(stack, connector, options);
    }),
  );

  chosen(operatorCommand(group, 'show', 'The same, each with the answer that came instead of the page.')).action(
    (connector: string | undefined, options: Options) =>
      withStack(options, async (stack) => {
        for await (const found of standing(stack, connector, options)) await show(found, options);
      }),
  );

  const retry = 'Ask again for what is missing, each sync in a new revision of its receipt.';
  waiting(chosen(operatorCommand(group, 'retry', retry)))
    .option('--secrets <file>', 'JSON file with the secret, on a stack of this machine; otherwise HEADGATE_SECRET')
    .option(
      '--page <number>',
      'only these pages, as "failures list" numbers them: 3 or 3,7 (may be repeated)',
      pageNumbers,
    )
    .action(asking('pages', standing));

  const map = 'Map quarantined records again, by the connector as it is now and without a request to the API.';
  waiting(chosen(operatorCommand(group, 'map', map))).action(asking('records', quarantined));
}

/** Asks again for something of each sync that is found. */
const asking =
  (what: 'pages' | 'records', found: typeof standing) =>
  (connector: string | undefined, options: Options & Waiting): Promise<void> =>
    withStack(options, async (stack) => {
      if (options.out !== undefined) requireWritable(options.out);
      const syncs = chosenPages(await Array.fromAsync(found(stack, connector, options)), options.page);
      process.exitCode = await askAgain(syncs, what, stack, connector, options);
    });

function pageNumbers(value: string, before: readonly number[] = []): number[] {
  const numbers = value.split(',').map((each) => (/^\d+$/.test(each.trim()) ? Number(each) : Number.NaN));
  if (numbers.some(Number.isNaN)) throw new InvalidArgumentError('It must be the number of a page, or several: 3,7.');
  return [...before, ...numbers];
}

/** The syncs in which one of these pages is missing, with those of its pages. Throws a {@link UsageError} for a page that is not missing. */
function chosenPages(found: readonly Found[], pages: readonly number[] | undefined): readonly Found[] {
  if (pages === undefined) return found;
  const numberOf = ({ operated, ref }: Found, page: number): number => {
    const paging = streamOf(operated, ref.stream)?.paging;
    return paging === undefined ? page : pageNumber(paging, page);
  };
  const missing = new Set(found.flatMap((each) => each.failed.map(({ page }) => numberOf(each, page))));
  const wrong = pages.find((page) => !missing.has(page));
  if (wrong !== undefined)
    throw new UsageError(
      `Page ${wrong} is not missing. ${missing.size === 0 ? 'None is.' : `These are: ${[...missing].slice(0, 20).join(', ')}.`}`,
    );
  return found.flatMap((each) => {
    const failed = each.failed.filter(({ page }) => pages.includes(numberOf(each, page)));
    return failed.length === 0 ? [] : [{ ...each, failed, pages: failed.map(({ page }) => page) }];
  });
}

const chosen = (command: Command): Command =>
  command
    .argument('[connector]', 'only those of this connector')
    .option('--connection <name>', 'only of this connection')
    .option('--stream <name>', 'only of this stream')
    .option('--sync <id>', 'only of this sync');

const waiting = (command: Command): Command =>
  command
    .option('--out <folder>', 'copy records, manifest and receipt of the new revision here')
    .option('--no-wait', 'do not wait for the new receipts')
    .addHelpText('after', '\nExit code: 0 all COMPLETE, 2 some INCOMPLETE or UNKNOWN, 1 could not ask.');

/** `pages`: what is asked for of it, where that is not everything. */
type Found = FailedSync & { readonly operated: OperatedConnector; readonly pages?: readonly number[] };

/** The syncs in which something is missing, of all that the command line names. */
async function* standing(stack: OperatedStack, only: string | undefined, options: Options): AsyncGenerator<Found> {
  for await (const { operated, place } of places(stack, only, options))
    for await (const found of failedSyncs(operated, place))
      if (options.sync === undefined || options.sync === found.ref.sync) yield { ...found, operated };
}

/** Those whose last receipt speaks of quarantined records. */
async function* quarantined(stack: OperatedStack, only: string | undefined, options: Options): AsyncGenerator<Found> {
  for await (const { operated, place } of places(stack, only, options)) {
    for await (const { ref, sync } of closedSyncs(operated, place)) {
      if (options.sync !== undefined && options.sync !== ref.sync) continue;
      const receipt = await readReceipt(operated, ref, sync.revision);
      if (receipt !== undefined && receipt.records.quarantined > 0) yield { ref, sync, failed: [], operated };
    }
  }
}

/** Records that do not fit are no missing pages, and are missing all the same. */
async function tellQuarantined(stack: OperatedStack, only: string | undefined, options: Options): Promise<void> {
  for await (const { operated, ref, sync } of quarantined(stack, only, options)) {
    const receipt = await readReceipt(operated, ref, sync.revision);
    const { name } = operated.connector;
    const count = receipt?.records.quarantined ?? 0;
    process.stdout.write(
      `${name}/${ref.connection} ${ref.stream}, sync ${ref.sync}: ${count} ${count === 1 ? 'record is' : 'records are'} quarantined. Repair the connector, then: npx headgate failures map ${name} --sync ${ref.sync} ${stack.option}\n`,
    );
  }
}

/** The streams of the connections that the command line names. Throws a {@link UsageError} if there are none: a name is misspelt. */
async function* places(stack: OperatedStack, only: string | undefined, options: Options) {
  let found = options.connection === undefined && options.stream === undefined && options.sync === undefined;
  for (const name of only === undefined ? await stack.deployed() : [only]) {
    const operated = await stack.connector(name);
    const { connector, connections } = operated;
    const streams = Object.keys(connector.streams);
    if (options.stream !== undefined && only !== undefined && !streams.includes(options.stream))
      throw new UsageError(`"${name}" has no stream "${options.stream}". There are: ${streams.join(', ')}.`);
    for await (const { sk: connection } of connections.query(connector.name, '')) {
      if (options.connection !== undefined && options.connection !== connection) continue;
      for (const stream of streams) {
        if (options.stream !== undefined && options.stream !== stream) continue;
        const place = { connection, stream };
        const { sync } = options;
        if (sync !== undefined && (await readSync(forSync(operated, { ...place, sync }))) === undefined) continue;
        found = true;
        yield { operated, place };
      }
    }
  }
  if (!found) throw new UsageError(`There is no ${described(options)}. See: npx headgate status ${stack.option}`);
}

const described = ({ sync, stream, connection }: Options): string =>
  [
    ...(sync === undefined ? [] : [`sync "${sync}"`]),
    ...(stream === undefined ? [] : [`stream "${stream}"`]),
    ...(connection === undefined ? [] : [`connection "${connection}"`]),
  ].join(' of the ');

type Row = SyncRef & {
  readonly connector: string;
  readonly page: number;
  readonly code: string;
  readonly message: string;
  readonly attempts: number;
  readonly at: string | null;
  readonly request: string | null;
  readonly response: string | null;
};

function rowsOf({ ref, failed, operated }: Found): Row[] {
  const paging = streamOf(operated, ref.stream)?.paging;
  return failed.map(({ page, code, message, attempts, at = null, request = null, response = null }) => ({
    connector: operated.connector.name,
    ...ref,
    page: paging === undefined ? page : pageNumber(paging, page),
    ...{ code, message, attempts, at, request, response },
  }));
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'CONNECTOR', of: ({ connector }) => connector },
  { title: 'CONNECTION', of: ({ connection }) => connection },
  { title: 'STREAM', of: ({ stream }) => stream },
  { title: 'SYNC', of: ({ sync }) => sync },
  { title: 'PAGE', of: ({ page }) => String(page), right: true },
  { title: 'CODE', of: ({ code }) => code },
  { title: 'TRIED', of: ({ attempts }) => String(attempts), right: true },
  { title: 'REASON', of: ({ message }) => message },
];

async function show(found: Found, { json = false }: Options): Promise<void> {
  for (const row of rowsOf(found)) {
    const body = row.response === null ? undefined : await found.operated.objects.get(row.response);
    const answer = body === undefined ? null : new TextDecoder().decode(body);
    if (json) {
      process.stdout.write(`${JSON.stringify({ ...row, answer })}\n`);
      continue;
    }
    const { connector, connection, stream, sync, page, message, code, attempts, at } = row;
    const tried = attempts === 1 ? 'once' : `${attempts} times`;
    process.stdout.write(
      `${connector}/${connection} ${stream}, sync ${sync}, page ${page}: ${message} [${code}], tried ${tried}${at === null ? '' : `, at last ${at}`}\n`,
    );
    const text = answer ?? (row.response === null ? 'Nothing came.' : 'What came is no longer kept.');
    process.stdout.write(`${text.replace(/^/gm, '  ')}\n\n`);
  }
}

type Waiting = { readonly out?: string; readonly wait: boolean };

/** Has something done with syncs, each in a new phase, and shows what came of it. */
async function askAgain(
  found: readonly Found[],
  what: 'pages' | 'records',
  stack: OperatedStack,
  only: string | undefined,
  options: Options & Waiting,
): Promise<number> {
  if (found.length === 0)
    process.stderr.write(what === 'pages' ? 'Nothing is missing.\n' : 'Nothing is quarantined.\n');
  // First: what fails again leaves a new message there.
  if (what === 'pages')
    for (const name of only === undefined ? await stack.deployed() : [only])
      await tidy(
        await stack.connector(name),
        found.filter(({ operated }) => operated.connector.name === name),
      );
  for (const { operated, ref, sync, pages } of found) {
    const task: Task = {
      ...{ v: TASK_VERSION, kind: 'redrive', ...ref, phase: sync.phase, what },
      ...(pages === undefined ? {} : { pages: [...new Set(pages)] }),
    };
    await operated.queue.send([{ task, group: ref.connection }]);
  }
  // The workers of a stack of this machine end with the command.
  if (!options.wait && !stack.local) return 0;
  let code = 0;
  for (const each of found) if ((await outcome(each, what, stack, options)) !== 'COMPLETE') code = 2;
  return code;
}

/** How long the messages of others are hidden while the queue is looked through, in seconds. */
const HIDDEN = 30;

/** Takes out of the failures queue what is being asked for, and what a later sync brought: it needs no look any more. */
async function tidy(operated: OperatedConnector, asked: readonly Found[]): Promise<void> {
  const { failuresReader } = operated;
  const syncs = new Set(asked.map(({ ref }) => JSON.stringify(ref)));
  const others: string[] = [];
  for (let held = await failuresReader.receive(HIDDEN); held.length > 0; held = await failuresReader.receive(HIDDEN)) {
    for (const { receipt, body } of held) {
      const task = taskSchema.safeParse(JSON.parse(body)).data;
      const ref = task !== undefined && 'sync' in task ? refOf(task) : undefined;
      const settled =
        ref !== undefined && (syncs.has(JSON.stringify(ref)) || (await broughtLater(operated, ref)) !== undefined);
      if (settled) await failuresReader.remove(receipt);
      else others.push(receipt);
    }
  }
  for (const receipt of others) await failuresReader.giveBack(receipt);
}

/** The later sync that brought what this one lacks; `undefined`: none did, or this one is no longer kept. */
async function broughtLater(operated: OperatedConnector, ref: SyncRef): Promise<string | undefined> {
  const context = forSync(operated, ref);
  const sync = await readSync(context);
  return sync && gotEverything(await readStream(context), ref.sync, sync);
}

/** Milliseconds between two looks at a sync that is being read. */
const LOOK_EVERY = 300;

/** Waits until a sync is closed again, and shows its new receipt. */
async function outcome(
  { operated, ref, sync }: Found,
  what: 'pages' | 'records',
  stack: OperatedStack,
  { json = false, out }: Options & Waiting,
): Promise<string> {
  let now = await readSync(forSync(operated, ref));
  while (now !== undefined && !(now.phase > sync.phase && now.status === 'closed')) {
    const later = await broughtLater(operated, ref);
    if (what === 'pages' && later !== undefined && later !== ref.sync && now.status === 'closed') {
      process.stderr.write(`${ref.stream}: the sync ${later} got everything meanwhile.\n`);
      return 'COMPLETE';
    }
    await requireActive(operated, ref.connection);
    await pause(LOOK_EVERY);
    now = await readSync(forSync(operated, ref));
  }
  const receipt = now && (await readReceipt(operated, ref, now.revision));
  if (receipt === undefined) throw new UsageError(`The sync ${ref.sync} is no longer kept.`);
  const keys = receiptKeys(operated.connector.name, ref, receipt.revision);
  if (out !== undefined) await deliver(operated.objects, keys.receipt, keys.manifest, out);
  process.stdout.write(
    json ? `${JSON.stringify(receipt)}\n` : describeReceipt(receipt, out ?? stack.resultsOf(operated), stack.option),
  );
  return receipt.verdict;
}
