import type * as z from 'zod';
import { keepsTokens, type TokenScheme } from '../../core/auth/auth-scheme.ts';
import { nextTokenStep, type TokenState, tokenCredentialId } from '../../core/auth/token.ts';
import type { Raw } from '../../core/exchange.ts';
import { DAY } from '../../core/time.ts';
import { type ConnectionContext, forConnection, type Invocation } from '../invocation.ts';
import { connectionState } from './account.ts';
import { readTokenState } from './credentials.ts';
import { resumeConnection } from './pause.ts';
import { refreshToken } from './refresh-token.ts';
import { secretOverdue } from './secret-age.ts';
import { forgetSecret, readConnectionSecret, secretName } from './secrets-cache.ts';

/** How long before a consent ends somebody is told. */
const NOTICE = 14 * DAY;

/** Why a connection is paused, by its name. */
export type PausedConnections = ReadonlyMap<string, string>;

/**
 * Sees to what authorises each connection: one that was paused resumes when its secret or its consent is another one; a refresh token
 * that would die of idleness is used; of a consent that ends soon, and of a secret that is old, somebody is told. Gives the connections that stay paused.
 */
export async function keepAuthorised(invocation: Invocation): Promise<PausedConnections> {
  const { connector, connections, metrics, log } = invocation;
  const paused = new Map<string, string>();
  let [ageing, old] = [0, 0];
  for await (const { sk, ...item } of connections.query(connector.name, '')) {
    try {
      const state = connectionState.parse(item);
      old += await tellOld(forConnection(invocation, sk));
      if (state.status === 'paused' && !(await mended(forConnection(invocation, sk), state)))
        paused.set(sk, state.reason ?? 'somebody paused it');
      else if (keepsTokens(connector.auth))
        ageing += await tend(forConnection(invocation, sk), state.params, connector.auth);
    } catch (error) {
      // One connection that cannot be looked at does not keep the others from it.
      log.warn('connection not looked at', { connection: sk, reason: error instanceof Error ? error.name : '' });
    }
  }
  metrics.add('ConnectionsAgeing', ageing);
  metrics.add('SecretsAgeing', old);
  return paused;
}

/** Gives 1 if the secret is older than it is to be. */
async function tellOld(context: ConnectionContext): Promise<number> {
  const overdue = await secretOverdue(context);
  if (overdue === undefined) return 0;
  context.log.warn('secret is old', { connection: context.connection, ...overdue });
  return 1;
}

/** Resumes a connection if what was refused is no longer what it has. */
async function mended(
  context: ConnectionContext,
  { cause, pausedBy }: z.output<typeof connectionState>,
): Promise<boolean> {
  if (cause === undefined || pausedBy !== undefined) return false;
  forgetSecret(context, secretName(context));
  const { version } = await readConnectionSecret(context);
  const now = new Set([`s${version}`, tokenCredentialId(await readTokenState(context))]);
  if (cause.split(' ').every((part) => now.has(part))) return false;
  return resumeConnection(context, cause); // R86
}

/** Gives 1 if the consent ends soon. */
async function tend(context: ConnectionContext, params: string, flow: TokenScheme<Raw, Raw>): Promise<number> {
  if (flow.kind !== 'authorizationCode') return 0;
  const now = context.clock.now();
  const state = await readTokenState(context);
  if (isIdle(state, flow.idle, now)) {
    const given = context.connector.params.safeParse(JSON.parse(params));
    const place = { connection: context.connection, params: given.data, flow, meters: [] };
    if (given.success) await refreshToken({ ...context, ...place }, state);
  }
  if (flow.consent === undefined || state.consentAt === undefined) return 0;
  const left = state.consentAt + flow.consent - now;
  if (left > NOTICE) return 0;
  context.log.warn('consent ends soon', { connection: context.connection, days: Math.max(0, Math.floor(left / DAY)) });
  return 1;
}

/** Whether a refresh token has not been used for half of what it can bear. */
const isIdle = (state: TokenState, idle: number, now: number): boolean =>
  state.refresh !== undefined &&
  now - (state.gotAt ?? 0) > idle / 2 &&
  Math.max(state.lease, state.retryAt) <= now &&
  nextTokenStep(state, now).do !== 'wait';
