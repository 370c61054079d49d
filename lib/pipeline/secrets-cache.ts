import { MINUTE } from '../core/time.ts';
import type { Invocation } from './invocation.ts';
import { remembered } from './memory.ts';
import type { Secret, SecretStage } from './ports.ts';

/** A secret is read again after this: a read costs, and whoever is refused reads past the cache. */
const TRUSTED = 5 * MINUTE;

type Known = { readonly found: Promise<Secret | undefined>; readonly until: number };
const knownSecrets = remembered(() => new Map<string, Known>());

const keyOf = (name: string, stage: SecretStage): string => `${stage} ${name}`;

/** A secret as it was at most five minutes ago; reads that come together are one. */
export function readSecret(
  invocation: Invocation,
  name: string,
  stage: SecretStage = 'AWSCURRENT',
): Promise<Secret | undefined> {
  const { secrets, clock } = invocation;
  const known = knownSecrets(invocation);
  const key = keyOf(name, stage);
  const remembered = known.get(key);
  if (remembered !== undefined && remembered.until > clock.now()) return remembered.found;
  const found = secrets.get(name, stage);
  known.set(key, { found, until: clock.now() + TRUSTED });
  found.catch(() => known.delete(key));
  return found;
}

/** Forgets a secret, so that the next read asks again. */
export const forgetSecret = (invocation: Invocation, name: string): void =>
  void knownSecrets(invocation).delete(keyOf(name, 'AWSCURRENT'));
