import type { Command } from 'commander';

/** What every operator's command is told. */
export type OperatorOptions = {
  readonly stage?: string;
  readonly state?: string;
  readonly secrets?: string;
  readonly json?: boolean;
};

/** Adds a command that works on a stack: a deployed one (`--stage`), or one of this machine (`--state`). */
export const operatorCommand = (parent: Command, name: string, description: string): Command =>
  parent
    .command(name)
    .description(description)
    .option('--stage <name>', 'the deployed stack of this stage; account and region as the AWS tools find them')
    .option('--state <folder>', 'the stack of this machine whose state lies here')
    .option('--json', 'for machines: one JSON line for each row');
