import * as z from 'zod';
import { bytesOf, LONGEST_GRANT } from '../bounds.ts';
import { MINUTE, SECOND } from '../time.ts';

/**
 * One token of one connection, shared by all workers. A refresh is done by one of them, early, while the others go on with the token
 * that is still valid:
 *
 *   got ──────────────────── 80 % ± 5 % ──────── valid until ── expires
 *        everybody uses it      one refreshes,      a little early, for
 *                               all go on using     clocks and the way
 */

/** The longest a token request may take. The longest of all deadlines: one that is given up may have spent the refresh token. */
export const TOKEN_DEADLINE = 60 * SECOND;
/** The lease for a refresh, longer than its deadline, so that two are never in flight. */
export const REFRESH_LEASE = 75 * SECOND; // R78

/** The item of a connection in the Tokens table: `pk` is `<connector>/<connection>`. */
export const tokenState = z.object({
  /** Counts the tokens that were stored. */
  version: z.number().default(0),
  /** The token, and what was told with it (JWE). */
  token: z.string().optional(),
  /** Epoch milliseconds; absent: until it is refused. */
  validUntil: z.number().optional(),
  refreshAt: z.number().optional(),
  /** When the token was got: epoch milliseconds. */
  gotAt: z.number().optional(),
  /** The refresh token (JWE). */
  refresh: z.string().optional(),
  /** Owner and end of the lease, epoch milliseconds. A lease that expired with its owner set was cut off in the middle. */
  owner: z.string().optional(),
  lease: z.number().default(0),
  /** Whether a refresh of this version ended in a way that leaves open whether its refresh token is spent. */
  doubtful: z.boolean().default(false),
  /** How often in a row there was no token, and until when not to ask again. */
  failures: z.number().default(0),
  retryAt: z.number().default(0),
  /** The version, or the version of a secret, that the API took last. */
  worked: z.string().optional(),
  /** The version that the API refused. */
  refused: z.string().optional(),
  /** What was refused although it had worked, and since when nothing has. */
  suspect: z.string().optional(),
  suspectAt: z.number().default(0),
  /** For which request, and whether for others as well. */
  suspectFor: z.string().optional(),
  suspectMany: z.boolean().default(false),
  /** What the token endpoint refused last, a secret with a consent, and when: epoch milliseconds. */
  cause: z.string().optional(),
  causeAt: z.number().default(0),
  /** When a person consented: epoch milliseconds. */
  consentAt: z.number().optional(),
});
export type TokenState = z.output<typeof tokenState>;

/** How a version is named where it is compared with what was refused, or worked. */
export const tokenCredentialId = ({ version }: { version: number }): string => `v${version}`;

/** Whether the token that is there can be sent. */
export const isTokenUsable = (state: TokenState, now: number): boolean =>
  state.token !== undefined &&
  state.refused !== tokenCredentialId(state) &&
  (state.validUntil ?? Number.POSITIVE_INFINITY) > now; // R84

/**
 * Whether the outcome of the last refresh of this version is unknown: it was cut off, or its answer was lost. Its refresh token may be spent.
 */
export const isRefreshInDoubt = ({ refresh, doubtful, owner }: TokenState): boolean =>
  refresh !== undefined && (doubtful || owner !== undefined);

export type TokenStep =
  /** Send the current token. */
  | { readonly do: 'use' }
  /** Refresh, unless another worker does. `early`: the current token stays in use meanwhile. */
  | { readonly do: 'refresh'; readonly early: boolean }
  /** Another worker refreshes, or a request failed a moment ago. `millis`: at most. */
  | { readonly do: 'wait'; readonly millis: number };

/**
 * What to do for a token now. After a refresh of unknown outcome the old token is used up first: its refresh token may be spent, and using
 * it again may end the consent. By then nothing is lost that would have lived.
 */
export function nextTokenStep(state: TokenState, now: number): TokenStep {
  const usable = isTokenUsable(state, now);
  const blocked = Math.max(state.lease, state.retryAt);
  if (blocked > now) return usable ? { do: 'use' } : { do: 'wait', millis: blocked - now };
  if (!usable) return { do: 'refresh', early: false };
  const due = (state.refreshAt ?? Number.POSITIVE_INFINITY) <= now;
  return due && !isRefreshInDoubt(state) ? { do: 'refresh', early: true } : { do: 'use' }; // R81
}

/** No more than this is taken off a token's life for clocks that differ and for the way to the API. */
const LONGEST_MARGIN = 30 * SECOND;

/**
 * When a token is refreshed and how long it is used, in epoch milliseconds. `got`: when its request left. `life`: milliseconds; `undefined`:
 * until it is refused. `random`: 0 ≤ r < 1, so that many connections do not refresh at once.
 */
export function tokenLifetime(
  got: number,
  life: number | undefined,
  random: number,
): { readonly validUntil?: number; readonly refreshAt?: number } {
  if (life === undefined) return {};
  const margin = Math.min(LONGEST_MARGIN, 0.05 * life);
  return {
    validUntil: Math.floor(got + life - margin),
    refreshAt: Math.floor(got + life * (0.75 + 0.1 * random)),
  };
}

const LONGEST_PATIENCE = 5 * MINUTE;

/** Milliseconds until a token is asked for again after so many failures in a row, the last one included: 1 s, doubling, to 5 min. */
export const tokenRetryDelay = (failures: number, random: number, advised = 0): number =>
  Math.max(advised, (0.5 + 0.5 * random) * Math.min(LONGEST_PATIENCE, SECOND * 2 ** failures));

/** Whether what is told with a token fits into its item. */
export const fitsBesideToken = (grant: unknown): boolean => bytesOf(JSON.stringify(grant) ?? '') <= LONGEST_GRANT;
