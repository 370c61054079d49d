import type { Raw, Reply } from './exchange.ts';
import { retryAfter } from './retry-after.ts';
import { type Matched, matchRule } from './rules.ts';
import type { Rule, Stream } from './stream.ts';
import { span } from './time.ts';

/** What came back: an answer read to its end, or none. */
export type Answer =
  | { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array }
  | { readonly failed: 'unreachable' | 'timeout' | 'broken' | 'too-large'; readonly message: string };
type Received = Extract<Answer, { status: number }>;

/** Why an answer is no page. `code` is stable; `message` is one sentence for people; `rule` names the connector's rule that said so. */
export type Reason = { readonly code: string; readonly message: string; readonly rule?: string };

/**
 * What an answer is.
 * `page`: records to be delivered. `empty`: there are none here, by the API's own word. `end`: a page without records whose own total
 * agrees that none belong on it.
 * `throttled`: the API asks for patience; no attempt was made. `retry`: may heal by itself. `wait`: the API's advice, milliseconds.
 * `reauthorise`: the token is not taken. `restart`: what leads to this page has expired; the listing begins again.
 * `failure`: cannot heal, by our knowledge.
 */
export type Verdict =
  | {
      readonly is: 'page' | 'empty' | 'end';
      readonly reply: Reply;
      readonly records: readonly unknown[];
      readonly total: number | undefined;
    }
  | { readonly is: 'throttled' | 'retry'; readonly reason: Reason; readonly wait: number | undefined }
  | { readonly is: 'reauthorise' | 'restart' | 'failure'; readonly reason: Reason };

/** What an answer is held against. */
export type Expected = {
  readonly stream: Stream;
  /** The connector's rules, `errors`. */
  readonly rules: readonly Rule[];
  /**
   * Whether records must be on this page, by the total it states itself, or by what is known without; `undefined` where no
   * page is expected to have any.
   */
  readonly owes?: ((total: number | undefined) => boolean) | undefined;
  /** Epoch milliseconds, by our clock. */
  readonly now: number;
};

const failure = (code: string, message: string): Verdict => ({ is: 'failure', reason: { code, message } });
const retry = (code: string, message: string): Verdict => ({
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

/** Statuses without a body (RFC 9110 sections 15.3.5, 15.3.6): there is nothing here. */
const BODILESS: ReadonlySet<number> = new Set([204, 205]);

/**
 * Judges an answer: first whether there is one, then its status, then whether its body can be read, then the connector's rules
 * over the whole reply, then what the stream makes of it.
 */
export function judge(answer: Answer, expected: Expected): Verdict {
  if ('failed' in answer) return judgeSilence(answer);
  const { status } = answer;
  const good = status >= 200 && status <= 299;
  const bodiless = BODILESS.has(status);
  const read = bodiless ? { body: undefined } : readBody(answer.body);
  // What should have been a page and cannot be read says nothing, to no rule. Elsewhere a rule may look at the text.
  if (good && 'complaint' in read) return retry(read.code, `HTTP ${status}: ${read.complaint}`);

  const reply = replyOf(answer, 'body' in read ? read.body : read.text);
  const { matched, notes } = matchRule(expected.rules, reply);
  const verdict =
    matched === undefined ? judgeReply(answer, reply, bodiless, expected) : byRule(matched, reply, expected.now);
  return notes.length > 0 && 'reason' in verdict
    ? { ...verdict, reason: { ...verdict.reason, message: `${verdict.reason.message} (${notes.join('; ')})` } }
    : verdict;
}

function judgeSilence({ failed, message }: Extract<Answer, { failed: string }>): Verdict {
  return failed === 'too-large' ? failure(failed, message) : retry(failed, message);
}

function judgeReply(answer: Received, reply: Reply, bodiless: boolean, expected: Expected): Verdict {
  const { status } = answer;
  if (status < 200 || status > 299) return judgeStatus(reply, expected.now);
  if (bodiless) return { is: 'page', reply, records: [], total: undefined };
  const complaint = ownError(reply);
  if (complaint !== undefined) return failure('error-body', `HTTP ${status} with an error inside: ${complaint}`);
  return envelope(reply, expected);
}

function byRule({ rule, name }: Matched, reply: Reply, now: number): Verdict {
  if (rule.is === 'empty') return { is: 'empty', reply, records: [], total: undefined };
  const reason = { code: 'rule', message: `HTTP ${reply.status}: ${rule.because}`, rule: name };
  if (rule.is !== 'throttled' && rule.is !== 'retry') return { is: rule.is, reason };
  const wait = adviceOf(reply, now) ?? (rule.wait === undefined ? undefined : span(rule.wait));
  return { is: rule.is, reason, wait };
}

const adviceOf = (reply: Reply, now: number): number | undefined =>
  retryAfter(reply.header('retry-after'), reply.header('date'), now);

function judgeStatus(reply: Reply, now: number): Verdict {
  const { status } = reply;
  const wait = adviceOf(reply, now);
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

type ReadBody = { readonly body: Raw } | { readonly code: string; readonly complaint: string; readonly text: string };

/** The JSON of a body, or why there is none, and its text. */
function readBody(bytes: Uint8Array): ReadBody {
  const text = decode(bytes);
  if (text === undefined) return { code: 'unreadable', complaint: 'the body is not UTF-8 text', text: '' };
  if (text.trim() === '') return { code: 'empty-body', complaint: 'the body is empty', text };
  const parsed = parse(text);
  if (parsed !== undefined) return parsed;
  const complaint = `the body is not JSON; it begins ${JSON.stringify(text.slice(0, 60))}`;
  return { code: 'unreadable', complaint, text };
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decode(body: Uint8Array): string | undefined {
  try {
    return utf8.decode(body);
  } catch {
    return undefined;
  }
}

function parse(text: string): { body: Raw } | undefined {
  try {
    return { body: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** An `error` or non-empty `errors` beside status 200, shortened: the commonest lie of an API. */
function ownError({ body }: Reply): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { error, errors } = body;
  const found = [error, errors].find((each) => !isNothing(each));
  return found === undefined ? undefined : JSON.stringify(found).slice(0, 200);
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

/** The records where the stream says they are: anything but a list is a failure, never "no records". */
function envelope(reply: Reply, expected: Expected): Verdict {
  let found: unknown;
  try {
    found = expected.stream.records(reply.body);
  } catch (error) {
    return failure('no-records', `the records are not where the stream looks for them: ${text(error)}`);
  }
  if (!Array.isArray(found)) {
    return failure(
      'no-records',
      `where the stream looks for its records there is ${found === undefined ? 'nothing' : typeof found}`,
    );
  }
  return page(reply, found, expected);
}

function page(reply: Reply, records: readonly unknown[], { stream, owes }: Expected): Verdict {
  let total: unknown;
  try {
    total = stream.total?.(reply);
  } catch (error) {
    return failure('bad-total', `the total is not where the stream looks for it: ${text(error)}`);
  }
  if (total !== undefined && !isCount(total))
    return failure('bad-total', `the total is not a whole number: ${String(total).slice(0, 60)}`);
  if (records.length > 0 || owes === undefined) return { is: 'page', reply, records, total };
  if (owes(total)) return retry('empty-page', 'the page is empty, though the API says that there are more records');
  return { is: total === undefined ? 'page' : 'end', reply, records, total };
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));
