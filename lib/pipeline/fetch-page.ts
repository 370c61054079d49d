import { authorise } from '../core/authorise.ts';
import type { Raw, Reply, Stream } from '../core/connector.ts';
import { type Answer, judge, type Reason, type Verdict } from '../core/judge.ts';
import { type BuiltRequest, buildRequest } from '../core/request.ts';
import type { Slice } from '../core/slice.ts';
import { instant, SECOND } from '../core/time.ts';
import type { Account } from './account.ts';
import { heed } from './heed.ts';
import { hmac } from './hmac.ts';
import { type Invocation, MARGIN } from './invocation.ts';
import type { MeterPlace } from './meters.ts';
import { sendRequest } from './send-request.ts';

/** The longest a page may take, headers and body. */
const PAGE_DEADLINE = 30 * SECOND;
/** The largest body of a page, decompressed, in bytes. */
const PAGE_BOUND = 32 * 1024 * 1024;

export type FetchedPage = {
  readonly reply: Reply;
  readonly records: readonly unknown[];
  readonly total: number | undefined;
  /** No records are here, by the API's own word: a chain ends with it. */
  readonly empty: boolean;
  /** When it was answered, by the API's clock if it tells, else when the request left by ours: epoch milliseconds. */
  readonly answeredAt: number;
  readonly url: string;
};
/** An attempt that gave no page: what is needed to try again, or to set it aside with its evidence. */
export type Refusal = {
  readonly reason: Reason;
  readonly heals: boolean;
  readonly throttled: boolean;
  /** Milliseconds to wait, as the API advised. */
  readonly wait: number | undefined;
  /** It was not the page's fault, and is no attempt: in so many milliseconds it may come again. */
  readonly excused?: number | undefined;
  /** Method and URL; `undefined` if nothing was sent. */
  readonly request: string | undefined;
  readonly status: number | undefined;
  /** The unexpected body, cut to its bound. */
  readonly body: Uint8Array | undefined;
};
export type PageResult = { readonly page: FetchedPage } | { readonly refusal: Refusal };

export type PagePlace = {
  /** The connection, or why it cannot be used. */
  readonly account: Account | Reason;
  readonly stream: Stream;
  readonly slice: Slice;
  /** The meters that its request reserves on, and how far ahead a slot may be for it to wait here: milliseconds. */
  readonly meters: readonly MeterPlace[];
  readonly patience: number;
  /** What the request is told about its page. */
  readonly at: Raw;
  /** The link that leads to this page, where one does. */
  readonly url?: string | undefined;
  /** Whether records must be on it, by the total that the page states, or by what is known. */
  readonly owes?: ((total: number | undefined) => boolean) | undefined;
};

/** Sends one request and judges the answer. */
export async function fetchPage(invocation: Invocation, place: PagePlace): Promise<PageResult> {
  const { account } = place;
  if ('code' in account) return { refusal: unsent(account) };
  const built = build(invocation, account, place);
  if ('code' in built) return { refusal: unsent(built) };

  const { stream, owes, meters, patience } = place;
  const sent = await sendRequest(invocation, {
    meters,
    patience,
    limits: {
      deadline: () => Math.max(1, Math.min(PAGE_DEADLINE, invocation.remaining() - MARGIN)),
      bound: PAGE_BOUND,
    },
    request: (now) => authorise(built, invocation.connector.auth, account.secret, { now, hmac }),
  });
  if ('later' in sent) return { refusal: { ...unsent(NO_SLOT), heals: true, excused: sent.later } };
  const { answer, leftAt } = sent;
  const verdict = judge(answer, { stream, rules: invocation.connector.errors, owes, now: invocation.clock.now() });
  const excused = await heed(invocation, meters, leftAt, answer, verdict);
  if ('reason' in verdict) return { refusal: { ...refusal(built, answer, verdict), excused: excused?.wait } };

  const { is, reply, records, total } = verdict;
  const theirs = Date.parse(reply.header('date') ?? '');
  const answeredAt = Number.isNaN(theirs) ? leftAt : theirs;
  return { page: { reply, records, total, empty: is === 'empty', url: built.url, answeredAt } };
}

/** Nothing was sent: the limits leave no room so soon. */
const NO_SLOT: Reason = { code: 'no-slot', message: 'no slot was free' };

function build(
  { connector }: Invocation,
  account: Account,
  { stream, slice, at, url }: PagePlace,
): BuiltRequest | Reason {
  try {
    const { from, to, parents = [] } = slice;
    const request = stream.request({
      params: account.params,
      grant: undefined,
      page: at,
      window: { from: instant(from), to: instant(to) },
      parent: parents[0],
      parents,
      setup: undefined,
    });
    const baseUrl = connector.baseUrl({ params: account.params, grant: undefined });
    return buildRequest(connector, baseUrl, request, url);
  } catch (error) {
    return {
      code: 'bad-request',
      message: `the request could not be built: ${error instanceof Error ? error.message : error}`,
    };
  }
}

const SILENT = { throttled: false, wait: undefined, status: undefined, body: undefined };

/** The refusal of a page for which nothing was sent, and nothing will help. */
export const unsent = (reason: Reason): Refusal => ({ ...SILENT, reason, heals: false, request: undefined });

function refusal(built: BuiltRequest, answer: Answer, verdict: Extract<Verdict, { reason: Reason }>): Refusal {
  const seen =
    'status' in answer ? { status: answer.status, body: answer.body } : { status: undefined, body: undefined };
  return {
    reason: verdict.reason,
    heals: verdict.is === 'retry' || verdict.is === 'throttled',
    throttled: verdict.is === 'throttled',
    wait: 'wait' in verdict ? verdict.wait : undefined,
    request: `${built.method} ${built.url}`,
    ...seen,
  };
}

/** A page that was answered, but cannot be taken for what it says. */
export const refusePage = (page: FetchedPage, reason: Reason, heals: boolean): Refusal => ({
  ...SILENT,
  reason,
  heals,
  request: `GET ${page.url}`,
  status: page.reply.status,
  body: new TextEncoder().encode(JSON.stringify(page.reply.body)),
});
