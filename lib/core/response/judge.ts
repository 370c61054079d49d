import type { Raw, Reply } from '../exchange.ts';
import { span } from '../time.ts';
import { type BodyReader, readBody } from './body.ts';
import { readContentRange } from './content-range.ts';
import { writeJson } from './json.ts';
import { saysPartial } from './partial.ts';
import { type RedirectRequest, redirectOf } from './redirect.ts';
import { adviceFollowed, retryAfter } from './retry-after.ts';
import type { Rule } from './rules.ts';
import { type MatchedRule, matchRule } from './rules.ts';
import { readStatedTotal } from './stated-total.ts';

/** What came back: an answer read to its end, or none. */
export type HttpAnswer =
  | { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array }
  | { readonly failed: 'unreachable' | 'untrusted' | 'timeout' | 'broken' | 'too-large'; readonly message: string };
type Received = Extract<HttpAnswer, { status: number }>;

/** Why a response is not a page. `code` is stable; `message` is one sentence for people; `rule` names the connector's rule that decided. */
export type Reason = { readonly code: string; readonly message: string; readonly rule?: string };

/**
 * The verdict on a response.
 * `page`: records to be delivered. `empty`: the API says that there are no records. `end`: a page without records whose own total
 * agrees that none belong on it.
 * `throttled`: the API asks for patience; no attempt was made. `retry`: may heal. `wait`: the API's advice, milliseconds.
 * `reauthorise`: the credential was refused. `restart`: the cursor of this page has expired; the listing begins again.
 * `redirect`: the same request is to be sent to another place of the same origin.
 * `failure`: is not known to heal.
 */
export type ResponseVerdict =
  | {
      readonly is: 'page' | 'empty' | 'end';
      readonly reply: Reply;
      readonly records: readonly unknown[];
      readonly total: number | undefined;
      /** Records of which not everything can be read: in each, a name that stands in one object more than once. */
      readonly ambiguous: ReadonlyMap<unknown, string>;
      /** The connector's rule that took it for a page. */
      readonly note?: Reason;
    }
  | { readonly is: 'redirect'; readonly to: string }
  | { readonly is: 'throttled' | 'retry'; readonly reason: Reason; readonly wait: number | undefined }
  | { readonly is: 'reauthorise' | 'restart' | 'failure'; readonly reason: Reason };

/** What a response is judged against. */
export type ExpectedResponse = {
  readonly stream: {
    readonly records: (body: Raw) => readonly unknown[];
    readonly total?: (reply: Reply) => number | string | null | undefined;
    readonly read?: BodyReader;
    readonly accepts?: boolean;
  };
  /** The connector's rules, `errors`. */
  readonly rules: readonly Rule[];
  /** The longest that advice is followed, in milliseconds. */
  readonly patience?: number | undefined;
  /**
   * Whether records must be on this page, by the total it states itself, or by what is known without; `undefined` where no
   * page is expected to have any.
   */
  readonly owes?: ((total: number | undefined) => boolean) | undefined;
  /** The request that was answered. */
  readonly asked: RedirectRequest;
  /** Epoch milliseconds, by our clock. */
  readonly now: number;
};

const failure = (code: string, message: string): ResponseVerdict => ({ is: 'failure', reason: { code, message } });
const retry = (code: string, message: string): ResponseVerdict => ({
  is: 'retry',
  reason: { code, message },
  wait: undefined,
});

/** Statuses that mean something of their own, and what. Every other 5xx may heal; every other status cannot. */
const STATUSES: Readonly<Record<number, { is: 'throttled' | 'retry' | 'reauthorise'; because: string }>> = {
  401: { is: 'reauthorise', because: 'the API does not take the token' },
  408: { is: 'retry', because: 'the API gave up waiting for the request' },
  425: { is: 'retry', because: 'too early' },
  429: { is: 'throttled', because: 'too many requests' },
};

/** What is wrong with a body that will be no better the next time. */
const HOPELESS: ReadonlySet<string> = new Set(['too-deep', 'too-large']);

/** Statuses without a body (RFC 9110 sections 15.3.5, 15.3.6): there is nothing here. */
const BODILESS: ReadonlySet<number> = new Set([204, 205]);
/** Nothing changed since the date or the tag that the request named (RFC 9110 section 15.4.5). */
const NOT_MODIFIED = 304;

/**
 * Judges an answer: first whether there is one, then its status, then whether its body can be read, then the connector's rules
 * over the whole reply, then what the stream makes of it.
 */
