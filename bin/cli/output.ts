import { explainError, UsageError } from './errors.ts';

/** One column of a table for people. `of`: its text in a row. */
export type Column<T> = { readonly title: string; readonly of: (row: T) => string; readonly right?: boolean };

/**
 * Writes rows to stdout: for people a table, or the sentence `none` if there is no row; for machines (`--json`) one JSON line for each
 * row, with everything in it.
 */
export function showRows<T extends object>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  { json = false }: { readonly json?: boolean | undefined },
  none: string,
): void {
  if (json) for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
  else process.stdout.write(rows.length === 0 ? `${none}\n` : textTable(rows, columns));
}

/** Rows below the titles of their columns. */
export function textTable<T>(rows: readonly T[], columns: readonly Column<T>[]): string {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => columns.map(({ of }) => of(row)))];
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => (row[index] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, index) =>
        columns[index]?.right ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return `${cells.map(line).join('\n')}\n`;
}

/**
 * Whoever reads our output may leave (`| head -1`): what is left to be said is not said, what is left to be done is done. Output that
 * cannot be written for another reason, such as a full disk, ends the process.
 */
export function ignoreBrokenPipe(...outputs: readonly NodeJS.WriteStream[]): void {
  for (const output of outputs)
    output.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') return;
      const explained = explainError(error);
      if (!(explained instanceof UsageError)) throw error;
      if (output !== process.stderr) process.stderr.write(`${explained.message}\n`);
      process.exit(1);
    });
}
