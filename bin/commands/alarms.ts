import { CloudWatchClient, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import type { Command } from 'commander';
import { UsageError } from '../cli/errors.ts';
import { type OperatorOptions, operatorCommand } from '../cli/options.ts';
import { type Column, showRows } from '../cli/output.ts';
import { type OperatedStack, withStack } from '../cli/stack.ts';

/** `headgate alarms`: what has gone off, what it means, and where it says what to do. */
export function alarms(program: Command): void {
  operatorCommand(program, 'alarms', 'What has gone off, what it means, and which page says what to do.')
    .option('--all', 'those that have not gone off, too')
    .action((options: OperatorOptions & { readonly all?: boolean }) =>
      withStack(options, async (stack) => {
        if (stack.local)
          throw new UsageError(
            `Alarms watch deployed stacks. What is wrong with this one, says: npx headgate doctor ${stack.option}`,
          );
        const found = await readAlarms(stack);
        const shown = options.all ? found : found.filter(({ state }) => state === 'ALARM');
        showRows(shown, COLUMNS, options, `None of ${found.length} alarms has gone off.`);
      }),
    );
}

export type AlarmRow = {
  readonly alarm: string;
  readonly state: string;
  readonly says: string;
  readonly reason: string;
  readonly since: string | null;
};

const COLUMNS: readonly Column<AlarmRow>[] = [
  { title: 'STATE', of: ({ state }) => state },
  { title: 'ALARM', of: ({ alarm }) => alarm },
  { title: 'SAYS', of: ({ says }) => says },
];

/** The alarms of a stage, those that have gone off first. */
export async function readAlarms({ aws, stage }: OperatedStack): Promise<AlarmRow[]> {
  const found: AlarmRow[] = [];
  const pages = paginateDescribeAlarms(
    { client: new CloudWatchClient(aws) },
    { AlarmNamePrefix: `headgate-${stage}-` },
  );
  for await (const { MetricAlarms = [] } of pages) {
    for (const each of MetricAlarms) {
      found.push({
        alarm: each.AlarmName ?? '',
        state: each.StateValue ?? 'INSUFFICIENT_DATA',
        says: each.AlarmDescription ?? '',
        reason: each.StateReason ?? '',
        since: each.StateUpdatedTimestamp?.toISOString() ?? null,
      });
    }
  }
  return found.sort((a, b) => rank(a) - rank(b) || (a.alarm < b.alarm ? -1 : 1));
}

const rank = ({ state }: AlarmRow): number => (state === 'ALARM' ? 0 : 1);
