import type { Reply } from '../../core/connector/connector.ts';
import type { HttpAnswer, Reason, ResponseVerdict } from '../../core/response/judge.ts';
import { redactSentence } from '../../core/response/redact.ts';
import type { KeptExchange } from './keep-answer.ts';

/** A page that came. */
export type FetchedPage = {
  readonly reply: Reply;
  readonly records: readonly unknown[];
  readonly total: number | undefined;
  /** About how many records the listing has, where the API says no better. */
  readonly estimate: number | undefined;
  /** No records are here, by the API's own word: a chain ends with it. */
  readonly empty: boolean;
  /** How far the API's clock, by its `Date`, is behind ours: milliseconds, at most 0. 0: it does not tell, or is ahead, which may be false. */
  readonly lag: number;
  readonly url: string;
  /** Records of which not everything can be read: in each, a name that stands in one object more than once. */
  readonly ambiguous: ReadonlyMap<unknown, string>;
  /** Why a rule of the connector took it for a page. */
  readonly note?: string | undefined;
  /** The status by which the API says that there is no such page, where that is taken for an end. */
  readonly missing?: number | undefined;
  readonly exchange: KeptExchange;
  /** Where large bodies are read in portions: the whole answer, and where the portion after this page begins. */
  readonly portion?: { readonly whole: WholeAnswer; readonly next: number | undefined } | undefined;
};
/** An answer that was read to its end. */
export type WholeAnswer = Extract<HttpAnswer, { readonly status: number }>;
/** An attempt that gave no page: what is needed to try again, or to set it aside with what came. */
export type PageRefusal = {
  readonly reason: Reason;
  readonly heals: boolean;
  /** What leads to the page has expired. */
  readonly expired: boolean;
  readonly throttled: boolean;
  /** Milliseconds to wait, as the API advised. */
  readonly wait: number | undefined;
  /** It was not the page's fault, and is no attempt: in so many milliseconds it may come again. */
  readonly excused?: number | undefined;
  /** A job is not ready yet: nothing is wrong. */
  readonly waits?: boolean;
  /** `undefined` if nothing was sent. */
  readonly exchange: KeptExchange | undefined;
};
export type PageResult = { readonly page: FetchedPage } | { readonly refusal: PageRefusal };

/** The refusal of a page for which nothing was sent, and nothing will help. */
export const unsentRefusal = (reason: Reason): PageRefusal => ({
  reason,
  heals: false,
  expired: false,
  throttled: false,
  wait: undefined,
  exchange: undefined,
});

/** Why an answer is no page. */
export const refusalOf = (
  exchange: KeptExchange,
  verdict: Extract<ResponseVerdict, { reason: Reason }>,
): PageRefusal => ({
  reason: redactReason(verdict.reason, exchange),
  heals: verdict.is === 'retry' || verdict.is === 'throttled',
  expired: verdict.is === 'restart',
  throttled: verdict.is === 'throttled',
  wait: 'wait' in verdict ? verdict.wait : undefined,
  exchange,
});

/** What was answered, but cannot be taken for what it says. */
export const refusePage = ({ exchange }: Pick<FetchedPage, 'exchange'>, reason: Reason): PageRefusal => ({
  ...unsentRefusal(redactReason(reason, exchange)),
  exchange,
});

/** A reason may quote what came, and reasons are seen by everybody. */
const redactReason = (reason: Reason, { redaction }: KeptExchange): Reason => ({
  ...reason,
  message: redactSentence(reason.message, redaction),
});

/** How many requests left for some pages, whether they came or not. */
export const requestsOf = (all: readonly { readonly exchange: KeptExchange | undefined }[]): number =>
  all.reduce((sum, { exchange }) => sum + (exchange?.requests ?? 0), 0);
