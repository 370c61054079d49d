import type { Reason } from '../core/judge.ts';
import { meaningOf, refusedCredential } from '../core/suspicion.ts';
import { SECOND } from '../core/time.ts';
import type { TokenState } from '../core/token.ts';
import type { Credential, Replacement } from './credentials.ts';
import type { Invocation } from './invocation.ts';
import { pauseConnection } from './pause.ts';
import { changeTokenState, readTokenState } from './token-item.ts';

/** How often a worker whose requests succeed looks whether somebody doubts the credential. Less than a suspicion needs to harden. */
const NOTED_EVERY = 20 * SECOND;

/** What one worker has seen of a connection's credentials, and shares with the others. */
export type Evidence = {
  /** A request that left then was authorised. */
  worked(invocation: Invocation, credential: Credential, leftAt: number): Promise<void>;
  /** A request was not, and there is no newer credential. `proven`: whether credentials like this one ever worked. */
  weigh(
    invocation: Invocation,
    credential: Credential,
    leftAt: number,
    reason: Reason,
    proven: (state: TokenState) => boolean,
  ): Promise<Exclude<Replacement, Credential>>;
};

export function evidence(connection: string): Evidence {
  let seen = { mark: '', leftAt: 0, notedAt: Number.NEGATIVE_INFINITY };
  return {
    async worked(invocation, { mark }, leftAt) {
      const now = invocation.clock.now();
      if (seen.mark !== mark) seen = { mark, leftAt: 0, notedAt: Number.NEGATIVE_INFINITY };
      seen.leftAt = Math.max(seen.leftAt, leftAt);
      if (now - seen.notedAt < NOTED_EVERY) return;
      seen.notedAt = now;
      const state = await readTokenState(invocation, connection);
      if (state.worked === mark && state.suspect === undefined) return;
      const change = { set: { worked: mark, workedAt: now }, remove: ['suspect', 'suspectAt'] };
      await changeTokenState(invocation, connection, change, []);
    },

    async weigh(invocation, { mark }, leftAt, reason, proven) {
      const now = invocation.clock.now();
      const state = await readTokenState(invocation, connection);
      const shared = state.worked === mark ? state.workedAt : 0;
      const workedAt = seen.mark === mark ? Math.max(seen.leftAt, shared) : shared;
      const meaning = meaningOf(state, { mark, leftAt, workedAt, proven: proven(state), now });
      if (meaning.is === 'alone') return { reason, alone: true };
      if (meaning.is === 'pause') {
        await pauseConnection(invocation, connection, refusedCredential(reason), mark);
        return { reason: refusedCredential(reason), paused: true };
      }
      if (meaning.suspect)
        await changeTokenState(invocation, connection, { set: { suspect: mark, suspectAt: now } }, []);
      // The next success is to be told at once.
      seen.notedAt = Number.NEGATIVE_INFINITY;
      return { reason, later: meaning.millis };
    },
  };
}
