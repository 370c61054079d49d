import type { TokenScheme } from '../../core/auth/auth-scheme.ts';
import { type TokenState, tokenState } from '../../core/auth/token.ts';
import type { Raw } from '../../core/exchange.ts';
import type { Reason } from '../../core/response/judge.ts';
import type { ConnectionContext, Invocation } from '../invocation.ts';
import type { LimiterKey } from '../limits/limiter-store.ts';
import type { Change, Clause, Key } from '../ports.ts';

/** What a request is authorised with. */
export type Credential = {
  /** Names it without telling it: the version of a token, or of a secret. */
  readonly mark: string;
  /** What `authorise` puts into a request. */
  readonly fields: Raw;
  /** What the token answer, or `discover`, told. */
  readonly grant: Raw;
};

/** Why there is none: one may come `later` (milliseconds), or the connection was paused until somebody mends what is wrong. */
export type NoCredential = { readonly reason: Reason } & ({ readonly later: number } | { readonly paused: true });

/** Which request was refused, method and URL, and how. */
export type RefusedCredential = { readonly request: string; readonly reason: Reason };

/** A credential that the API refused: what to send the request with once more, or why it is not sent again. */
export type CredentialReplacement = Credential | NoCredential | { readonly reason: Reason; readonly alone: true };

/** How the requests of one connection are authorised, as one worker knows it. */
export type Credentials = {
  /** The credential for a request that leaves now. */
  current(invocation: Invocation): Promise<Credential | NoCredential>;
  /** The same again at the moment of leaving, or the one that has come in its place meanwhile; `undefined`: it is over. */
  atHand(credential: Credential, leavesAt: number): Credential | undefined;
  /** The API took it. */
  worked(invocation: Invocation, credential: Credential): Promise<void>;
  /** The API refused it. */
  refused(invocation: Invocation, credential: Credential, refused: RefusedCredential): Promise<CredentialReplacement>;
  /** When no refresh is under way any more. */
  settled(): Promise<void>;
};

/** A connection whose requests a token authorises. */
export type TokenAccount = {
  readonly connection: string;
  readonly params: Raw;
  readonly flow: TokenScheme<Raw, Raw>;
  /** The meters that requests for tokens reserve on, like any other request. */
  readonly meters: readonly LimiterKey[];
};
/** An invocation's work on the token of one connection. */
export type TokenContext = Invocation & TokenAccount;

/** The key of a connection's item in the Tokens table. */
export const tokenKey = (connector: string, connection: string): Key => ({
  pk: `${connector}/${connection}`,
  sk: 'TOKEN',
});

export async function readTokenState({ tokens, connector, connection }: ConnectionContext): Promise<TokenState> {
  return tokenState.parse((await tokens.get(tokenKey(connector.name, connection))) ?? {});
}

/** Changes the item, which need not be there. Gives it as it then stands, or as it stood against the change. */
export async function changeTokenState(
  { tokens, connector, connection }: ConnectionContext,
  change: Change,
  when: readonly Clause[],
): Promise<{ readonly ok: boolean; readonly item: TokenState }> {
  const written = await tokens.upsert(tokenKey(connector.name, connection), change, when);
  return { ok: written.ok, item: tokenState.parse(written.item ?? {}) };
}

/** Holds as long as no other token was stored. */
export const sameVersion = ({ version }: TokenState): Clause =>
  version === 0 ? { absent: 'version' } : { equal: ['version', version] };
