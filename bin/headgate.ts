#!/usr/bin/env node
import { Command, Option } from 'commander';
import { VERSION } from '../lib/core/version.ts';
import { explainError, UsageError } from './cli/errors.ts';
import type { RunOptions } from './cli/options.ts';
import { ignoreBrokenPipe } from './cli/output.ts';
import { accept } from './commands/accept.ts';
import { alarms } from './commands/alarms.ts';
import { connect } from './commands/connect.ts';
import { connections } from './commands/connections.ts';
import { doctor } from './commands/doctor.ts';
import { failures } from './commands/failures.ts';
import { housekeep } from './commands/housekeep.ts';
import { newConnector } from './commands/new.ts';
import { pause } from './commands/pause.ts';
import { rehearse } from './commands/rehearse.ts';
import { run } from './commands/run.ts';
import { status } from './commands/status.ts';
import { sync } from './commands/sync.ts';

const program = new Command('headgate')
  .description('Pulls any REST API into your own AWS account, and proves that nothing is missing.')
  .version(VERSION)
  .showHelpAfterError('Run with --help to see how it is used.');

const several = (value: string, before: readonly string[] = []): string[] => [...before, value];

program
  .command('run')
  .description('Sync an API on this machine, on the very stack that would be deployed.')
  .argument('<connector>', 'the name of a connector, or the path of a connector file')
  .option('--stream <name>', 'only this stream (may be repeated)', several)
  .option('--param <name=value>', 'a parameter of the connection (may be repeated)', several)
  .option('--secrets <file>', 'JSON file with the secret; otherwise HEADGATE_SECRET, or a prompt')
  .addOption(new Option('--out <folder>', 'where records, manifests and receipts go').default('headgate-out'))
  .option('--state <folder>', 'keep watermarks and unfinished syncs here, so that the next run goes on from them')
  .option('--strict', 'fail a page at the first record that does not fit its schema')
  .option('--json', 'write only the receipts, one JSON line for each stream')
  .addHelpText('after', '\nExit code: 0 all COMPLETE, 2 some INCOMPLETE or UNKNOWN, 1 could not run.')
  .action(async (connector: string, options: RunOptions) => {
    process.exitCode = await run(connector, options);
  });

// What an operator types: each of these works on a deployed stack and on one of this machine.
const COMMANDS = [
  newConnector,
  rehearse,
  connections,
  connect,
  sync,
  status,
  failures,
  accept,
  pause,
  alarms,
  doctor,
  housekeep,
];
for (const register of COMMANDS) register(program);

ignoreBrokenPipe(process.stdout, process.stderr);
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = 1;
  const explained = explainError(error);
  if (!(explained instanceof UsageError)) throw explained;
  process.stderr.write(`${explained.message}\n`);
}
