import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Connector } from '../../lib/core/connector/connector.ts';
import { UsageError } from './errors.ts';
import type { TableOptions } from './load-tables.ts';

/** The options of `headgate run`, as the command line gives them. */
export type RunOptions = Partial<TableOptions> & {
  readonly stream?: readonly string[];
  readonly param?: readonly string[];
  readonly secrets?: string;
  readonly out: string;
  readonly state?: string;
  readonly strict?: boolean;
  readonly json?: boolean;
  readonly log?: boolean;
  readonly report?: string;
  /** Milliseconds. */
  readonly maxWait?: number;
};

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

/** The streams that were asked for, or all of them. Throws a {@link UsageError} for one that the connector does not have. */
export function chooseStreams(connector: Connector, chosen: readonly string[] = []): string[] {
  const known = Object.keys(connector.streams);
  const unknown = chosen.find((stream) => !known.includes(stream));
  if (unknown !== undefined) {
    throw new UsageError(`The connector "${connector.name}" has no stream "${unknown}". It has: ${known.join(', ')}.`);
  }
  return chosen.length === 0 ? known : [...new Set(chosen)];
}

/** Makes a folder, so that what could not be written there in the end is refused before anything is begun. Throws the system's error. */
export function requireWritable(folder: string): void {
  mkdirSync(folder, { recursive: true });
  accessSync(folder, constants.W_OK | constants.X_OK);
}

/** Refuses a file that could not be written in the end, for the same reason. Makes nothing: `out` is a folder that is made anyway. Throws a {@link UsageError}, or the system's error. */
export function requireWritableFile(file: string, out: string): void {
  if (existsSync(file)) {
    closeSync(openSync(file, 'r+'));
    return;
  }
  const folder = dirname(resolve(file));
  if (folder === resolve(out)) return;
  if (!existsSync(folder)) throw new UsageError(`The folder of "${file}" is not there. Make it, or give another path.`);
  accessSync(folder, constants.W_OK | constants.X_OK);
}
