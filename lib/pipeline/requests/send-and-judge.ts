import { authorise } from '../../core/auth/authorise.ts';
import type { TlsMaterial } from '../../core/auth/tls.ts';
import type { Raw, Request, Stream } from '../../core/connector/connector.ts';
import { buildRequest } from '../../core/connector/request.ts';
import type { BuiltRequest } from '../../core/exchange.ts';
import { cutBody } from '../../core/response/body.ts';
import { weightOfBody } from '../../core/response/json-size.ts';
import { type HttpAnswer, judgeResponse, type Reason, type ResponseVerdict } from '../../core/response/judge.ts';
import type { RedirectRequest } from '../../core/response/redirect.ts';
import { clockLag } from '../../core/response/retry-after.ts';
import { SECOND } from '../../core/time.ts';
import type { AccountAccess } from '../credentials/account.ts';
import type { Credential, CredentialReplacement } from '../credentials/credentials.ts';
import { signingAt } from '../credentials/signing.ts';
import { type Invocation, STORE_MARGIN, type SyncContext } from '../invocation.ts';
import { applyRateLimitFeedback } from '../limits/feedback.ts';
import type { LimiterKey } from '../limits/limiter-store.ts';
import type { MemoryHolding } from '../limits/memory-budget.ts';
import { sendRequest } from '../limits/send-request.ts';
import { logEvent } from '../log-event.ts';
import { reportDeprecation } from './deprecation.ts';
import {
  type PageRefusal,
  type PageResult,
  refusalOf,
  requestsOf,
  unsentRefusal,
  type WholeAnswer,
} from './fetched-page.ts';
import { exchangeOf, type KeptExchange } from './keep-answer.ts';

/** A page that takes no longer is begun with whatever time is left, in milliseconds. */
const USUAL_TIMEOUT = 30 * SECOND;
/** How often a request may be sent to another place. */
const MOST_REDIRECTS = 5;

/** What the connection and its token tell. */
export type ConnectionAccess = { readonly params: Raw; readonly grant: Raw };

/** How a request is sent, and its answer judged. */
export type StreamRequest = {
  /** The meters that it reserves on, and how far ahead a slot may be for it to wait here: milliseconds. */
  readonly meters: readonly LimiterKey[];
  readonly patience: number;
  /** How often in a row the API asked for patience instead. */
  readonly refusals?: number;
  /** The link that leads to what is asked for, where one does. */
  readonly url?: string | undefined;
  /** Whether records must be on a page, by the total that it states, or by what is known. */
  readonly owes?: ((total: number | undefined) => boolean) | undefined;
  /** Of a body that is read in portions: where the one begins that is judged. */
  readonly portion?: { readonly from: number } | undefined;
  /** What the link leads to may lie on another origin. There it is asked for without credentials, and nothing that is answered speaks of the API. */
  readonly anywhere?: boolean;
  readonly stream: Pick<Stream, 'records' | 'total' | 'read' | 'timeout' | 'largest' | 'accepts'>;
  /** What the answer is held in; without it, an answer is taken for a small one. */
  readonly holding?: MemoryHolding | undefined;
  readonly account: AccountAccess;
  readonly request: (at: ConnectionAccess) => Request;
};

/**
 * Sends one request and judges the answer. Where the API does not take its token, or its key, and there is a newer one, it is sent with
 * that once more.
 */
