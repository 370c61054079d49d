import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import * as z from 'zod';
import { UsageError } from '../cli/errors.ts';
import { loadConfig } from '../cli/load-config.ts';
import { packageRoot } from '../cli/package-root.ts';

/** `headgate app`: what cdk.json runs. It writes the templates of all stages to where the CDK's command line says. */
export function app(program: Command): void {
  program
    .command('app', { hidden: true })
    .description('The CDK application of the stages and connectors that headgate.config.ts names.')
    .action(async () => {
      const { buildApp } = await import('../../lib/infra/app.ts');
      buildApp(await loadConfig()).synth();
    });
}

/** `headgate deploy`: the CDK's own command for the stacks of a stage. */
export const deploy = (program: Command): void =>
  cdkCommand(program, 'deploy', 'Deploy the stacks of a stage, as headgate.config.ts says.');

export const diff = (program: Command): void =>
  cdkCommand(program, 'diff', 'Show what a deployment of a stage would change.');

export const destroy = (program: Command): void =>
  cdkCommand(program, 'destroy', 'Delete the stacks of a stage. What it retains stays.');

function cdkCommand(program: Command, name: string, description: string): void {
  program
    .command(name)
    .description(description)
    .argument('<stage>', 'a stage that headgate.config.ts names, or dev, or prod')
    .argument('[cdk...]', 'further options for the CDK, such as --require-approval never')
    .allowUnknownOption()
    .action(async (stage: string, rest: readonly string[]) => {
      const { stages } = await loadConfig();
      if (!stages.some((one) => one.name === stage))
        throw new UsageError(
          `The stage must be one of ${stages.map((one) => one.name).join(', ')} (got "${stage}"). Name it in headgate.config.ts.`,
        );
      const args = [cdkCli(), name, '--app', ownApp(), `headgate-${stage}-*`, ...rest];
      process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
    });
}

/** The same application, whatever cdk.json says. */
const ownApp = (): string =>
  [process.execPath, join(packageRoot(), 'bin/start.js')]
    .map((path) => JSON.stringify(path))
    .concat('app')
    .join(' ');

const cliSchema = z.object({ bin: z.object({ cdk: z.string() }) });

/** The CDK's command line as the project has it installed. */
function cdkCli(): string {
  try {
    const file = createRequire(resolve('package.json')).resolve('aws-cdk/package.json');
    return join(dirname(file), cliSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).bin.cdk);
  } catch {
    throw new UsageError("The CDK's command line must be installed here. Type: npm install -D aws-cdk@2");
  }
}
