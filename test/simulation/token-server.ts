import { TOKEN_DEADLINE } from '../../lib/core/auth/token.ts';
import { MINUTE, SECOND } from '../../lib/core/time.ts';
import type { Random, TransportFailure, WireReply, WireRequest } from '../../lib/pipeline/ports.ts';
import type { Tally } from './tally.ts';
import type { VirtualTime } from './virtual-time.ts';

/** An authorization server whose refresh tokens rotate, and whose families die when one is used twice; and the API that takes its tokens. */

const MARK = 'T0K3N-never-to-be-seen';
export const TOKEN_MARK = MARK;

type Family = { readonly id: number; live: string; readonly spent: Set<string>; dead: boolean };
type Call = { readonly refresh: string; readonly leftAt: number; answeredAt: number | undefined };

export type TokenServer = ReturnType<typeof tokenServer>;

export type TokenServerOptions = {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly tally: Tally;
  /** How often it fails, hangs, or answers late. */
  readonly fails: number;
  readonly skew: number;
  readonly broken: (invariant: string, what: string) => void;
};

export function tokenServer({ time, random, tally, fails, skew, broken }: TokenServerOptions) {
  const life = (1 + random.number() * 30) * MINUTE;
  const families: Family[] = [];
  const familyOf = new Map<string, Family>();
  const accessTokens = new Map<string, { readonly family: Family; readonly until: number }>();
  const calls: Call[] = [];
  /** Refresh tokens in the order in which they were stored. */
  const stored: string[] = [];
  let made = 0;
  let calm = false;
  const refusals = { count: 0 };

  const reply = (status: number, body: unknown): WireReply => ({
    status,
    headers: {},
    body: new TextEncoder().encode(JSON.stringify(body)),
  });

  function issue(family: Family): { access: string; refresh: string } {
    const [access, refresh] = [`${MARK}-a${made}`, `${MARK}-r${made}`];
    made += 1;
    family.live = refresh;
    familyOf.set(refresh, family);
    accessTokens.set(access, { family, until: time.now() + life });
    return { access, refresh };
  }

  /** Whether what was stored last could still be used. */
  const lives = (family: Family): boolean =>
    [...accessTokens.values()].some((token) => token.family === family && token.until > time.now() + skew) &&
    stored.at(-1) !== undefined &&
    familyOf.get(stored.at(-1) ?? '') === family;

  function rotate(refresh: string): WireReply {
    const family = familyOf.get(refresh);
    if (family === undefined || family.dead) {
      refusals.count += 1;
      return reply(400, { error: 'invalid_grant' });
    }
    if (family.spent.has(refresh)) {
      tally.count('families ended by reuse');
      if (usable(family, stored))
        broken('4 nothing is lost that lives', `${refresh} was used twice, while its token was valid`);
      family.dead = true;
      refusals.count += 1;
      return reply(400, { error: 'invalid_grant' });
    }
    family.spent.add(refresh);
    const { access, refresh: next } = issue(family);
    return reply(200, { access_token: access, refresh_token: next, token_type: 'bearer', expires_in: life / SECOND });
  }

  /** Whether the access token that was stored last in this family is still valid. */
  const usable = (family: Family, order: readonly string[]): boolean => {
    const last = order.at(-1);
    if (last === undefined || familyOf.get(last) !== family) return false;
    const token = accessTokens.get(last.replace('-r', '-a'));
    return token !== undefined && token.until * 1 - 0.05 * life > time.now() + skew;
  };

  return {
    life,
    refusals,
    lives,
    becomeCalm: () => {
      calm = true;
    },
    /** A person consents: a new family. */
    consent(): { access: string; refresh: string; life: number } {
      const family: Family = { id: families.length, live: '', spent: new Set(), dead: false };
      families.push(family);
      return { ...issue(family), life };
    },
    noteStored(refresh: string): void {
      const newest = Math.max(-1, ...stored.map((each) => familyOf.get(each)?.id ?? -1));
      if ((familyOf.get(refresh)?.id ?? -1) < newest)
        broken('4 a consent is not overwritten', `${refresh} is of one before`);
      if (stored.at(-1) !== refresh) stored.push(refresh);
    },
    /** Whether a granted refresh token was stored, or came too late to be: somebody has consented anew meanwhile. */
    wasKept: (refresh: string): boolean =>
      stored.includes(refresh) ||
      familyOf.get(refresh)?.id !== families.length - 1 ||
      familyOf.get(refresh)?.dead === true,
    /** Whether the refresh token that was stored last could be used. */
    isGood(): boolean {
      const last = stored.at(-1) ?? '';
      const family = familyOf.get(last);
      return family !== undefined && !family.dead && !family.spent.has(last);
    },
    api(token: string): boolean {
      const known = accessTokens.get(token);
      if (known !== undefined && known.until + skew < time.now())
        broken('no request with an expired token', `it was over ${Math.round(time.now() - known.until)} ms ago`);
      return known !== undefined && !known.family.dead && known.until > time.now();
    },
    /** Begins a refresh; `answered` is to be called when somebody alive has the answer. */
    answer(request: WireRequest): { takes: number; reply: () => WireReply | TransportFailure; answered: () => void } {
      const refresh = new URLSearchParams(request.body).get('refresh_token') ?? '';
      const now = time.now();
      tally.count('refreshes');
      for (const other of calls.filter((each) => each.refresh === refresh)) {
        const over = other.answeredAt ?? other.leftAt + TOKEN_DEADLINE;
        if (over > now + skew)
          broken('4 one refresh at a time', `${refresh} was sent again after ${now - other.leftAt} ms`);
      }
      const at = stored.lastIndexOf(refresh);
      if (at >= 0 && at < stored.length - 1) broken('4 no refresh token after its successor', `${refresh} was sent`);
      const call: Call = { refresh, leftAt: now, answeredAt: undefined };
      calls.push(call);
      const answered = (): void => {
        call.answeredAt = time.now();
      };
      const fate = calm ? 1 : random.number();
      if (fate < fails) {
        tally.count('refreshes that failed');
        return { takes: 500, reply: () => reply(503, {}), answered };
      }
      // It does what it was asked for, and the answer takes its time, or never comes.
      const result = {
        takes: 50 + random.number() * (fate < 3 * fails ? 90 * SECOND : 2 * SECOND),
        done: undefined as WireReply | undefined,
      };
      time.after(Math.min(result.takes, 40), () => {
        result.done = rotate(refresh);
      });
      return { takes: result.takes, reply: () => result.done ?? rotate(refresh), answered };
    },
  };
}
