import { hash } from 'node:crypto';
import { keepsTokens } from '../../core/auth/auth-scheme.ts';
import { interpretRefusal, refusedCredential } from '../../core/auth/refused-credential.ts';
import type { TokenState } from '../../core/auth/token.ts';
import { SECOND } from '../../core/time.ts';
import { type ConnectionContext, forConnection, type Invocation } from '../invocation.ts';
import type { Credential, NoCredential, RefusedCredential } from './credentials.ts';
import { changeTokenState, readTokenState } from './credentials.ts';
import { pauseConnection } from './pause.ts';
import { readConnectionSecret } from './secrets-cache.ts';

/** How often a worker whose requests succeed looks whether somebody doubts the credential. Less than a suspicion needs to harden. */
const NOTED_EVERY = 20 * SECOND;

/** What one worker has seen of a connection's credentials, and shares with the others. */
export type RefusalTracker = {
  /** The credential for a request, unless it is under suspicion here: then one request in a while tries it, and the others wait. */
  allow(invocation: Invocation, credential: Credential): Credential | NoCredential;
  /** A request was authorised. */
  worked(invocation: Invocation, credential: Credential): Promise<void>;
  /** A request was not, and there is no newer credential. `proven`: whether credentials like this one ever worked. */
  weigh(
    invocation: Invocation,
    credential: Credential,
    refused: RefusedCredential,
    proven: (state: TokenState) => boolean,
  ): Promise<NoCredential>;
};

/** What is wrong when this is refused: it, and for a token also the secret that it was asked for with. */
export async function pauseCause(context: ConnectionContext, mark: string): Promise<string> {
  if (!keepsTokens(context.connector.auth)) return mark;
  const { version } = await readConnectionSecret(context);
  return `${mark} s${version}`;
}

export function refusalTracker(connection: string): RefusalTracker {
  let seen = { mark: '', notedAt: Number.NEGATIVE_INFINITY };
  let doubted: { readonly mark: string; triedAt: number } | undefined;
  return {
    allow({ clock }, credential) {
      const now = clock.now();
      if (doubted?.mark !== credential.mark) return credential;
      if (now - doubted.triedAt < TRY_EVERY) return { reason: DOUBTED, later: TRY_EVERY };
      doubted.triedAt = now;
      return credential;
    },

    async worked(invocation, { mark }) {
      const now = invocation.clock.now();
      if (seen.mark === mark && now - seen.notedAt < NOTED_EVERY) return;
      seen = { mark, notedAt: now };
      doubted = undefined;
      const state = await readTokenState(forConnection(invocation, connection));
      if (state.worked === mark && state.suspect === undefined) return;
      await changeTokenState(forConnection(invocation, connection), { set: { worked: mark }, remove: SUSPICION }, []);
    },

    async weigh(invocation, { mark }, { request, reason }, proven) {
      const state = await readTokenState(forConnection(invocation, connection));
      const named = hash('sha256', request, 'base64url').slice(0, 12);
      const circumstances = { mark, request: named, proven: proven(state), now: invocation.clock.now() };
      const meaning = interpretRefusal(state, circumstances);
      if (meaning.is === 'pause') {
        const cause = await pauseCause(forConnection(invocation, connection), mark);
        await pauseConnection(forConnection(invocation, connection), refusedCredential(reason), cause);
        return { reason: refusedCredential(reason), paused: true };
      }
      if (meaning.note !== undefined)
        await changeTokenState(forConnection(invocation, connection), { set: meaning.note }, []);
      // The next success is to be told at once.
      seen = { mark: '', notedAt: Number.NEGATIVE_INFINITY };
      doubted = { mark, triedAt: circumstances.now };
      return { reason, later: meaning.millis };
    },
  };
}

/** How often a credential under suspicion is tried by one worker. */
const TRY_EVERY = 5 * SECOND;
const DOUBTED = { code: 'credential-doubted', message: 'the API refused the credential a moment ago' };

const SUSPICION = ['suspect', 'suspectAt', 'suspectFor', 'suspectMany'];
