import type { Command } from 'commander';
import { UsageError } from '../cli/errors.ts';
import { loadConnector } from '../cli/load-connector.ts';
import { chooseStreams } from '../cli/options.ts';
import { readGivenParameters } from '../cli/parameters.ts';
import { type Plan, planRehearsals } from '../cli/plan-rehearsals.ts';
import { inScratch } from '../cli/scratch.ts';
import { isWrong, rowOf, showRehearsals } from '../cli/show-rehearsals.ts';

type Options = {
  readonly stream?: readonly string[];
  readonly param?: readonly string[];
  readonly records: string;
  readonly only?: readonly string[];
  readonly json?: boolean;
};

const several = (value: string, before: readonly string[] = []): string[] => [...before, value];
const MOST_RECORDS = 1_000_000;

/** `headgate rehearse`: what a connector survives, before its first night. */
export function rehearse(program: Command): void {
  program
    .command('rehearse')
    .description(
      'Sync a connector from an API made out of its own declaration, honest first, then hostile in every way.',
    )
    .argument('<connector>', 'the name of a connector, or the path of a connector file')
    .option('--stream <name>', 'only this stream (may be repeated)', several)
    .option('--param <name=value>', 'a parameter of the connection (may be repeated); others are made up', several)
    .option('--records <number>', 'how many records the API has of each stream, up to 1,000,000', '45')
    .option('--only <words>', 'only what the API does in words that contain these (may be repeated)', several)
    .option('--json', 'for machines: one JSON line for each row')
    .addHelpText(
      'after',
      '\nExit code: 0 every receipt told the truth, and what should survive did; 2 otherwise; 1 could not run.',
    )
    .action(async (nameOrPath: string, options: Options) => {
      const loaded = await loadConnector(nameOrPath);
      const streams = chooseStreams(loaded.connector, options.stream);
      const records = readRecords(options.records);
      const params = readGivenParameters(loaded.connector, options.param ?? []);
      const plan = planRehearsals(loaded.connector, streams, {
        params,
        records,
        only: options.only ?? [],
        now: Date.now(),
      });
      process.stderr.write(introduction(loaded.connector.name, plan));
      await inScratch(async (scratch) => {
        // Loaded late: what can be refused is refused without waiting for CDK.
        const { rehearseAll } = await import('../cli/rehearse-all.ts');
        const rows = (await rehearseAll(loaded, plan, scratch, countDown(plan.rehearsals.length))).map(rowOf);
        showRehearsals(rows, options);
        process.exitCode = rows.some(isWrong) ? 2 : 0;
      });
    });
}

function readRecords(text: string): number {
  const records = Number(text);
  if (Number.isInteger(records) && records >= 1 && records <= MOST_RECORDS) return records;
  throw new UsageError(`--records ${text} is no whole number from 1 to 1000000.`);
}

const format = new Intl.NumberFormat('en');

/** What is different from a night's work, so that it is not taken for one. */
function introduction(name: string, { rehearsals, records, scale, unspoken }: Plan): string {
  const pages = `The API has ${format.format(records)} records of each stream, on pages of at most ${format.format(scale.size ?? records)}`;
  return [
    `${name}: ${rehearsals.length} ${rehearsals.length === 1 ? 'rehearsal' : 'rehearsals'}, on a stack of this machine.`,
    `${pages}; each limit is 1,000 requests a second.`,
    ...unspoken.map((rule) => `No answer is found by which ${rule} would hold: it is not rehearsed.`),
    '',
  ].join('\n');
}

/** On a terminal, how many have ended. */
function countDown(all: number): (ended: number) => void {
  const { stderr } = process;
  if (!stderr.isTTY) return () => {};
  return (ended) => stderr.write(ended === all ? '\r\u001b[K' : `\r\u001b[K${ended} of ${all}`);
}
