import { isTokenUsable, nextTokenStep, type TokenState, tokenCredentialId } from '../../core/auth/token.ts';
import { MINUTE, SECOND } from '../../core/time.ts';
import type { Invocation } from '../invocation.ts';
import type { Credential, Credentials, NoCredential } from './credentials.ts';
import { changeTokenState, readTokenState, sameVersion, type TokenAccount, type TokenContext } from './credentials.ts';
import { decryptToken } from './open-token.ts';
import { refreshToken } from './refresh-token.ts';
import { refusalTracker } from './refusal-tracker.ts';

/** How often a worker that waits for another's refresh looks whether it is done, and for how long before it goes away. */
const LOOK_EVERY = 250;
const LOOK_FOR = 5 * SECOND;
/** A token that worked is not refreshed for a refusal more often than this: it may be the page. */
const REFUSALS_EVERY = MINUTE;

/** A token as a worker holds it. */
type Held = { readonly credential: Credential; readonly state: TokenState };

/**
 * Requests that a token authorises: from memory, from the table, from the token endpoint. One worker refreshes, early, while all go on
 * with the token that is still valid; who has none waits a little, or comes back later.
 */
export function tokenCredentials(account: TokenAccount): Credentials {
  const { connection } = account;
  const within = (invocation: Invocation): TokenContext => ({ ...invocation, ...account });
  const seen = refusalTracker(connection);
  let held: Held | undefined;
  let obtaining: Promise<Credential | NoCredential> | undefined;
  let renewing: Promise<void> | undefined;
  let lookAgainAt = 0;

  const usable = (invocation: Invocation): Credential | undefined =>
    held !== undefined && isTokenUsable(held.state, invocation.clock.now()) ? held.credential : undefined;

  function current(invocation: Invocation): Promise<Credential | NoCredential> {
    const now = invocation.clock.now();
    const found = usable(invocation);
    if (held === undefined || found === undefined) {
      obtaining ??= obtain(invocation).finally(() => {
        obtaining = undefined;
      });
      return obtaining;
    }
    if (renewing === undefined && now >= lookAgainAt && nextTokenStep(held.state, now).do === 'refresh') {
      renewing = renew(invocation, held.state).finally(() => {
        renewing = undefined;
      });
    }
    return Promise.resolve(found);
  }

  /** Sees to a new token while the old one is used. What memory knows may be out of date; the table tells whose turn it is. */
  async function renew(invocation: Invocation, known: TokenState): Promise<void> {
    try {
      const state = await readTokenState(within(invocation));
      const now = invocation.clock.now();
      const due = state.version === known.version && nextTokenStep(state, now).do === 'refresh';
      // While somebody refreshes, his token may be there at any moment; while it is used up first, there is time.
      lookAgainAt = now + Math.min(state.lease > now ? LOOK_EVERY : LOOK_FOR, ((state.validUntil ?? now) - now) / 4);
      const next = due ? await refreshToken(within(invocation), state) : state;
      if (next !== undefined && 'version' in next) await take(invocation, next);
    } catch (error) {
      // The old token is still valid. The next caller that needs a new one will find out what is wrong.
      const reason = error instanceof Error ? error.name : 'unknown';
      invocation.log.warn('token not refreshed', { connection, reason });
    }
  }

  async function obtain(invocation: Invocation): Promise<Credential | NoCredential> {
    const { clock } = invocation;
    const until = clock.now() + LOOK_FOR;
    for (;;) {
      const state = await readTokenState(within(invocation));
      const step = nextTokenStep(state, clock.now());
      if (step.do === 'use' || (step.do === 'refresh' && step.early)) {
        const taken = await take(invocation, state);
        if (taken !== undefined) return taken;
      }
      const next = step.do === 'refresh' && !step.early ? await refreshToken(within(invocation), state) : undefined;
      if (next !== undefined && 'version' in next) continue;
      if (next !== undefined) return next;
      const millis = step.do === 'wait' ? step.millis : LOOK_EVERY;
      // A lease is looked at, for its refresh may be done at any moment.
      const leased = state.lease > clock.now();
      if (clock.now() >= until || (!leased && clock.now() + millis > until))
        return { reason: WAITING, later: leased ? SECOND : millis };
      await clock.wait(Math.min(millis, LOOK_EVERY));
    }
  }

  /** Takes what is stored into memory; `undefined`: it cannot be opened, and counts as refused from now on. */
  async function take(invocation: Invocation, state: TokenState): Promise<Credential | NoCredential | undefined> {
    const opened = await decryptToken(within(invocation), state);
    if (opened === undefined) await refuse(invocation, state);
    if (opened === undefined || !('mark' in opened)) return opened;
    if (held === undefined || held.state.version <= state.version) held = { credential: opened, state };
    return opened;
  }

  async function refuse(invocation: Invocation, state: TokenState): Promise<void> {
    const change = { set: { refused: tokenCredentialId(state) } };
    await changeTokenState(within(invocation), change, [sameVersion(state)]);
    if (held?.state.version === state.version) held = undefined;
  }

  return {
    async current(invocation) {
      const credential = await current(invocation);
      return 'mark' in credential ? seen.allow(invocation, credential) : credential;
    },
    atHand: (_credential, leavesAt) =>
      held !== undefined && isTokenUsable(held.state, leavesAt) ? held.credential : undefined,
    worked: seen.worked,
    async refused(invocation, credential, refused) {
      const found = usable(invocation);
      if (found !== undefined && found.mark !== credential.mark) return found;
      const state = await readTokenState(within(invocation));
      if (tokenCredentialId(state) === credential.mark && state.refused !== credential.mark) {
        const old = invocation.clock.now() - (state.gotAt ?? 0) >= REFUSALS_EVERY;
        if (state.worked !== credential.mark || !old)
          return seen.weigh(invocation, credential, refused, ({ worked }) => worked !== undefined);
        await refuse(invocation, state);
      }
      if (held?.credential.mark === credential.mark) held = undefined;
      return current(invocation);
    },
    async settled() {
      // The caller that needed it has heard of its failure.
      await Promise.allSettled([renewing, obtaining]);
    },
  };
}

const WAITING = { code: 'token-awaited', message: 'a new token is being fetched' };
