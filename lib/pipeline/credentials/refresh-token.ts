import {
  fitsBesideToken,
  isRefreshInDoubt,
  REFRESH_LEASE,
  TOKEN_DEADLINE,
  type TokenState,
  tokenCredentialId,
  tokenLifetime,
  tokenRetryDelay,
} from '../../core/auth/token.ts';
import type { TokenAnswer, TokenGrant } from '../../core/auth/token-answer.ts';
import type { Reason } from '../../core/response/judge.ts';
import { MINUTE, SECOND } from '../../core/time.ts';
import { STORE_MARGIN } from '../invocation.ts';
import type { NoCredential } from './credentials.ts';
import { changeTokenState, readTokenState, sameVersion, type TokenContext } from './credentials.ts';
import { readToken, sealOwner, sealToken } from './open-token.ts';
import { pauseConnection } from './pause.ts';
import {
  type ConnectionSecret,
  forgetSecret,
  readConnectionSecret,
  sealText,
  secretName,
  unsealText,
} from './secrets-cache.ts';
import { requestToken } from './token-request.ts';

/**
 * Fetches a new token, if no other worker does: lease → request → store → use. The lease is longer than the request's deadline, so two are never
 * under way for one version; what came is stored by version alone, for it may be the only token that is still good. `undefined`: it is
 * somebody else's turn.
 */
export async function refreshToken(
  context: TokenContext,
  state: TokenState,
): Promise<TokenState | NoCredential | undefined> {
  const { flow } = context;
  const secret = await readConnectionSecret(context);
  if ('problem' in secret) return pause(context, state, { reason: secret.problem, secretVersion: secret.version });
  const known = state.cause === causeWith(state, secret.version) ? state.causeAt + SAME_AGAIN - context.clock.now() : 0;
  if (known > 0) return { reason: REFUSED, later: known }; // R85
  const refresh = await openRefreshToken(context, state);
  if (flow.kind === 'authorizationCode' && refresh === undefined)
    return pause(context, state, { reason: consentNeeded(state), secretVersion: secret.version });
  // A request that is given up may have spent its refresh token: it is begun only if it can be waited for.
  // R82
  if (refresh !== undefined && context.remaining() < TOKEN_DEADLINE + STORE_MARGIN)
    return { reason: NO_TIME, later: SECOND };

  const owner = context.random.id();
  const now = context.clock.now();
  const claim = { set: { owner, lease: now + REFRESH_LEASE } };
  const free = { either: [{ absent: 'lease' }, { less: ['lease', now] as const }] };
  const claimed = await changeTokenState(context, claim, [
    sameVersion(state), // R79
    free, // R77
  ]);
  if (!claimed.ok) return undefined;
  return request({ ...context, state, owner, refresh }, secret);
}

/** What was refused is not asked again for this long: by then every worker knows that the connection is paused. */
const SAME_AGAIN = 2 * MINUTE;

/** One refresh under way. `state`: as it was before. */
type Refresh = TokenContext & {
  readonly state: TokenState;
  readonly owner: string;
  readonly refresh: string | undefined;
};

async function request(refresh: Refresh, secret: ConnectionSecret): Promise<TokenState | NoCredential> {
  const leftAt = refresh.clock.now();
  const grant =
    refresh.refresh === undefined
      ? ({ grant: 'client_credentials' } as const)
      : ({ grant: 'refresh_token', refresh: refresh.refresh } as const);
  const answer = await requestToken(refresh, secret.fields, grant);
  if (answer.is === 'token') return storeToken(refresh, refresh.state, { grant: answer.grant, leftAt });
  if (answer.is === 'failed') return putOff(refresh, answer);
  return refused(refresh, answer, secret);
}

/** What a token endpoint granted, and when its request left. `consentAt`: somebody has consented again, and nothing of what was before holds. */
export type GrantedToken = { readonly grant: TokenGrant; readonly leftAt: number; readonly consentAt?: number };

/**
 * Stores a token under the next version, fenced by that alone, and tries for as long as there is time: if it is lost, so is the consent. An
 * answer without a refresh token leaves the one that is there (RFC 6749 section 6).
 */
export async function storeToken(
  context: TokenContext,
  state: TokenState,
  { grant: answer, leftAt, consentAt }: GrantedToken,
): Promise<TokenState> {
  const { clock, random, remaining } = context;
  const { token, refresh, life } = answer;
  const before = consentAt === undefined ? state : undefined;
  const grant = await grantOf(context, before, answer);
  const sealed = await sealToken(context, { token, grant });
  const fresh =
    refresh === undefined ? {} : { refresh: await sealText(context, sealOwner(context, 'refresh'), refresh) };
  const times = tokenLifetime(leftAt, life ?? context.flow.lifetime, random.number());
  const set = { version: state.version + 1, token: sealed, gotAt: leftAt, ...times, ...fresh };
  const change =
    consentAt === undefined
      ? { set, remove: [...OVER, ...absent(EXPIRY, set)] }
      : { set: { ...set, consentAt }, remove: [...OVER, ...OF_A_CONSENT, ...absent([...EXPIRY, 'refresh'], set)] };
  for (let wait = 100; ; wait *= 2) {
    try {
      return (await changeTokenState(context, change, [sameVersion(state)])).item; // R80
    } catch (error) {
      if (remaining() < wait + STORE_MARGIN) throw error; // R83
      await clock.wait(wait);
    }
  }
}

