import * as z from 'zod';
import { markOf, type TokenState } from '../../core/auth/token.ts';
import type { Invocation } from '../invocation.ts';
import type { Credential, NoCredential } from './credentials.ts';
import { changeTokenState, sameVersion, type TokenPlace } from './credentials.ts';
import { discover } from './discover.ts';
import { pauseConnection } from './pause.ts';
import { causeOf } from './refusal-tracker.ts';
import { seal, unseal } from './secrets-cache.ts';

/** What stands in the item, sealed: the token, and what was told with it. */
const content = z.object({ token: z.string(), grant: z.unknown().optional() });
export type TokenContent = { readonly token: string; readonly grant?: unknown };

/** Whose a sealed text is: of one connection, and for one purpose. */
export const ownerOf = ({ connector }: Invocation, { connection }: TokenPlace, what: 'token' | 'refresh'): string =>
  `${connector.name}/${connection}/${what}`;

export const sealToken = (invocation: Invocation, place: TokenPlace, token: TokenContent): Promise<string> =>
  seal(invocation, ownerOf(invocation, place, 'token'), JSON.stringify(token));

/** What is stored, or `undefined` if it cannot be opened. */
export async function readToken(
  invocation: Invocation,
  place: TokenPlace,
  { token }: TokenState,
): Promise<TokenContent | undefined> {
  if (token === undefined) return undefined;
  const text = await unseal(invocation, ownerOf(invocation, place, 'token'), token);
  return text === undefined ? undefined : content.parse(JSON.parse(text));
}

/** The stored token, ready for requests. What the connector wants to discover with it is discovered once, and kept. */
export async function openToken(
  invocation: Invocation,
  place: TokenPlace,
  state: TokenState,
): Promise<Credential | NoCredential | undefined> {
  const stored = await readToken(invocation, place, state);
  if (stored === undefined) return undefined;
  const credential = { mark: markOf(state), fields: { token: stored.token }, grant: stored.grant };
  if (stored.grant !== undefined) return credential;
  if (place.flow.tells) {
    await pauseConnection(
      invocation,
      place.connection,
      UNTOLD,
      await causeOf(invocation, place.connection, markOf(state)),
    );
    return { reason: UNTOLD, paused: true };
  }
  if (place.flow.discover === undefined) return credential;
  const found = await discover(invocation, place, place.flow.discover, credential);
  if (!('grant' in found)) return found;
  const token = await sealToken(invocation, place, { token: stored.token, grant: found.grant });
  await changeTokenState(invocation, place.connection, { set: { token } }, [sameVersion(state)]);
  return { ...credential, grant: found.grant };
}

const UNTOLD = {
  code: 'bad-grant',
  message: 'the token answer does not tell what the connector declares as its "grant"',
};
