import type { Command } from 'commander';
import { UsageError } from '../cli/errors.ts';
import { type OperatorOptions, operatorCommand } from '../cli/options.ts';
import { withStack } from '../cli/stack.ts';

/** `headgate housekeep`: housekeeping, now. */
export function housekeep(program: Command): void {
  operatorCommand(
    program,
    'housekeep',
    'Run housekeeping now: take up stalled syncs, measure how fresh the streams are.',
  )
    .argument('<connector>')
    .option(
      '--idle <seconds>',
      'take up syncs that are silent for so long; by default as long as the queue could explain',
      whole,
    )
    .action((name: string, options: OperatorOptions & { readonly idle?: number }) =>
      withStack(options, async (stack) => {
        const { housekeep: run } = await stack.connector(name);
        await run(options.idle === undefined ? {} : { idleSeconds: options.idle });
      }),
    );
}

function whole(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError(`--idle ${text} is no whole number of seconds.`);
}
