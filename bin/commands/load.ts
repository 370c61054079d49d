import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { bucketSource, folderSource } from '../../lib/read/read.ts';
import { UsageError } from '../cli/errors.ts';
import { loadConnector } from '../cli/load-connector.ts';
import { loadTables, type TableLoad, type TableOptions } from '../cli/load-tables.ts';
import { chooseStreams } from '../cli/options.ts';
import { withStack } from '../cli/stack.ts';
import { tableOptions } from '../cli/table-options.ts';

type Options = TableOptions & {
  readonly stream?: readonly string[];
  readonly out?: string;
  readonly state?: string;
  readonly stage?: string;
};

/** `headgate load`: what the receipts say, as tables of a database. */
export function load(program: Command): void {
  tableOptions(program.command('load'), { required: true })
    .description('Load what was delivered into the tables of a database, each receipt exactly once.')
    .argument('<connector>', 'the name of a connector, or the path of a connector file')
    .option('--stream <name>', 'only this stream (may be repeated)', several)
    .option('--out <folder>', 'from the folder that "headgate run --out" wrote (default: headgate-out)')
    .option('--state <folder>', 'from the state folder of a stack of this machine')
    .option('--stage <name>', 'from the bucket of a deployed stage')
    .option('--json', 'for machines: one JSON line for each receipt')
    .addHelpText('after', '\nExit code: 0 all loaded, 2 a receipt is held back, 1 could not load.')
    .action(async (nameOrPath: string, options: Options) => {
      const { connector } = await loadConnector(nameOrPath);
      const streams = chooseStreams(connector, options.stream);
      const held = await withSource(options, connector.name, (source) =>
        loadTables({ connector, streams, source }, options, process.stdout),
      );
      process.exitCode = held > 0 ? 2 : 0;
    });
}

const several = (value: string, before: readonly string[] = []): string[] => [...before, value];

async function withSource<T>(
  { out, state, stage }: Options,
  connector: string,
  work: (source: TableLoad['source']) => Promise<T>,
): Promise<T> {
  if ([out, state, stage].filter((each) => each !== undefined).length > 1)
    throw new UsageError('Records must come from one place: give one of --out, --state and --stage.');
  if (stage !== undefined) {
    // Loaded late: who reads a folder needs no SDK.
    const { s3Client } = await import('../../lib/aws/open-ports.ts');
    return withStack({ stage }, async (stack) =>
      work(bucketSource((await stack.connector(connector)).settings.BUCKET, s3Client())),
    );
  }
  const folder = state === undefined ? (out ?? 'headgate-out') : join(state, 'objects');
  if (!existsSync(folder))
    throw new UsageError(`There is no folder "${folder}". Make it with: headgate run ${connector} --out ${folder}`);
  return work(folderSource(folder));
}