export function judgeResponse(answer: HttpAnswer, expected: ExpectedResponse): ResponseVerdict {
  if ('failed' in answer) return judgeSilence(answer);
  const { status } = answer;
  const good = status >= 200 && status <= 299;
  const bodiless = BODILESS.has(status);
  // A refusal comes as JSON, whatever its pages are.
  const reader = good ? expected.stream.read : undefined;
  const read = bodiless ? NOTHING : readBody(answer.body, answer.headers['content-type'], reader);
  const unreadable =
    good && 'complaint' in read
      ? (HOPELESS.has(read.code) ? failure : retry)(read.code, `HTTP ${status}: ${read.complaint}`)
      : undefined;
  // What should have been a page and cannot be read says nothing, to no rule. An empty body can be read. Elsewhere a rule may look at the text.
  if (unreadable !== undefined && !('code' in read && read.code === 'empty-body')) return unreadable;

  const reply = replyOf(answer, 'body' in read ? read.body : read.text);
  const { matched, notes } = matchRule(expected.rules, reply);
  if (unreadable !== undefined && (matched === undefined || matched.rule.is === 'page')) return unreadable;
  const verdict =
    matched === undefined
      ? judgeReply(reply, 'ambiguous' in read ? read.ambiguous : NONE, expected)
      : byRule(matched, reply, 'ambiguous' in read ? read.ambiguous : NONE, expected);
  return notes.length > 0 && 'reason' in verdict
    ? { ...verdict, reason: { ...verdict.reason, message: `${verdict.reason.message} (${notes.join('; ')})` } }
    : verdict;
}

/** An answer as a rule sees it, whatever it means. */
export function readReply(answer: Received): Reply {
  const read = readBody(answer.body, answer.headers['content-type']);
  return replyOf(answer, 'body' in read ? read.body : read.text);
}

function judgeSilence({ failed, message }: Extract<HttpAnswer, { failed: string }>): ResponseVerdict {
  return failed === 'too-large' || failed === 'untrusted' ? failure(failed, message) : retry(failed, message);
}

const NONE: ReadonlyMap<object, string> = new Map();
const NOTHING = { body: undefined, ambiguous: NONE };

function judgeReply(reply: Reply, ambiguous: ReadonlyMap<object, string>, expected: ExpectedResponse): ResponseVerdict {
  const { status } = reply;
  if (status === NOT_MODIFIED) return { is: 'empty', reply, records: [], total: undefined, ambiguous: NONE };
  const redirect = redirectOf(reply, expected.asked);
  if (redirect !== undefined)
    return 'to' in redirect
      ? { is: 'redirect', to: redirect.to }
      : failure('redirect', `HTTP ${status}: ${redirect.complaint}`);
  if (status < 200 || status > 299) return judgeStatus(reply, expected);
  if (BODILESS.has(status))
    return expected.owes?.(undefined) === true
      ? retry('empty-page', `HTTP ${status}, though there are more records`)
      : { is: 'page', reply, records: [], total: undefined, ambiguous: NONE };
  const complaint = ownError(reply);
  if (complaint !== undefined) return failure('error-body', `HTTP ${status} with an error inside: ${complaint}`);
  return envelope(reply, ambiguous, expected);
}

function byRule(
  { rule, name }: MatchedRule,
  reply: Reply,
  ambiguous: ReadonlyMap<object, string>,
  expected: ExpectedResponse,
): ResponseVerdict {
  if (rule.is === 'page') {
    const verdict = envelope(reply, ambiguous, expected);
    const note = { code: 'rule', message: `HTTP ${reply.status}: ${rule.because}`, rule: name };
    return 'records' in verdict ? { ...verdict, note } : verdict;
  }
  if (rule.is === 'empty') return { is: 'empty', reply, records: [], total: undefined, ambiguous: NONE };
  const reason = { code: 'rule', message: `HTTP ${reply.status}: ${rule.because}`, rule: name };
  if (rule.is !== 'throttled' && rule.is !== 'retry') return { is: rule.is, reason };
  return { is: rule.is, reason, wait: ruleWait(rule.wait, reply, expected) };
}

/** How long a rule waits: by its own reading of the reply, by the usual header, or as it says. A function that throws reads nothing. */
function ruleWait(wait: Rule['wait'], reply: Reply, expected: ExpectedResponse): number | undefined {
  const usual = adviceOf(reply, expected);
  if (typeof wait !== 'function') return usual ?? (wait === undefined ? undefined : span(wait));
  try {
    const read = wait(reply);
    return (typeof read === 'number' ? followed(read, expected) : undefined) ?? usual;
  } catch {
    return usual;
  }
}

const adviceOf = (reply: Reply, expected: ExpectedResponse): number | undefined => {
  const wait = retryAfter(reply.header('retry-after'), reply.header('date'), expected.now);
  return wait === undefined ? undefined : followed(wait, expected);
};

const followed = (wait: number, { patience = Number.POSITIVE_INFINITY }: ExpectedResponse): number | undefined => {
  const advised = adviceFollowed(wait);
  return advised === undefined ? undefined : Math.min(patience, advised);
};

