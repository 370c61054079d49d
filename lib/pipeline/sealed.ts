import type { Invocation } from './invocation.ts';
import { readSecret } from './secrets-cache.ts';

/**
 * Tokens at rest are sealed: a token that is copied to another connection's row cannot be opened there. The key is a random text of the
 * stage's own in the secrets manager.
 */

/** Seals a text for its owner. */
export async function seal(invocation: Invocation, owner: string, text: string): Promise<string> {
  const key = await readSecret(invocation, invocation.settings.TOKEN_KEY);
  if (key === undefined) throw new Error('The key that seals tokens is not in the secrets manager.');
  return invocation.seals.seal(key, owner, text);
}

/** Opens what was sealed for this owner, with the key as it stands or as it stood before; `undefined`: it cannot be opened. */
export async function unseal(invocation: Invocation, owner: string, sealed: string): Promise<string | undefined> {
  for (const stage of ['AWSCURRENT', 'AWSPREVIOUS'] as const) {
    const key = await readSecret(invocation, invocation.settings.TOKEN_KEY, stage);
    const opened = key && (await invocation.seals.open(key, owner, sealed));
    if (opened !== undefined) return opened;
  }
  return undefined;
}
