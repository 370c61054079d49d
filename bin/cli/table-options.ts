import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Receipt } from '../../lib/core/verdict/receipt.ts';

/** The options that say which tables records are loaded into. `required`: whether there must be some. */
export const tableOptions = (command: Command, { required }: { readonly required: boolean }): Command =>
  command
    .addOption(
      new Option('--to <database>', 'a DuckDB file, or a URL like postgres://user@host/database').makeOptionMandatory(
        required,
      ),
    )
    .option('--schema <name>', 'the schema of the tables (default: main in DuckDB, public in PostgreSQL)')
    .option(
      '--accept <verdict>',
      'load receipts of this verdict, too: unknown or incomplete (may be repeated)',
      verdicts,
    )
    .addOption(
      new Option('--deleted <way>', 'what becomes of rows that the API no longer has').choices(['remove', 'mark']),
    );

function verdicts(value: string, before: readonly Receipt['verdict'][] = []): Receipt['verdict'][] {
  const verdict = (['UNKNOWN', 'INCOMPLETE'] as const).find((each) => each === value.toUpperCase());
  if (verdict === undefined) throw new InvalidArgumentError('It must be unknown or incomplete.');
  return [...before, verdict];
}
