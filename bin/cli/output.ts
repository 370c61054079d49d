import wrapAnsi from 'wrap-ansi';
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

/** Columns of the screen; of a file or a pipe, what `COLUMNS` says, or 80. */
const screenWidth = (): number => process.stdout.columns ?? (Number(process.env.COLUMNS) || 80);
/** No column is made narrower than this. */
const NARROWEST = 10;
const GAP = 2;

/** Rows below the titles of their columns. What does not fit into so many columns of the screen is wrapped within its own. */
export function textTable<T>(rows: readonly T[], columns: readonly Column<T>[], width = screenWidth()): string {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => columns.map(({ of }) => of(row)))];
  const natural = columns.map((_, index) => Math.max(...cells.map((row) => (row[index] ?? '').length)));
  const widths = fitWidths(natural, width - GAP * (columns.length - 1));
  const aligned = (text: string, index: number): string =>
    columns[index]?.right ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0);
  const lines = (row: readonly string[]): string[] => {
    const wrapped = row.map((cell, index) => wrapAnsi(cell, widths[index] ?? 0, { hard: true }).split('\n'));
    const height = Math.max(...wrapped.map(({ length }) => length));
    return Array.from({ length: height }, (_, line) =>
      wrapped
        .map((parts, index) => aligned(parts[line] ?? '', index))
        .join(' '.repeat(GAP))
        .trimEnd(),
    );
  };
  return `${cells.flatMap(lines).join('\n')}\n`;
}

/** Takes from the widest until all fit, or none can be narrower. */
function fitWidths(natural: readonly number[], room: number): readonly number[] {
  const widest = Math.max(...natural);
  if (natural.reduce((sum, each) => sum + each, 0) <= room || widest <= NARROWEST) return natural;
  const at = natural.indexOf(widest);
  return fitWidths(natural.with(at, widest - 1), room);
}

/** On a terminal a sentence that is longer than a line goes on below its beginning, `indent` further in. Elsewhere it stays in one piece, to be searched. */
export function wrapOnTerminal(line: string, indent: number): string {
  const { isTTY, columns } = process.stdout;
  if (!isTTY) return line;
  const [start = ''] = /^ */.exec(line) ?? [];
  const below = start + ' '.repeat(indent);
  return wrapAnsi(line.slice(start.length), columns - below.length, { hard: true })
    .split('\n')
    .map((part, index) => (index === 0 ? start : below) + part)
    .join('\n');
}

/**
 * The reader of our output may leave (`| head -1`): what is left to be said is not said, what is left to be done is done. Output that
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
