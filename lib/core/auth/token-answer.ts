import { parseInstant } from '../dates.ts';
import type { Raw, Reply } from '../exchange.ts';
import type { HttpAnswer, Reason } from '../response/judge.ts';
import { retryAfter } from '../response/retry-after.ts';
import { DAY, SECOND } from '../time.ts';
import type { ReadToken } from './auth-scheme.ts';

/** What a token endpoint gave: a token that can be used, by all that can be seen of it. */
export type TokenGrant = {
  readonly token: string;
  /** The refresh token, where one came with it. */
  readonly refresh: string | undefined;
  /** Milliseconds from the request on; `undefined`: it does not say. */
  readonly life: number | undefined;
  /** The whole answer, in which a connector may look for its grant. */
  readonly body: Raw;
};

/**
 * What a token endpoint's answer is.
 * `refused`: the server refuses this client, this consent or this refresh token; asking again changes nothing. `error`: its error code.
 * `failed`: no token this time. `doubtful`: the server may have processed the request all the same, so the refresh token that was sent may
 * be spent.
 */
export type TokenAnswer =
  | { readonly is: 'token'; readonly grant: TokenGrant }
  | { readonly is: 'refused'; readonly error: string; readonly reason: Reason }
  | { readonly is: 'failed'; readonly reason: Reason; readonly doubtful: boolean; readonly wait: number | undefined };

/** Says no for good (RFC 6749 section 5.2, and what GitHub, Google and Salesforce say beside it with status 200 or 400). */
const REFUSALS: ReadonlySet<string> = new Set([
  'invalid_client',
  'invalid_grant',
  'invalid_request',
  'invalid_scope',
  'invalid_target',
  'unauthorized_client',
  'unsupported_grant_type',
  'access_denied',
  'bad_refresh_token',
  'incorrect_client_credentials',
  'bad_verification_code',
  'inactive_user',
  'invalid_client_id',
]);

export type Reading = {
  /** How a declared exchange reads its answer; without it an answer is read as RFC 6749 section 5.1 has it. */
  readonly read?: ((reply: Reply) => ReadToken) | undefined;
  /** What was sent, and must not come back in a reason. */
  readonly sent: readonly string[];
  readonly now: number;
};

/** Judges an answer: whether there is one, its status, its own word of an error, and only then the token. Quotes nothing that may be secret. */
export function judgeTokenAnswer(answer: HttpAnswer, { read, sent, now }: Reading): TokenAnswer {
  if ('failed' in answer) return failed(`no answer (${answer.failed})`, answer.failed !== 'unreachable');
  const { status, headers } = answer;
  const body = parse(answer.body);
  const error = errorOf(body, sent);
  if (error !== undefined && REFUSALS.has(error)) return refused(error, status);
  if (status >= 300 && status < 400) return failed(`HTTP ${status}: it redirects, and credentials follow no redirect`);
  if (status < 200 || status > 299) {
    const wait = retryAfter(headers['retry-after'], headers.date, now);
    return failed(`HTTP ${status}${error === undefined ? '' : `: ${error}`}`, status >= 500 && status !== 503, wait);
  }
  if (error !== undefined) return failed(`HTTP ${status} with an error inside: ${error}`);
  if (typeof body !== 'object' || body === null) return failed(`HTTP ${status}, but the body is no JSON object`, true);
  const found = read === undefined ? standard(body) : declared(read, answer, body, now);
  return typeof found === 'string' ? failed(`HTTP ${status}, but ${found}`, true) : { is: 'token', grant: found };
}

const refused = (error: string, status: number): TokenAnswer => ({
  is: 'refused',
  error,
  reason: { code: 'token-refused', message: `the token endpoint refuses: ${error} (HTTP ${status})` },
});

const failed = (what: string, doubtful = false, wait?: number): TokenAnswer => ({
  is: 'failed',
  reason: { code: 'token-failed', message: `the token endpoint gave no token: ${what}` },
  doubtful,
  wait,
});

function parse(bytes: Uint8Array): Raw {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** The error code of a body, if it has one. What is no plain word may be anything, a secret too: it is not repeated. */
function errorOf(body: Raw, sent: readonly string[]): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { error } = body;
  if (error === undefined || error === null || error === '' || error === false) return undefined;
  const plain = typeof error === 'string' && /^[a-z]{1,20}([_-][a-z]{1,20}){0,4}$/.test(error);
  return plain && !sent.some((secret) => secret.includes(error)) ? error : 'an error that is no plain word';
}

/** Token types that want more than to be shown (RFC 9449, draft-ietf-oauth-v2-http-mac). */
const UNKNOWN_TYPES: ReadonlySet<string> = new Set(['dpop', 'mac', 'pop']);

function standard(body: Raw): TokenGrant | string {
  const { access_token: token, refresh_token: refresh, expires_in: expiresIn, token_type: type } = body;
  if (typeof type === 'string' && UNKNOWN_TYPES.has(type.toLowerCase())) return `"token_type" is one we cannot use`;
  if (refresh !== undefined && refresh !== null && refresh !== '' && !isToken(refresh))
    return '"refresh_token" is no text that could be sent';
  const life = lifeOf(expiresIn);
  if (life === 'nonsense') return '"expires_in" is no time to come';
  if (!isToken(token))
    return token === undefined ? 'there is no "access_token"' : '"access_token" is no text that could be sent';
  return { token, refresh: refresh || undefined, life, body };
}

function declared(
  read: (reply: Reply) => ReadToken,
  answer: Extract<HttpAnswer, { status: number }>,
  body: Raw,
  now: number,
): TokenGrant | string {
  let found: ReadToken;
  try {
    found = read({ status: answer.status, header: (name) => answer.headers[name.toLowerCase()], body });
  } catch {
    return 'the token is not where the connector looks for it';
  }
  if (typeof found !== 'object' || found === null || !isToken(found.token))
    return 'where the connector looks for the token there is no text that could be sent';
  const life =
    found.expiresAt === undefined ? lifeOf(found.expiresIn) : until(found.expiresAt, answer.headers.date, now);
  return life === 'nonsense' ? 'its expiry is no time to come' : { token: found.token, refresh: undefined, life, body };
}

/** A token is sent in a header: visible ASCII (RFC 6750 section 2.1), and no longer than servers take. */
const LONGEST_TOKEN = 16_384;
const isToken = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= LONGEST_TOKEN && /^[\x21-\x7e]+$/.test(value);

/** Beyond it a number of seconds is no lifetime but a mistake. */
const LONGEST_LIFE = 100 * 365 * DAY;

function lifeOf(seconds: unknown): number | undefined | 'nonsense' {
  if (seconds === undefined || seconds === null) return undefined;
  const life: unknown = typeof seconds === 'string' && seconds.trim() !== '' ? Number(seconds) : seconds;
  if (typeof life !== 'number' || !(life > 0) || life * SECOND > LONGEST_LIFE) return 'nonsense';
  return life * SECOND;
}

/** By the server's own clock, where it tells it: neither clock needs to be right. */
function until(expiresAt: unknown, date: string | undefined, now: number): number | 'nonsense' {
  const theirs = Date.parse(date ?? '');
  const life = (parseInstant(expiresAt) ?? Number.NaN) - (Number.isNaN(theirs) ? now : theirs);
  return life > 0 && life <= LONGEST_LIFE ? life : 'nonsense';
}
