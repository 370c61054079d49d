import type { Reply } from '../exchange.ts';
import type { Span } from '../time.ts';

/** By date: the next sync asks from the highest committed `field` less `lookback`. */
export type DateMark<R> = {
  field: (raw: R) => string | number | null | undefined;
  lookback: Span;
  /** Date of the first window; default 2 January 1970. */
  start?: string;
  /** The IANA time zone of dates that name none; default UTC. */
  zone?: string;
};
/** By number, of records whose API counts its changes: the next sync asks from the highest committed one (`window.number`). */
export type NumberMark<R> = { number: (raw: R) => number | null | undefined };
/** By a text that the last page gives: the next sync begins with it (`window.token`). */
export type TokenMark = { token: (reply: Reply) => string | null | undefined };

/** By what an incremental stream tells what is new. */
export type Since<R> = DateMark<R> | NumberMark<R> | TokenMark;

/** The date by which a stream tells what is new; `undefined` where it does so by something else, or not at all. */
export const dateMark = <R>(since: Since<R> | undefined): DateMark<R> | undefined =>
  since !== undefined && 'field' in since ? since : undefined;

/** By what the mark of a sync is told apart: one of another kind means nothing. */
export const markKind = (since: Since<never>): 'date' | 'number' | 'token' =>
  'field' in since ? 'date' : 'number' in since ? 'number' : 'token';
