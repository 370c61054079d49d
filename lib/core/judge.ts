import type { Raw, Reply } from './exchange.ts';
import { retryAfter } from './retry-after.ts';
import type { Stream } from './stream.ts';

/** What came back: an answer read to its end, or none. */
export type Answer =
  | { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array }
  | { readonly failed: 'unreachable' | 'timeout' | 'broken' | 'too-large'; readonly message: string };

/** Why an answer is no page. `code` is stable; `message` is one sentence for people. */
export type Reason = { readonly code: string; readonly message: string };

/**
 * `page`: records to be delivered. `retry`: may heal by itself (`throttled`: the API asked for patience; `wait`: its advice in ms).
 * `failure`: cannot, by our knowledge.
 */
export type Verdict =
  | {
      readonly is: 'page';
      readonly reply: Reply;
      readonly records: readonly unknown[];
      readonly total: number | undefined;
    }
  | { readonly is: 'retry'; readonly reason: Reason; readonly throttled: boolean; readonly wait: number | undefined }
  | { readonly is: 'failure'; readonly reason: Reason };

const failure = (code: string, message: string): Verdict => ({ is: 'failure', reason: { code, message } });
const retry = (code: string, message: string, wait?: number): Verdict => ({
  is: 'retry',
  reason: { code, message },
  throttled: false,
  wait,
});

/** Statuses that may heal by themselves, and why. Every 5xx is one too. */
const PATIENCE: Readonly<Record<number, string>> = {
  408: 'the API gave up waiting for the request',
  425: 'too early',
  429: 'too many requests',
};

/** Judges an answer: first whether there is one, then its status, then its body, then what the stream makes of it. */
export function judge(answer: Answer, stream: Stream, now: number): Verdict {
  if ('failed' in answer) return judgeSilence(answer);
  const { status, headers } = answer;
  if (status < 200 || status > 299) return judgeStatus(status, headers, now);
  if (status === 204) return { is: 'page', reply: reply(answer, undefined), records: [], total: undefined };
  return judgeBody(answer, stream);
}

function judgeSilence({ failed, message }: Extract<Answer, { failed: string }>): Verdict {
  return failed === 'too-large' ? failure(failed, message) : retry(failed, message);
}

function judgeStatus(status: number, headers: Readonly<Record<string, string>>, now: number): Verdict {
  const wait = retryAfter(headers['retry-after'], headers.date, now);
  const throttled = status === 429 || (status === 503 && wait !== undefined);
  const healing = PATIENCE[status] ?? (status > 499 ? 'the API failed' : undefined);
  const said = `HTTP ${status}${healing === undefined ? '' : `: ${healing}`}`;
  const reason = { code: `http-${status}`, message: said };
  return healing === undefined ? { is: 'failure', reason } : { is: 'retry', reason, throttled, wait };
}

function judgeBody(answer: Extract<Answer, { status: number }>, stream: Stream): Verdict {
  const text = decode(answer.body);
  if (text === undefined) return retry('unreadable', 'the body is not UTF-8 text');
  if (text.trim() === '') return retry('empty-body', `HTTP ${answer.status} with an empty body`);
  const parsed = parse(text);
  if (parsed === undefined)
    return retry('unreadable', `the body is not JSON; it begins ${JSON.stringify(text.slice(0, 60))}`);
  const { body } = parsed;
  const complaint = ownError(body);
  if (complaint !== undefined) return failure('error-body', `HTTP ${answer.status} with an error inside: ${complaint}`);
  return envelope(stream, reply(answer, body));
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
function ownError(body: Raw): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { error, errors } = body;
  const found = error ?? (Array.isArray(errors) && errors.length === 0 ? undefined : errors);
  return found === undefined || found === null || found === false || found === ''
    ? undefined
    : JSON.stringify(found).slice(0, 200);
}

function reply({ status, headers }: Extract<Answer, { status: number }>, body: Raw): Reply {
  return { status, header: (name) => headers[name.toLowerCase()], body };
}

/** The records where the stream says they are: anything but a list is a failure, never "no records". */
function envelope(stream: Stream, reply: Reply): Verdict {
  let found: unknown;
  try {
    found = stream.records(reply.body);
  } catch (error) {
    return failure('no-records', `the records are not where the stream looks for them: ${text(error)}`);
  }
  if (!Array.isArray(found)) {
    return failure(
      'no-records',
      `where the stream looks for its records there is ${found === undefined ? 'nothing' : typeof found}`,
    );
  }
  return page(stream, reply, found);
}

function page(stream: Stream, reply: Reply, records: readonly unknown[]): Verdict {
  try {
    const total = stream.total?.(reply);
    if (total === undefined || (Number.isSafeInteger(total) && total >= 0))
      return { is: 'page', reply, records, total };
    return failure('bad-total', `the total is not a whole number: ${String(total).slice(0, 60)}`);
  } catch (error) {
    return failure('bad-total', `the total is not where the stream looks for it: ${text(error)}`);
  }
}

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));
