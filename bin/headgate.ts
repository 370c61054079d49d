#!/usr/bin/env node
import { Command } from 'commander';
import { VERSION } from '../lib/core/version.ts';
import { ignoreBrokenPipe } from './cli/output.ts';
import { commands } from './commands/registry.ts';

const program = new Command('headgate')
  .description('Pulls any REST API into your own AWS account, and proves that nothing is missing.')
  .version(VERSION)
  .showHelpAfterError('Run with --help to see how it is used.');

ignoreBrokenPipe(process.stdout, process.stderr);
try {
  // Only the command that is meant is loaded: of the others the name is enough.
  const meant = commands.find(({ name }) => name === process.argv[2]);
  for (const { name, says, hidden = false } of commands)
    if (name !== meant?.name) program.command(name, { hidden }).description(says);
  (await meant?.load())?.(program);
  await program.parseAsync();
} catch (error) {
  process.exitCode = 1;
  const { explainError, UsageError } = await import('./cli/errors.ts');
  const explained = explainError(error);
  if (!(explained instanceof UsageError)) throw explained;
  if (explained.name === 'UnfinishedRun') process.exitCode = 2;
  process.stderr.write(`${explained.message}\n`);
}