export async function sendAndJudge(invocation: SyncContext, sending: StreamRequest): Promise<PageResult> {
  const { credentials } = sending.account;
  let credential: CredentialReplacement = await credentials.current(invocation);
  let refused: Attempt | undefined;
  while ('mark' in credential) {
    const sent: Attempt | PageRefusal = await send(invocation, sending, credential);
    if ('reason' in sent) return { refusal: { ...sent, exchange: sent.exchange ?? refused?.exchange } };
    const attempt: Attempt = { ...sent, exchange: after(refused, sent.exchange) };
    const { verdict, used } = attempt;
    if (verdict.is !== 'reauthorise') {
      if (!('reason' in verdict) && !attempt.elsewhere) await credentials.worked(invocation, used);
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
const after = (refused: Attempt | undefined, exchange: KeptExchange): KeptExchange => ({
  ...exchange,
  requests: exchange.requests + requestsOf(refused === undefined ? [] : [refused]),
});

/** One request and where it was redirected to, what it was authorised with, and what came of it. */
type Attempt = {
  readonly url: string;
  readonly used: Credential;
  /** By our clock: epoch milliseconds. */
  readonly receivedAt: number;
  readonly exchange: KeptExchange;
  readonly verdict: Exclude<ResponseVerdict, { is: 'redirect' }>;
  readonly excused: number | undefined;
  /** It was answered by another origin than the API's. */
  readonly elsewhere: boolean;
  /** The portion of its body that was judged. */
  readonly cut: CutAnswer | undefined;
};

async function send(
  invocation: SyncContext,
  sending: StreamRequest,
  credential: Credential,
): Promise<Attempt | PageRefusal> {
  const { connector, clock, remaining } = invocation;
  const { stream, owes, meters, patience, refusals = 0, holding, anywhere = false, portion } = sending;
  const { credentials, tls } = sending.account;
  const built = build(invocation, sending, credential);
  if ('code' in built) return unsentRefusal(built);
  const { timeout, largest } = connector.bounds(stream);
  const reserved = holding?.reserve(portion === undefined ? 0 : largest);
  if (holding !== undefined && reserved === undefined) return noMemory(undefined);
  const timeLeft = (): number => remaining() - STORE_MARGIN;
  let used = credential;
  let asked: RedirectRequest & { url: string } = { method: built.method, url: built.url, anywhere };
  const isElsewhere = (): boolean => anywhere && new URL(asked.url).origin !== built.origin;
  let unsigned: Reason | undefined;
  for (let requests = 1; ; requests++) {
    const sent = await sendRequest(invocation, {
      meters,
      patience,
      limits: { deadline: () => Math.max(1, Math.min(timeout, timeLeft())), bound: largest },
      // A slot is waited for; a token may end, or be renewed, meanwhile.
      request: (now) => {
        const atHand = credentials.atHand(credential, now);
        used = atHand ?? credential;
        // A slow page is worth beginning only with all of its time; it comes back to another invocation.
        if (atHand === undefined || (timeout > USUAL_TIMEOUT && timeLeft() < timeout)) return undefined;
        if (isElsewhere()) return { method: 'GET', url: asked.url, headers: { accept: '*/*' }, tls: publicPart(tls) };
        try {
          const signing = signingAt(invocation, now);
          return { ...authorise({ ...built, url: asked.url }, connector.auth, atHand.fields, signing), tls };
        } catch (error) {
          unsigned = unbuilt(error);
          return undefined;
        }
      },
    });
    if (unsigned !== undefined) {
      reserved?.settle(0);
      return unsentRefusal(unsigned);
    }
    if ('later' in sent) {
      reserved?.settle(0);
      return { ...unsentRefusal(NO_SLOT), heals: true, excused: sent.later };
    }
    const { answer: whole, leftAt, took } = sent;
    const cut = portion && cutAnswer(stream, whole, portion.from);
    const answer = cut?.answer ?? whole;
    const rest = 'body' in whole && answer !== whole ? whole.body.length : 0;
    if (reserved?.settle('body' in answer ? weightOfBody(answer.body) + rest : 0) === false)
      return noMemory(exchangeOf(connector, { secret: used.fields, asked, answer: DROPPED, requests }));
    reportDeprecation(invocation, asked.url, answer);
    const { errors: rules, patience: longest } = connector;
    const elsewhere = isElsewhere();
    const expected = { stream, rules: elsewhere ? [] : rules, patience: longest, owes, asked, now: clock.now() };
    const verdict = elsewhere ? asStranger(judgeResponse(answer, expected)) : judgeResponse(answer, expected);
    logEvent(invocation, {
      ...{ message: 'request answered', ...invocation.ref, at: leftAt, took },
      ...{ status: 'status' in answer ? answer.status : 0, is: verdict.is },
      reason: 'reason' in verdict ? verdict.reason.message : '',
    });
    const answered = { meters, leftAt, refusals, answer, verdict };
    const excused = elsewhere ? undefined : (await applyRateLimitFeedback(invocation, answered))?.wait;
    const secret = elsewhere ? [used.fields, queryOf(asked.url)] : used.fields;
    const exchange = exchangeOf(connector, {
      secret,
      asked: elsewhere ? withoutQuery(asked) : asked,
      answer,
      requests,
    });
    if (verdict.is !== 'redirect')
      return { url: asked.url, used, receivedAt: leftAt + took, exchange, verdict, excused, elsewhere, cut };
    if (requests > MOST_REDIRECTS) return refusalOf(exchange, { is: 'failure', reason: TOO_FAR });
    asked = { ...asked, url: verdict.to };
  }
}

/** A portion of an answer, as an answer of its own. */
export type CutAnswer = {
  readonly answer: WholeAnswer;
  readonly whole: WholeAnswer;
  readonly next: number | undefined;
};

/** Cuts an answer that is read in portions. What is no success is judged whole. */
export function cutAnswer({ read }: Pick<Stream, 'read'>, whole: HttpAnswer, from: number): CutAnswer | undefined {
  if ('failed' in whole || whole.status > 299 || read === undefined) return undefined;
  const { body, next } = cutBody(read, whole, from);
  return { answer: body === whole.body ? whole : { ...whole, body }, whole, next };
}

/** Of certificates, what is shown to another origin: whom to trust, and not who asks. */
const publicPart = (tls: TlsMaterial | undefined): TlsMaterial | undefined =>
  tls?.ca === undefined ? undefined : { ca: tls.ca };

/** A store of files for the API knows no credentials: a refusal says nothing of those that the connection has. */
const asStranger = (verdict: ResponseVerdict): ResponseVerdict =>
  verdict.is === 'reauthorise' ? { is: 'failure', reason: verdict.reason } : verdict;

/** The query of such a URL opens the file. */
const queryOf = (url: string): readonly string[] => [...new URL(url).searchParams.values()];
const withoutQuery = (asked: RedirectRequest): RedirectRequest => {
  const { origin, pathname } = new URL(asked.url);
  return { ...asked, url: origin + pathname };
};

const TOO_FAR: Reason = { code: 'redirect', message: `it was redirected more than ${MOST_REDIRECTS} times` };

function resultOf({ url, receivedAt, exchange, verdict, excused, cut }: Attempt): PageResult {
  if ('reason' in verdict) return { refusal: { ...refusalOf(exchange, verdict), excused } };
  const { is, reply, records, total, ambiguous, note } = verdict;
  const lag = clockLag(reply.header('date'), receivedAt);
  return {
    page: {
      ...{ reply, records, total, estimate: undefined, ambiguous, empty: is === 'empty', url, lag, exchange },
      note: note?.message,
      portion: cut,
    },
  };
}

/** How long the tasks of a connection that is paused are put off: by then every worker knows that it is. */
const PAUSED = 90 * SECOND;

/** The page is not asked for, or not again. Only what the API refused is an attempt. */
function withoutCredential(
  none: Exclude<CredentialReplacement, Credential>,
  attempt: Attempt | undefined,
): PageRefusal {
  const refused =
    attempt !== undefined && 'reason' in attempt.verdict
      ? refusalOf(attempt.exchange, attempt.verdict)
      : unsentRefusal(none.reason);
  if ('alone' in none) return { ...refused, reason: none.reason };
  if ('paused' in none) return { ...refused, reason: none.reason, heals: true, excused: PAUSED };
  const wait = attempt === undefined ? { excused: none.later } : { wait: none.later };
  return { ...refused, reason: none.reason, heals: true, ...wait };
}

/** How long a page waits for a worker that has memory for it, at least. */
const MEMORY_WAIT = SECOND;
const NO_MEMORY: Reason = { code: 'no-memory', message: 'the worker held as many pages as fit into its memory' };
/** What is kept of an answer that had to be dropped. */
const DROPPED = { failed: 'broken', message: NO_MEMORY.message } as const;

/** The page comes back when there is room. That is no attempt: nothing is known against it. */
const noMemory = (exchange: KeptExchange | undefined): PageRefusal => ({
  ...unsentRefusal(NO_MEMORY),
  exchange,
  heals: true,
  excused: MEMORY_WAIT,
});

/** Nothing was sent: the limits leave no room so soon. */
const NO_SLOT: Reason = { code: 'no-slot', message: 'no slot was free' };

function build(
  { connector }: Invocation,
  { request, account, url }: StreamRequest,
  { grant }: Credential,
): (BuiltRequest & { readonly origin: string }) | Reason {
  const { params } = account;
  try {
    const baseUrl = connector.baseUrl({ params, grant });
    const built = buildRequest(connector, baseUrl, request({ params, grant }), url);
    return { ...built, origin: new URL(baseUrl).origin };
  } catch (error) {
    return unbuilt(error);
  }
}

const unbuilt = (error: unknown): Reason => ({
  code: 'bad-request',
  message: `the request could not be built: ${error instanceof Error ? error.message : error}`,
});
