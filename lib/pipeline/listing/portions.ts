import { createHash, type Hash } from 'node:crypto';
import { judgeResponse, type Reason } from '../../core/response/judge.ts';
import { redactBody } from '../../core/response/redact.ts';
import { askedOf, streamAsked } from '../requests/fetch-page.ts';
import { type FetchedPage, type PageResult, refusalOf, type WholeAnswer } from '../requests/fetched-page.ts';
import { cutAnswer } from '../requests/send-and-judge.ts';
import type { OpenFile, ReadingContext } from './reading.ts';

/**
 * A large body of rows is a chain whose pages are its portions. Its cursor is where the next one begins, with a fingerprint of all before it. A worker that goes on from there
 * asks for the body again, and sees whether it is the same one up to there.
 */

/** How much of a portion is kept that cannot be read. */
const EVIDENCE_BYTES = 64 * 1_024;

type Position = { readonly from: number; readonly fingerprint: string };

const printOf = (hash: Hash): string => hash.copy().digest('base64url').slice(0, 22);
const cursorOf = ({ next, hash }: OpenFile): string => `${next} ${printOf(hash)}`;

/** Where a cursor stands in a body. */
export function positionOf(cursor: string | undefined): Position {
  const [from = '0', fingerprint = ''] = (cursor ?? '').split(' ');
  return { from: Number(from), fingerprint };
}

export const CHANGED: Reason = {
  code: 'expired',
  message: 'the file is no longer the one of which the first portions were read',
};

/** Whether an answer has the same bytes before a position as the one that was read up to there. */
export const isSameFile = ({ portion }: FetchedPage, { from, fingerprint }: Position): boolean =>
  from === 0 || (portion !== undefined && printOf(hashOf(portion.whole, from)) === fingerprint);

const hashOf = ({ body }: WholeAnswer, to: number): Hash => createHash('sha256').update(body.subarray(0, to));

/** What follows a page in its body, and the cursor that stands for it; `undefined`: nothing. `before`: what the page itself was read from. */
export function fileAfter(
  page: FetchedPage,
  before: OpenFile | undefined,
): { readonly file: OpenFile; readonly cursor: string } | undefined {
  const { portion } = page;
  if (portion?.next === undefined) return undefined;
  const { whole, next } = portion;
  const hash = before === undefined ? hashOf(whole, next) : before.hash.update(whole.body.subarray(before.next, next));
  // Not the page: it would be held for as long as the body is.
  const { url, lag, exchange } = page;
  const file = { asked: before?.asked ?? { url, lag, exchange }, whole, next, hash };
  return { file, cursor: cursorOf(file) };
}

/** The next portion of a body that is at hand. */
export function readPortion({ connector, listed, clock }: ReadingContext, file: OpenFile): PageResult {
  const { stream, slice } = listed;
  const { url, exchange, lag } = file.asked;
  const cut = cutAnswer(stream, file.whole, file.next);
  const answer = cut?.answer ?? file.whole;
  const asked = { method: 'GET', url } as const;
  const about = { stream: streamAsked(stream, askedOf(stream, slice, undefined)), rules: [], asked, now: clock.now() };
  const verdict = judgeResponse(answer, { ...about, patience: connector.patience });
  const { request, redaction } = exchange;
  const { next } = file;
  const evidence = (): string => {
    const text = new TextDecoder().decode(answer.body.subarray(0, EVIDENCE_BYTES));
    return `${request}\n\nfrom byte ${next}\n\n${redactBody(text, redaction, EVIDENCE_BYTES)}`;
  };
  const kept = { ...exchange, answer: undefined, requests: 0, evidence };
  if (verdict.is === 'redirect' || 'reason' in verdict) {
    const { code, message }: Reason = 'reason' in verdict ? verdict.reason : CHANGED;
    // Lines are counted in the portion.
    const reason = { code, message: `after byte ${next} of the body: ${message}` };
    return { refusal: refusalOf(kept, { is: 'failure', reason }) };
  }
  const { reply, records, total, ambiguous } = verdict;
  return {
    page: {
      ...{ reply, records, total, ambiguous, estimate: undefined, empty: false, url, lag, exchange: kept },
      portion: cut,
    },
  };
}
