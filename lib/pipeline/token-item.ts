import type { TokenScheme } from '../core/auth-scheme.ts';
import type { Raw } from '../core/exchange.ts';
import { type TokenState, tokenState } from '../core/token.ts';
import type { Invocation } from './invocation.ts';
import type { MeterPlace } from './meters.ts';
import type { Change, Clause, Key } from './ports.ts';

/** The item of a connection in the Tokens table. */

/** What about the tokens of one connection does not change from call to call. */
export type TokenPlace = {
  readonly connection: string;
  readonly params: Raw;
  readonly flow: TokenScheme<Raw, Raw>;
  /** The meters that requests for tokens reserve on, like any other request. */
  readonly meters: readonly MeterPlace[];
};

export const tokenKey = (connector: string, connection: string): Key => ({
  pk: `${connector}/${connection}`,
  sk: 'TOKEN',
});

export async function readTokenState({ tokens, connector }: Invocation, connection: string): Promise<TokenState> {
  return tokenState.parse((await tokens.get(tokenKey(connector.name, connection))) ?? {});
}

/** Changes the item, which need not be there. Gives it as it then stands, or as it stood against the change. */
export async function changeTokenState(
  { tokens, connector }: Invocation,
  connection: string,
  change: Change,
  when: readonly Clause[],
): Promise<{ readonly ok: boolean; readonly item: TokenState }> {
  const written = await tokens.upsert(tokenKey(connector.name, connection), change, when);
  return { ok: written.ok, item: tokenState.parse(written.item ?? {}) };
}

/** Holds as long as no other token was stored. */
export const sameVersion = ({ version }: TokenState): Clause =>
  version === 0 ? { absent: 'version' } : { equal: ['version', version] };
