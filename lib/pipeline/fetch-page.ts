import { authorise } from '../core/authorise.ts';
import type { Raw, Reply, Request, Stream } from '../core/connector.ts';
import { judge, type Reason, type Verdict } from '../core/judge.ts';
import { redactSentence } from '../core/redact.ts';
import type { Asked } from '../core/redirect.ts';
import { type BuiltRequest, buildRequest } from '../core/request.ts';
import type { Slice } from '../core/slice.ts';
import { instant, SECOND } from '../core/time.ts';
import type { Account } from './account.ts';
import type { Credential, Replacement } from './credentials.ts';
import { noteFarewell } from './farewell.ts';
import { heed } from './heed.ts';
import { hmac } from './hmac.ts';
import { type Invocation, MARGIN } from './invocation.ts';
import { type Exchange, exchangeOf } from './keep-answer.ts';
import type { MeterPlace } from './meters.ts';
import { sendRequest } from './send-request.ts';

/** The longest a page may take, headers and body. */
const PAGE_DEADLINE = 30 * SECOND;
/** The largest body of a page, decompressed, in bytes. */
const PAGE_BOUND = 32 * 1024 * 1024;
/** How far ahead the slot of a count may be, in milliseconds. */
const COUNT_PATIENCE = 10 * SECOND;
/** How often a request may be sent to another place. */
const MOST_REDIRECTS = 5;

export type FetchedPage = {
  readonly reply: Reply;
  readonly records: readonly unknown[];
  readonly total: number | undefined;
  /** About how many records the listing has, where the API says no better. */
  readonly estimate: number | undefined;
  /** No records are here, by the API's own word: a chain ends with it. */
  readonly empty: boolean;
  /** When it was answered, by the API's clock if it tells, else when the request left by ours: epoch milliseconds. */
  readonly answeredAt: number;
  readonly url: string;
  /** Records of which not everything can be read: in each, a name that stands in one object more than once. */
  readonly ambiguous: ReadonlyMap<unknown, string>;
  readonly exchange: Exchange;
};
/** An attempt that gave no page: what is needed to try again, or to set it aside with its evidence. */
export type Refusal = {
  readonly reason: Reason;
  readonly heals: boolean;
  /** What leads to the page has expired. */
  readonly expired: boolean;
  readonly throttled: boolean;
  /** Milliseconds to wait, as the API advised. */
  readonly wait: number | undefined;
  /** It was not the page's fault, and is no attempt: in so many milliseconds it may come again. */
  readonly excused?: number | undefined;
  /** `undefined` if nothing was sent. */
  readonly exchange: Exchange | undefined;
};
/** What a stream asks once per sync, or why there is no answer. */
export type Setup = { readonly value: Raw } | { readonly refusal: Refusal };

export type PageResult = { readonly page: FetchedPage } | { readonly refusal: Refusal };

export type PagePlace = {
  /** The connection, or why it cannot be used. */
  readonly account: Account | Reason;
  readonly stream: Stream;
  readonly slice: Slice;
  /** The meters that its request reserves on, and how far ahead a slot may be for it to wait here: milliseconds. */
  readonly meters: readonly MeterPlace[];
  readonly patience: number;
  /** How often in a row the API asked for patience instead. */
  readonly refusals?: number;
  /** What the stream asks once per sync. */
  readonly setup: Setup;
  /** It is the listing's first page. */
  readonly first: boolean;
  /** What the request is told about its page. */
  readonly at: Raw;
  /** The link that leads to this page, where one does. */
  readonly url?: string | undefined;
  /** Whether records must be on it, by the total that the page states, or by what is known. */
  readonly owes?: ((total: number | undefined) => boolean) | undefined;
};

/** Fetches a page; with the first one, and with one that is short, also the count that the stream asks for. */
export async function fetchPage(invocation: Invocation, place: PagePlace): Promise<PageResult> {
  const { account, stream, setup, first } = place;
  if ('code' in account) return { refusal: unsent(account) };
  if ('refusal' in setup) return setup;
  const about = { ...place, setup: setup.value };
  const asked = await sendAndJudge(invocation, account, (at) => stream.request(told(at, about, place.at)), place);
  if ('refusal' in asked) return asked;
  const { page } = asked;
  const { count, paging } = stream;
  const short = 'size' in paging && page.records.length < paging.size;
  // A listing that has nothing, by the API's own word, has nothing exactly.
  if (first && page.empty) return { page: { ...page, total: 0 } };
  if (count === undefined || page.empty || !(first || short)) return asked;

  // The page is there: its count may wait longer, and where there is no slot for it, the page is worth more without than asked for again.
  const slots = { meters: place.meters, patience: Math.max(place.patience, COUNT_PATIENCE) };
  const counted = await ask(invocation, account, slots, (at) => count.request(told(at, about, undefined)));
  const left = page.exchange.requests + requestsOf(['refusal' in counted ? counted.refusal : counted]);
  /** Both requests left, whatever came of them. */
  const both = (exchange: Exchange): Exchange => ({ ...exchange, requests: left });
  if ('refusal' in counted) {
    const { excused, exchange = page.exchange } = counted.refusal;
    if (excused !== undefined) return { page: { ...page, exchange: both(page.exchange) } };
    return { refusal: { ...counted.refusal, exchange: both(exchange) } };
  }
  const records = readCount(count.read, counted.reply);
  if (typeof records !== 'number') return { refusal: refusePage({ exchange: both(counted.exchange) }, records) };
  const counts = count.exact ? { total: records } : { estimate: records };
  return { page: { ...page, exchange: both(page.exchange), ...counts } };
}

