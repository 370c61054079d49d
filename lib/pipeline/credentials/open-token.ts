import * as z from 'zod';
import { type TokenState, tokenCredentialId } from '../../core/auth/token.ts';
import { LONGEST_GRANT } from '../../core/bounds.ts';
import type { Credential, NoCredential } from './credentials.ts';
import { changeTokenState, sameVersion, type TokenContext } from './credentials.ts';
import { discoverGrant } from './discover.ts';
import { pauseConnection } from './pause.ts';
import { pauseCause } from './refusal-tracker.ts';
import { sealText, unsealText } from './secrets-cache.ts';

/** What stands in the item, sealed: the token, and what was told with it. */
const content = z.object({ token: z.string(), grant: z.unknown().optional() });
export type TokenContent = { readonly token: string; readonly grant?: unknown };

/** Whose a sealed text is: of one connection, and for one purpose. */
export const sealOwner = ({ connector, connection }: TokenContext, what: 'token' | 'refresh'): string =>
  `${connector.name}/${connection}/${what}`;

export const sealToken = (context: TokenContext, token: TokenContent): Promise<string> =>
  sealText(context, sealOwner(context, 'token'), JSON.stringify(token));

/** What is stored, or `undefined` if it cannot be opened. */
export async function readToken(context: TokenContext, { token }: TokenState): Promise<TokenContent | undefined> {
  if (token === undefined) return undefined;
  const text = await unsealText(context, sealOwner(context, 'token'), token);
  return text === undefined ? undefined : content.parse(JSON.parse(text));
}

/** The stored token, ready for requests. What the connector wants to discover with it is discovered once, and kept. */
export async function decryptToken(
  context: TokenContext,
  state: TokenState,
): Promise<Credential | NoCredential | undefined> {
  const stored = await readToken(context, state);
  if (stored === undefined) return undefined;
  const credential = { mark: tokenCredentialId(state), fields: { token: stored.token }, grant: stored.grant };
  if (stored.grant !== undefined) return credential;
  if (context.flow.tells) {
    await pauseConnection(context, UNTOLD, await pauseCause(context, tokenCredentialId(state)));
    return { reason: UNTOLD, paused: true };
  }
  if (context.flow.discover === undefined) return credential;
  const found = await discoverGrant(context, context.flow.discover, credential);
  if (!('grant' in found)) return found;
  const token = await sealToken(context, { token: stored.token, grant: found.grant });
  await changeTokenState(context, { set: { token } }, [sameVersion(state)]);
  return { ...credential, grant: found.grant };
}

const UNTOLD = {
  code: 'bad-grant',
  message: `the token answer does not tell what the connector declares as its "grant", in at most ${LONGEST_GRANT} bytes`,
};
