import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { type LoadedConnector, loadConnector } from '../cli/load-connector.ts';
import type { RunOptions } from '../cli/options.ts';
import { chooseStreams, requireWritable, requireWritableFile } from '../cli/options.ts';
import { readParameters } from '../cli/parameters.ts';
import { inScratch } from '../cli/scratch.ts';
import { readSecret } from '../cli/secret.ts';
import { simulateReserved } from '../cli/simulated.ts';
import { tableOptions } from '../cli/table-options.ts';
import { readWait } from '../cli/wait-limit.ts';

const several = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** `headgate run`: one sync of each stream, on this machine. */
export function run(program: Command): void {
  tableOptions(program.command('run'), { required: false })
    .description('Sync an API on this machine, on the very stack that would be deployed.')
    .argument('<connector>', 'the name of a connector, or the path of a connector file')
    .option('--stream <name>', 'only this stream (may be repeated)', several)
    .option('--param <name=value>', 'a parameter of the connection (may be repeated)', several)
    .option('--secrets <file>', 'JSON file with the secret; otherwise HEADGATE_SECRET, or a prompt')
    .addOption(new Option('--out <folder>', 'where records, manifests and receipts go').default('headgate-out'))
    .option('--state <folder>', 'keep watermarks and unfinished syncs here, so that the next run goes on from them')
    .addOption(
      new Option(
        '--max-wait <time>',
        'end the run, with exit code 2, where it waits for longer: 90s, 5m, 2h',
      ).argParser(readWait),
    )
    .option('--strict', 'fail a page at the first record that does not fit its schema')
    .option('--json', 'write only the receipts, one JSON line for each stream')
    .option('--report <file>', 'write a page about the run: verdicts, requests against the limit, latency')
    .option('--log', "write the functions' log to stderr in place of progress, one JSON line for each event")
    .addHelpText('after', '\nExit code: 0 all COMPLETE, 2 some INCOMPLETE or UNKNOWN, 1 could not run.')
    .action(async (connector: string, options: RunOptions) => {
      process.exitCode = await runConnector(connector, options);
    });
}

/**
 * One sync of each stream on the embedded stack: the real templates, the real bundles. Gives the exit code: 0 if every receipt says
 * COMPLETE, else 2. Throws a {@link UsageError} before anything is started.
 */
async function runConnector(nameOrPath: string, options: RunOptions): Promise<0 | 2> {
  const loaded = await loadConnector(nameOrPath);
  const streams = chooseStreams(loaded.connector, options.stream);
  const given = options.param ?? [];
  const simulated = await simulateReserved(loaded.connector, nameOrPath, given);
  const simulation = simulated?.simulation;
  try {
    const params = readParameters(loaded.connector, [...given, ...(simulation ? [`url=${simulation.url}`] : [])]);
    const secret = simulation ? JSON.stringify(simulation.secret) : await readSecret(loaded.connector, options.secrets);
    if (options.report !== undefined) requireWritableFile(options.report, options.out);
    requireWritable(options.out);
    // A database that cannot be opened is told before anything is fetched.
    if (options.to !== undefined) await requireWarehouse(options.to, options.schema);
    return await inScratch(async (scratch) => {
      // Loaded late: what can be refused is refused without waiting for CDK.
      const { syncAll } = await import('../cli/sync-all.ts');
      const receipts = await syncAll({ loaded, streams, params, secret, scratch, simulated: simulated?.of }, options);
      const held = options.to === undefined ? 0 : await loadRun(loaded, streams, { ...options, to: options.to });
      return held === 0 && receipts.every(({ verdict }) => verdict === 'COMPLETE') ? 0 : 2;
    });
  } finally {
    await simulation?.stop();
  }
}

/** Drivers of databases are loaded only where tables are asked for. */
async function requireWarehouse(to: string, schema: string | undefined): Promise<void> {
  const { openWarehouse } = await import('../cli/open-warehouse.ts');
  await (await openWarehouse(to, schema)).close();
}

/** Loads what lies in the folder of results; what earlier runs left there, too. Only receipts go to stdout where a machine reads it. */
async function loadRun(
  { connector }: LoadedConnector,
  streams: readonly string[],
  options: RunOptions & { readonly to: string },
): Promise<number> {
  const [{ loadTables }, { folderSource }, { showQuery }] = await Promise.all([
    import('../cli/load-tables.ts'),
    import('../../lib/read/read.ts'),
    import('../cli/show-query.ts'),
  ]);
  const load = { connector, streams, source: folderSource(resolve(options.out)) };
  const output = options.json === true ? process.stderr : process.stdout;
  const showsPractice = connector.name === 'practice' && streams.includes('orders');
  return loadTables(load, options, output, async (warehouse) => {
    if (showsPractice) output.write(await showQuery(warehouse, PRACTICE_QUERY));
  });
}

const PRACTICE_QUERY = 'SELECT status, count(*) AS orders FROM practice_orders GROUP BY status ORDER BY status';