function judgeStatus(reply: Reply, expected: ExpectedResponse): ResponseVerdict {
  const { status } = reply;
  const wait = adviceOf(reply, expected);
  const known = STATUSES[status];
  if (known === undefined && status < 500)
    return { is: 'failure', reason: { code: `http-${status}`, message: `HTTP ${status}` } };
  const { is, because } = known ?? {
    is: status === 503 && wait !== undefined ? ('throttled' as const) : ('retry' as const),
    because: 'the API failed',
  };
  const reason = { code: `http-${status}`, message: `HTTP ${status}: ${because}` };
  return is === 'reauthorise' ? { is, reason } : { is, reason, wait };
}

/** A problem (RFC 9457), or a non-empty `error` or `errors`, beside status 200, shortened: the commonest lie of an API. */
function ownError({ header, body }: Reply): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { error, errors } = body;
  const problem = /^application\/problem\+json\b/i.test(header('content-type') ?? '') ? body : undefined;
  const found = [error, errors, problem].find((each) => !isNothing(each));
  return found === undefined ? undefined : writeJson(found)?.slice(0, 200);
}

/** What APIs write where there is no error: nothing, no, zero, an empty text, list or object. */
const isNothing = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === false ||
  value === 0 ||
  value === '' ||
  (typeof value === 'object' && Object.keys(value).length === 0);

const replyOf = ({ status, headers }: Received, body: Raw): Reply => ({
  status,
  header: (name) => headers[name.toLowerCase()],
  body,
});

/** What a value is, for people. */
function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'object') return 'an object';
  return `the ${typeof value} ${(writeJson(value) ?? '').slice(0, 60)}`;
}

/** The records where the stream says they are: anything but a list is a failure, never "no records". */
function envelope(reply: Reply, ambiguous: ReadonlyMap<object, string>, expected: ExpectedResponse): ResponseVerdict {
  let found: unknown;
  try {
    found = expected.stream.records(reply.body);
  } catch (error) {
    return failure('no-records', `the records are not where the stream looks for them: ${text(error)}`);
  }
  if (!Array.isArray(found)) {
    const mend = found === null ? ': if that means no records, write `?? []` after it in "records"' : '';
    return failure('no-records', `where the stream looks for its records there is ${kindOf(found)}, not a list${mend}`);
  }
  const partial = expected.stream.accepts === true ? undefined : saysPartial(reply, found, false);
  if (partial !== undefined)
    return retry('partial', `HTTP ${reply.status}, but not all of it, by its own word: ${partial}`);
  const bad = inRecords(found, ambiguous);
  if (bad === undefined)
    return failure('duplicate-key', `the body has ${JSON.stringify([...ambiguous.values()][0])} more than once`);
  return page(reply, found, bad, expected);
}

/** The records in which something is ambiguous; `undefined`: it is outside of them, and what the page says is in doubt. */
function inRecords(
  records: readonly unknown[],
  ambiguous: ReadonlyMap<object, string>,
): ReadonlyMap<unknown, string> | undefined {
  if (ambiguous.size === 0) return ambiguous;
  const found = new Map<unknown, string>();
  const seen = new Set<unknown>();
  const look = (value: unknown, record: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const name = ambiguous.get(value);
    if (name !== undefined) {
      found.set(record, name);
      seen.add(value);
    }
    for (const each of Object.values(value)) look(each, record);
  };
  for (const record of records) look(record, record);
  return seen.size === ambiguous.size ? found : undefined;
}

function page(
  reply: Reply,
  records: readonly unknown[],
  ambiguous: ReadonlyMap<unknown, string>,
  { stream, owes }: ExpectedResponse,
): ResponseVerdict {
  let stated: ReturnType<typeof readStatedTotal>;
  try {
    stated = readStatedTotal(stream.total === undefined ? rangeTotal(reply) : stream.total(reply));
  } catch (error) {
    return failure('bad-total', `the total is not where the stream looks for it: ${text(error)}`);
  }
  if (stated !== undefined && 'complaint' in stated) return failure('bad-total', stated.complaint);
  const total = stated?.records;
  // What is accepted is not done yet (RFC 9110 section 15.3.3): nothing says that there will be nothing.
  if (records.length === 0 && reply.status === 202 && stream.accepts !== true)
    return retry('http-202', 'HTTP 202: the API has taken the request, and has nothing yet');
  if (records.length > 0 || owes === undefined) return { is: 'page', reply, records, total, ambiguous };
  if (owes(total)) return retry('empty-page', 'the page is empty, though the API says that there are more records');
  return { is: total === undefined ? 'page' : 'end', reply, records, total, ambiguous };
}

/** Without a declared total, a `Content-Range` states one. */
const rangeTotal = (reply: Reply): number | undefined => readContentRange(reply.header('content-range'))?.of;

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));