function readCount(read: (reply: Reply) => unknown, reply: Reply): number | Reason {
  try {
    const records = read(reply);
    if (typeof records === 'number' && Number.isSafeInteger(records) && records >= 0) return records;
    return { code: 'bad-count', message: `"count" is not a whole number: ${String(records).slice(0, 60)}` };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { code: 'bad-count', message: `"count" cannot be read from its answer: ${why}` };
  }
}

/** What the connection and its token tell. */
type Granted = { readonly params: Raw; readonly grant: Raw };

/** Everything a request is told. */
const told = (
  { params, grant }: Granted,
  { slice: { from, to, parents = [] }, setup }: { readonly slice: Slice; readonly setup: Raw },
  page: Raw,
) => ({
  ...{ params, grant, page, parents, parent: parents[0], setup },
  window: { from: instant(from), to: instant(to) },
});

/** Sends a request of a stream that is none for a page, and judges the answer by everything but its records. */
export async function ask(
  invocation: Invocation,
  account: Account,
  { meters, patience }: Pick<PagePlace, 'meters' | 'patience'>,
  request: (at: Granted) => Request,
): Promise<Pick<FetchedPage, 'reply' | 'exchange'> | { readonly refusal: Refusal }> {
  const asked = await sendAndJudge(invocation, account, request, { meters, patience, stream: { records: () => [] } });
  return 'page' in asked ? asked.page : asked;
}

/** How a request is sent, and its answer judged. */
type Sending = Pick<PagePlace, 'owes' | 'url' | 'meters' | 'patience' | 'refusals'> & {
  readonly stream: Pick<Stream, 'records' | 'total'>;
};

/**
 * Sends one request and judges the answer. Where the API does not take its token, or its key, and there is a newer one, it is sent with
 * that once more.
 */
async function sendAndJudge(
  invocation: Invocation,
  account: Account,
  request: (at: Granted) => Request,
  sending: Sending,
): Promise<PageResult> {
  const { credentials } = account;
  let credential: Replacement = await credentials.current(invocation);
  let refused: Attempt | undefined;
  while ('mark' in credential) {
    const sent: Attempt | Refusal = await send(invocation, sending, account, credential, request);
    if ('reason' in sent) return { refusal: { ...sent, exchange: sent.exchange ?? refused?.exchange } };
    const attempt: Attempt = { ...sent, exchange: after(refused, sent.exchange) };
    const { verdict, used } = attempt;
    if (verdict.is !== 'reauthorise') {
      if (!('reason' in verdict)) await credentials.worked(invocation, used);
      return resultOf(attempt);
    }
    const asked = attempt.url;
    credential = await credentials.refused(invocation, used, { request: asked, reason: verdict.reason });
    if (refused !== undefined && 'mark' in credential) credential = { reason: verdict.reason, later: 0 };
    refused = attempt;
  }
  return { refusal: withoutCredential(credential, refused) };
}

/** An exchange, with the requests that led to it. */
const after = (refused: Attempt | undefined, exchange: Exchange): Exchange => ({
  ...exchange,
  requests: exchange.requests + requestsOf(refused === undefined ? [] : [refused]),
});

/** One request and where it was redirected to, what it was authorised with, and what came of it. */
type Attempt = {
  readonly url: string;
  readonly used: Credential;
  readonly leftAt: number;
  readonly exchange: Exchange;
  readonly verdict: Exclude<Verdict, { is: 'redirect' }>;
  readonly excused: number | undefined;
};

