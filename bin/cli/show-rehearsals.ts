import type { Receipt } from '../../lib/core/verdict/receipt.ts';
import { assess, type Worth } from '../../lib/simulator/assess.ts';
import { type Column, showRows } from './output.ts';
import type { Outcome } from './rehearse-all.ts';

/** A rehearsal as it is told: one row of the table, one line of JSON. */
export type Row = {
  readonly stream: string;
  /** What the API does. */
  readonly api: string;
  /** `null`: there is no receipt. */
  readonly verdict: Receipt['verdict'] | null;
  readonly evidence: Receipt['evidence'];
  /** Codes of the receipt's reasons, or why there is none. */
  readonly reasons: readonly string[];
  /** Records that were there throughout, and those of them that came. */
  readonly there: number;
  readonly came: number;
  readonly worth: Worth | 'none';
  /** It should have got everything, by what is declared. */
  readonly failed: boolean;
  /** What to declare, so that more survives. */
  readonly mend: string | null;
};

export function rowOf(outcome: Outcome): Row {
  const { stream, what: api } = outcome.rehearsal;
  if ('none' in outcome) {
    const none = { verdict: null, evidence: null, there: 0, came: 0, mend: null };
    return { stream, api, ...none, reasons: [outcome.none], worth: 'none', failed: true };
  }
  const { receipt, truth, rehearsal } = outcome;
  const { verdict, evidence, reasons } = receipt;
  const { worth, failed, mend = null } = assess(receipt, truth, rehearsal);
  const codes = [...new Set(reasons.map(({ code }) => code))];
  return { stream, api, verdict, evidence, reasons: codes, there: truth.there, came: truth.came, worth, failed, mend };
}

/** Whether something is wrong that is not the API's doing. */
export const isWrong = ({ worth, failed }: Row): boolean => worth === 'lied' || failed;

const format = new Intl.NumberFormat('en');

/** Writes the table and what to mend, or a JSON line for each row. */
export function showRehearsals(rows: readonly Row[], options: { readonly json?: boolean | undefined }): void {
  const mends = [...new Set(rows.flatMap(({ mend }) => mend ?? []))];
  const columns: readonly Column<Row>[] = [
    { title: 'stream', of: ({ stream }) => stream },
    { title: 'the API', of: ({ api }) => api },
    { title: 'the receipt', of: saidOf },
    { title: 'records', of: ({ there, came }) => `${format.format(came)} of ${format.format(there)}`, right: true },
    {
      title: 'true?',
      of: (row) => [trueOf(row), ...(row.mend === null ? [] : [`[${mends.indexOf(row.mend) + 1}]`])].join(' '),
    },
  ];
  showRows(rows, columns, options, 'There is nothing to rehearse.');
  if (options.json) return;
  const notes = mends.map((mend, at) => `[${at + 1}] ${streamsOf(rows, mend)}: ${mend}.\n`);
  process.stdout.write(`${notes.length > 0 ? '\n' : ''}${notes.join('')}\n${summary(rows)}\n`);
}

const saidOf = ({ verdict, evidence, reasons }: Row): string =>
  [
    verdict ?? 'none',
    ...(evidence === null ? [] : [`by ${evidence}`]),
    ...(reasons.length === 0 ? [] : [`(${reasons.join(', ')})`]),
  ].join(' ');

function trueOf({ worth, failed, there, came }: Row): string {
  if (worth === 'lied')
    return came < there ? `NO: ${format.format(there - came)} are missing` : 'NO: its counts are wrong';
  if (failed) return 'yes, but it should have got everything';
  return worth === 'moved' ? 'yes, unless records move' : 'yes';
}

const streamsOf = (rows: readonly Row[], mend: string): string =>
  [...new Set(rows.filter((row) => row.mend === mend).map(({ stream }) => stream))].join(', ');

function summary(rows: readonly Row[]): string {
  const many = (test: (row: Row) => boolean): number => rows.filter(test).length;
  const lied = many(({ worth }) => worth === 'lied');
  const failed = many(({ worth, failed }) => failed && worth !== 'lied');
  const told = rows.length - lied - failed - many(({ worth }) => worth === 'survived');
  return [
    `${rows.length} ${rows.length === 1 ? 'rehearsal' : 'rehearsals'}: ${many(({ worth }) => worth === 'survived')} got everything`,
    `${told} did not, and said so`,
    ...(failed > 0 ? [`${failed} should have got everything`] : []),
    `${lied} ${lied === 1 ? 'receipt' : 'receipts'} said what is not so`,
  ]
    .join(', ')
    .concat('.');
}
