import { parseSecret } from '../../core/auth/authorise.ts';
import type { Raw } from '../../core/exchange.ts';
import type { Reason } from '../../core/response/judge.ts';
import { MINUTE } from '../../core/time.ts';
import type { Invocation } from '../invocation.ts';
import { type ConnectionContext, workerCache } from '../invocation.ts';
import type { Secret, SecretStage } from '../ports.ts';

/** A secret is read again after this: a read costs, and a request that is refused reads past the cache. */
const TRUSTED = 5 * MINUTE;

type Known = { readonly found: Promise<Secret | undefined>; readonly until: number };
const knownSecrets = workerCache(() => new Map<string, Known>());

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

/** A connection's secret as its connector's schema has it. */
export type ConnectionSecret = { readonly fields: Raw; readonly version: string };

export const secretName = ({ settings, connection }: ConnectionContext): string =>
  `${settings.SECRETS_PREFIX}/${connection}`;

/** Reads it, or says why it cannot be used, without quoting it. `version` is told in either case. */
export async function readConnectionSecret(
  context: ConnectionContext,
): Promise<ConnectionSecret | { readonly problem: Reason; readonly version: string }> {
  const name = secretName(context);
  const found = await readSecret(context, name);
  const parsed = parseSecret(context.connector.auth, found?.value);
  const version = found?.version ?? 'none';
  if (!('problem' in parsed)) return { fields: parsed.secret, version };
  const problem = { code: 'bad-secret', message: `the secret "${name}" cannot be used: ${parsed.problem}` };
  return { problem, version };
}

/**
 * Tokens at rest are sealed: a token that is copied to another connection's row cannot be opened there. The key is a random text of the
 * stage's own in the secrets manager.
 */

/** Seals a text for its owner. */
export async function sealText(invocation: Invocation, owner: string, text: string): Promise<string> {
  const key = await readSecret(invocation, invocation.settings.TOKEN_KEY);
  if (key === undefined) throw new Error('The key that seals tokens is not in the secrets manager.');
  return invocation.seals.seal(key, owner, text);
}

/** Opens what was sealed for this owner, with the key as it stands or as it stood before; `undefined`: it cannot be opened. */
export async function unsealText(invocation: Invocation, owner: string, sealed: string): Promise<string | undefined> {
  for (const stage of ['AWSCURRENT', 'AWSPREVIOUS'] as const) {
    const key = await readSecret(invocation, invocation.settings.TOKEN_KEY, stage);
    const opened = key && (await invocation.seals.open(key, owner, sealed));
    if (opened !== undefined) return opened;
  }
  return undefined;
}