async function send(
  invocation: Invocation,
  { stream, owes, meters, patience, refusals = 0, url }: Sending,
  { credentials, params }: Account,
  credential: Credential,
  request: (at: Granted) => Request,
): Promise<Attempt | Refusal> {
  const { connector, clock, remaining } = invocation;
  const built = build(invocation, params, credential, request, url);
  if ('code' in built) return unsent(built);
  let used = credential;
  let asked: Asked = built;
  for (let requests = 1; ; requests++) {
    const sent = await sendRequest(invocation, {
      meters,
      patience,
      limits: { deadline: () => Math.max(1, Math.min(PAGE_DEADLINE, remaining() - MARGIN)), bound: PAGE_BOUND },
      // A slot is waited for; a token may end, or be renewed, meanwhile.
      request: (now) => {
        const atHand = credentials.atHand(credential, now);
        used = atHand ?? credential;
        return atHand && authorise({ ...built, url: asked.url }, connector.auth, atHand.fields, { now, hmac });
      },
    });
    if ('later' in sent) return { ...unsent(NO_SLOT), heals: true, excused: sent.later };
    const { answer, leftAt } = sent;
    noteFarewell(invocation, asked.url, answer);
    const verdict = judge(answer, { stream, rules: connector.errors, owes, asked, now: clock.now() });
    const told = { meters, leftAt, refusals };
    const excused = (await heed(invocation, told, answer, verdict))?.wait;
    const exchange = exchangeOf(connector, used.fields, asked, answer, requests);
    if (verdict.is !== 'redirect') return { url: asked.url, used, leftAt, exchange, verdict, excused };
    if (requests > MOST_REDIRECTS) return refusal(exchange, { is: 'failure', reason: TOO_FAR });
    asked = { ...asked, url: verdict.to };
  }
}

const TOO_FAR: Reason = { code: 'redirect', message: `it was redirected more than ${MOST_REDIRECTS} times` };

function resultOf({ url, leftAt, exchange, verdict, excused }: Attempt): PageResult {
  if ('reason' in verdict) return { refusal: { ...refusal(exchange, verdict), excused } };
  const { is, reply, records, total, ambiguous } = verdict;
  const theirs = Date.parse(reply.header('date') ?? '');
  const answeredAt = Number.isNaN(theirs) ? leftAt : theirs;
  return {
    page: { reply, records, total, estimate: undefined, ambiguous, empty: is === 'empty', url, answeredAt, exchange },
  };
}

/** How long the tasks of a connection that is paused are put off: by then every worker knows that it is. */
const PAUSED = 90 * SECOND;

/** The page is not asked for, or not again. Only what the API refused is an attempt. */
function withoutCredential(none: Exclude<Replacement, Credential>, attempt: Attempt | undefined): Refusal {
  const refused =
    attempt !== undefined && 'reason' in attempt.verdict
      ? refusal(attempt.exchange, attempt.verdict)
      : unsent(none.reason);
  if ('alone' in none) return { ...refused, reason: none.reason };
  if ('paused' in none) return { ...refused, reason: none.reason, heals: true, excused: PAUSED };
  const wait = attempt === undefined ? { excused: none.later } : { wait: none.later };
  return { ...refused, reason: none.reason, heals: true, ...wait };
}

/** Nothing was sent: the limits leave no room so soon. */
const NO_SLOT: Reason = { code: 'no-slot', message: 'no slot was free' };

function build(
  { connector }: Invocation,
  params: Raw,
  { grant }: Credential,
  request: (at: Granted) => Request,
  url: string | undefined,
): BuiltRequest | Reason {
  try {
    const baseUrl = connector.baseUrl({ params, grant });
    return buildRequest(connector, baseUrl, request({ params, grant }), url);
  } catch (error) {
    return {
      code: 'bad-request',
      message: `the request could not be built: ${error instanceof Error ? error.message : error}`,
    };
  }
}

/** The refusal of a page for which nothing was sent, and nothing will help. */
export const unsent = (reason: Reason): Refusal => ({
  reason,
  heals: false,
  expired: false,
  throttled: false,
  wait: undefined,
  exchange: undefined,
});

const refusal = (exchange: Exchange, verdict: Extract<Verdict, { reason: Reason }>): Refusal => ({
  // A reason may quote what came, and reasons are seen by everybody.
  reason: { ...verdict.reason, message: redactSentence(verdict.reason.message, exchange.redaction) },
  heals: verdict.is === 'retry' || verdict.is === 'throttled',
  expired: verdict.is === 'restart',
  throttled: verdict.is === 'throttled',
  wait: 'wait' in verdict ? verdict.wait : undefined,
  exchange,
});

/** What was answered, but cannot be taken for what it says. */
export const refusePage = ({ exchange }: Pick<FetchedPage, 'exchange'>, reason: Reason): Refusal => ({
  ...unsent(reason),
  exchange,
});

/** How many requests left for some pages, whether they came or not. */
export const requestsOf = (all: readonly { readonly exchange: Exchange | undefined }[]): number =>
  all.reduce((sum, { exchange }) => sum + (exchange?.requests ?? 0), 0);
