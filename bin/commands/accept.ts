import type { Command } from 'commander';
import { LONGEST_SENTENCE } from '../../lib/core/bounds.ts';
import { forSync } from '../../lib/pipeline/invocation.ts';
import { acceptSync } from '../../lib/pipeline/sync/accept.ts';
import { readStream } from '../../lib/pipeline/sync/start-sync.ts';
import { UsageError } from '../cli/errors.ts';
import { type OperatorOptions, operatorCommand } from '../cli/options.ts';
import { latestReceipt } from '../cli/read-receipt.ts';
import { describeReceipt } from '../cli/show-receipt.ts';
import { withStack } from '../cli/stack.ts';

type Options = OperatorOptions & { readonly connection: string; readonly sync?: string; readonly reason: string };

/** `headgate accept`: a person is content with what a sync lacks, and the stream goes on from there. */
export function accept(program: Command): void {
  operatorCommand(
    program,
    'accept',
    'Accept what the last sync of a stream lacks: its watermark moves, its receipt says who was content with what.',
  )
    .argument('<connector>')
    .argument('<stream>')
    .requiredOption('--reason <text>', 'why it will never come, or why nothing is missing; it is kept in the receipt')
    .option('--connection <name>', 'of this connection', 'main')
    .option('--sync <id>', 'this sync, if not the last one')
    .action((name: string, stream: string, { connection, sync, reason, ...options }: Options) =>
      withStack(options, async (stack) => {
        if (reason.length > LONGEST_SENTENCE)
          throw new UsageError(
            `--reason must have at most ${LONGEST_SENTENCE} characters (got ${reason.length}): say it shorter.`,
          );
        const operated = await stack.connector(name);
        if (!Object.hasOwn(operated.connector.streams, stream))
          throw new UsageError(
            `"${name}" has no stream "${stream}". There are: ${Object.keys(operated.connector.streams).join(', ')}.`,
          );
        const last = (await readStream(forSync(operated, { connection, stream, sync: '' }))).lastClosed;
        const chosen = sync ?? last;
        if (chosen === undefined) throw new UsageError(`No sync of ${name}/${connection} ${stream} is closed.`);
        const ref = { connection, stream, sync: chosen };
        if ((await latestReceipt(operated, ref))?.verdict === 'COMPLETE')
          throw new UsageError(`Nothing is accepted: the sync ${chosen} is COMPLETE and lacks nothing.`);
        const problem = await acceptSync(forSync(operated, ref), reason);
        if (problem !== undefined) throw new UsageError(`Nothing is accepted: ${problem}.`);
        const receipt = await latestReceipt(operated, ref);
        if (receipt === undefined) throw new UsageError(`The sync ${chosen} is no longer kept.`);
        process.stdout.write(
          options.json === true
            ? `${JSON.stringify(receipt)}\n`
            : describeReceipt(receipt, stack.resultsOf(operated), stack.option),
        );
      }),
    );
}
