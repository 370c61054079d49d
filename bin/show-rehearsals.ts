import type { Receipt } from '../lib/core/receipt.ts';
import { type Worth, worthOf } from '../lib/simulator/assess.ts';
import type { Outcome } from './rehearse-all.ts';
import { type Column, showRows } from './show-rows.ts';

/** A rehearsal as it is told: one row of the table, one line of JSON. */
export type Row = {
  readonly stream: string;
  /** What the API does. */
  readonly api: string;
  readonly verdict: Receipt['verdict'] | 'PAUSED';
  readonly evidence: Receipt['evidence'];
  /** Codes of the receipt's reasons. */
  readonly reasons: readonly string[];
  /** Records that were there throughout, and those of them that came. */
  readonly there: number;
  readonly came: number;
  readonly worth: Worth | 'paused';
  /** What is to be looked at; empty where all is as it should be. */
  readonly why: string;
};

export function rowOf(outcome: Outcome): Row {
  const { stream, what: api, trouble } = outcome.rehearsal;
  if ('paused' in outcome) {
    const nothing = { evidence: null, reasons: [], there: 0, came: 0 };
    return { stream, api, verdict: 'PAUSED', ...nothing, worth: 'paused', why: outcome.paused };
  }
  const { receipt, truth } = outcome;
  const { verdict, evidence, reasons } = receipt;
  const worth = worthOf(receipt, truth, trouble);
  const codes = [...new Set(reasons.map(({ code }) => code))];
  const { there, came, lost } = truth;
  const why = worth === 'lied' ? `not true: ${lost.length} are missing` : '';
  return { stream, api, verdict, evidence, reasons: codes, there, came, worth, why };
}

const format = new Intl.NumberFormat('en');

const COLUMNS: readonly Column<Row>[] = [
  { title: 'stream', of: ({ stream }) => stream },
  { title: 'the API', of: ({ api }) => api },
  { title: 'the receipt', of: ({ verdict, evidence, reasons }) => [verdict, ...said(evidence, reasons)].join(' ') },
  { title: 'records', of: ({ there, came }) => `${format.format(came)} of ${format.format(there)}`, right: true },
  { title: '', of: ({ worth, why }) => (why === '' ? WORTH[worth] : why) },
];

const WORTH = { survived: 'true', told: 'true', moved: 'true', lied: 'not true', paused: 'paused' };

const said = (evidence: Row['evidence'], reasons: Row['reasons']): string[] => [
  ...(evidence === null ? [] : [`by ${evidence}`]),
  ...(reasons.length === 0 ? [] : [`(${reasons.join(', ')})`]),
];

/** Writes the table, or a JSON line for each row. */
export const showRehearsals = (rows: readonly Row[], options: { readonly json?: boolean | undefined }): void =>
  showRows(rows, COLUMNS, options, 'There is nothing to rehearse.');