/** What a new token puts an end to. */
const OVER = ['owner', 'lease', 'doubtful', 'failures', 'retryAt', 'refused', 'cause', 'causeAt'];
const OF_A_CONSENT = ['worked', 'workedAt', 'suspect', 'suspectAt'];
const EXPIRY = ['validUntil', 'refreshAt'];
const absent = (names: readonly string[], set: object): string[] => names.filter((name) => !(name in set));

/** What the answer tells of what the connector wants to know, or else what was told or discovered before. */
async function grantOf(context: TokenContext, before: TokenState | undefined, { body }: TokenGrant): Promise<unknown> {
  const told = context.flow.tells ? context.connector.auth.grant.safeParse(body) : undefined;
  if (told?.success === true && fitsBesideToken(told.data)) return told.data;
  return before && (await readToken(context, before))?.grant;
}

/** No token, and perhaps one later. All workers wait for the same time, so that the endpoint is not stormed. */
async function putOff(
  refresh: Refresh,
  { reason, doubtful, wait }: Extract<TokenAnswer, { is: 'failed' }>,
): Promise<NoCredential> {
  const { connection, state, owner, clock, random, log } = refresh;
  const failures = state.failures + 1;
  const later = Math.ceil(tokenRetryDelay(failures, random.number(), wait));
  const change = {
    set: { failures, retryAt: clock.now() + later, ...(doubtful ? { doubtful } : {}) },
    remove: ['owner', 'lease'],
  };
  await changeTokenState(refresh, change, [{ equal: ['owner', owner] }]);
  log.warn('token request failed', { connection, code: reason.code, reason: reason.message, failures });
  return { reason, later };
}

/**
 * The server says no. A client's secret may have been rotated meanwhile: it is read again, past the cache, and asked with once more. A
 * refresh token may have been used by somebody whose lease was over: then his is there.
 */
async function refused(
  refresh: Refresh,
  { error, reason }: Extract<TokenAnswer, { is: 'refused' }>,
  secret: ConnectionSecret,
): Promise<TokenState | NoCredential> {
  const { state } = refresh;
  forgetSecret(refresh, secretName(refresh));
  const now = await readConnectionSecret(refresh);
  if ('fields' in now && now.version !== secret.version) return request(refresh, now);
  const item = await readTokenState(refresh);
  if (item.version !== state.version) return item;
  const spent = error === 'invalid_grant' && isRefreshInDoubt(state);
  return pause(refresh, state, { reason: spent ? SPENT : reason, secretVersion: secret.version, owner: refresh.owner });
}

/** Pauses the connection until its secret, or its consent, is another one. */
async function pause(
  context: TokenContext,
  state: TokenState,
  {
    reason,
    secretVersion,
    owner,
  }: { readonly reason: Reason; readonly secretVersion: string; readonly owner?: string },
): Promise<NoCredential> {
  const cause = causeWith(state, secretVersion);
  await pauseConnection(context, reason, cause);
  if (owner !== undefined) {
    const change = { set: { cause, causeAt: context.clock.now() }, remove: ['owner', 'lease'] };
    await changeTokenState(context, change, [{ equal: ['owner', owner] }]);
  }
  return { reason, paused: true };
}

/** What is refused when no token comes: this secret, with this consent. */
const causeWith = (state: TokenState, secretVersion: string): string => `${tokenCredentialId(state)} s${secretVersion}`;

async function openRefreshToken(context: TokenContext, { refresh }: TokenState): Promise<string | undefined> {
  if (refresh === undefined) return undefined;
  return unsealText(context, sealOwner(context, 'refresh'), refresh);
}

const consentNeeded = ({ version, refresh }: TokenState): Reason =>
  version === 0
    ? { code: 'not-connected', message: 'no one has consented yet: run headgate connect' }
    : {
        code: 'consent-over',
        message:
          refresh === undefined
            ? 'the token is over and came without a refresh token: run headgate connect'
            : 'the refresh token cannot be opened, for its key is another one now: run headgate connect',
      };

const SPENT: Reason = {
  code: 'consent-over',
  message: 'the answer to a refresh was lost, and the refresh token with it: run headgate connect',
};

const REFUSED: Reason = {
  code: 'token-refused',
  message: 'the token endpoint refused this secret and consent a moment ago',
};

const NO_TIME: Reason = { code: 'token-awaited', message: 'a new token is due, and the time left is too short for it' };
