import type { Connector } from '../../core/connector/connector.ts';
import type { HttpAnswer, Reason } from '../../core/response/judge.ts';
import { type Redaction, redactBody, redactHeaders, redactUrl, secretTexts } from '../../core/response/redact.ts';
import type { RedirectRequest } from '../../core/response/redirect.ts';
import { firstTimeOf, type SyncContext } from '../invocation.ts';
import { syncFolder } from '../store/sync-keys.ts';

/** How much of an unexpected body is kept, in characters. */
const LONGEST_RESPONSE = 64 * 1024;

/** How a page was asked for and answered, to be counted, and to be kept if it is unexpected. */
export type KeptExchange = {
  /** Method and URL, without what must not be kept. */
  readonly request: string;
  /** The URL as it was asked, and what came: only for who looks into them before anything is kept. */
  readonly asked: string;
  readonly answer: HttpAnswer | undefined;
  readonly status: number | undefined;
  /** Requests that left: more than one if it was redirected. */
  readonly requests: number;
  /** The answer as a text, without what must not be kept. */
  readonly keptText: () => string;
  readonly redaction: Redaction;
};

/** The request that was answered. `requests`: how many left for it. */
export type SentExchange = {
  readonly secret: unknown;
  readonly asked: RedirectRequest;
  readonly answer: HttpAnswer;
  readonly requests: number;
};

export function exchangeOf({ redact }: Connector, { secret, asked, answer, requests }: SentExchange): KeptExchange {
  const redaction = { secrets: secretTexts(secret), paths: redact };
  const request = `${asked.method} ${redactUrl(asked.url, redaction)}`;
  const status = 'status' in answer ? answer.status : undefined;
  const { url } = asked;
  return {
    request,
    asked: url,
    answer,
    status,
    requests,
    redaction,
    keptText: () => describeAnswer(request, answer, redaction),
  };
}

/** An unexpected answer as a text: the request's line, then status, headers and body as they came, without what must not be kept. */
function describeAnswer(request: string, answer: HttpAnswer, redaction: Redaction): string {
  if ('failed' in answer) return `${request}\n\n${answer.message}\n`;
  const { status, headers, body } = answer;
  const text = new TextDecoder().decode(body);
  return [
    request,
    '',
    `HTTP ${status}`,
    redactHeaders(headers, redaction),
    '',
    redactBody(text, redaction, LONGEST_RESPONSE),
  ].join('\n');
}

/** Kept responses lie apart from what is delivered, so that a rule of the bucket can let them go after some weeks. */
const responseKey = ({ connector, random, ref }: SyncContext, name: string): string =>
  `responses/${syncFolder(connector.name, ref)}/${name}-${random.id()}.txt`;

export async function keepResponse(
  context: SyncContext,
  name: string,
  text: string | undefined,
): Promise<string | undefined> {
  if (text === undefined) return undefined;
  const key = responseKey(context, name);
  await context.objects.create(key, new TextEncoder().encode(text), { type: 'text/plain; charset=utf-8' });
  return key;
}

/** Kinds of answers that a worker has kept: of many syncs, and of each few. */
const isNewKind = firstTimeOf(10_000);

/**
 * Keeps one unexpected answer of each kind that a sync meets, though it may heal: what an API answered at night is what one asks for in the
 * morning. One of each kind from each worker, so that a storm of errors writes no thousands of objects; a page that is set aside has its own.
 */
export async function keepSamples(
  context: SyncContext,
  unexpected: readonly { readonly reason: Reason; readonly exchange: KeptExchange | undefined }[],
): Promise<void> {
  for (const { reason, exchange } of unexpected) {
    const kind = `${context.ref.connection}/${context.ref.stream}/${context.ref.sync} ${reason.code}`;
    if (exchange === undefined || !isNewKind(context, kind)) continue;
    await keepResponse(context, `healing-${reason.code}`, exchange.keptText());
  }
}
