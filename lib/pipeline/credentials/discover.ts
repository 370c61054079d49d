import type { Discover } from '../../core/auth/auth-scheme.ts';
import { authorise } from '../../core/auth/authorise.ts';
import { fitsBesideToken } from '../../core/auth/token.ts';
import { LONGEST_GRANT } from '../../core/bounds.ts';
import type { Raw } from '../../core/exchange.ts';
import type { HttpAnswer, Reason } from '../../core/response/judge.ts';
import { MINUTE, SECOND } from '../../core/time.ts';
import { STORE_MARGIN } from '../invocation.ts';
import { sendRequest } from '../limits/send-request.ts';
import type { Credential, NoCredential, TokenContext } from './credentials.ts';
import { pauseConnection } from './pause.ts';
import { pauseCause } from './refusal-tracker.ts';
import { readConnectionSecret } from './secrets-cache.ts';
import { signingAt } from './signing.ts';
import { buildTokenRequest } from './token-request.ts';

const DEADLINE = 30 * SECOND;
const PATIENCE = 4 * SECOND;
const BOUND = 4 * 1024 * 1024;

/** Asks with a new token what the token answer did not tell. */
export async function discoverGrant(
  context: TokenContext,
  { request, read }: Discover<Raw, Raw>,
  credential: Credential,
): Promise<{ readonly grant: unknown } | NoCredential> {
  const { connector, remaining } = context;
  const built = buildTokenRequest(context, request);
  const secret = await readConnectionSecret(context);
  const tls = 'fields' in secret ? secret.fields?.tls : undefined;
  const sent = await sendRequest(context, {
    meters: context.meters,
    patience: PATIENCE,
    limits: { deadline: () => Math.max(1, Math.min(DEADLINE, remaining() - STORE_MARGIN)), bound: BOUND },
    request: (now) => ({
      ...authorise(built, connector.auth, credential.fields, signingAt(context, now)),
      tls,
    }),
  });
  if ('later' in sent) return { reason: failed('no slot was free'), later: sent.later };
  const { answer } = sent;
  const body = bodyOf(answer);
  if (body === undefined) return { reason: failed(saidOf(answer)), later: MINUTE };
  try {
    const grant = connector.auth.grant.parse(read({ status: 200, header: () => undefined, body }, context.params));
    if (grant !== undefined && fitsBesideToken(grant)) return { grant };
  } catch {
    // Said below: what was told is not what the connector looks for.
  }
  const reason = failed(`what the connector looks for is not in the answer, in at most ${LONGEST_GRANT} bytes`);
  await pauseConnection(context, reason, await pauseCause(context, credential.mark));
  return { reason, paused: true };
}

const failed = (what: string): Reason => ({
  code: 'discover-failed',
  message: `what the connection needs to know could not be discovered: ${what}`,
});

const saidOf = (answer: HttpAnswer): string =>
  'failed' in answer ? `no answer (${answer.failed})` : `HTTP ${answer.status} without a JSON body to read`;

/** The JSON of an answer with a good status. */
function bodyOf(answer: HttpAnswer): Raw {
  if ('failed' in answer || answer.status < 200 || answer.status > 299) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(answer.body));
  } catch {
    return undefined;
  }
}
