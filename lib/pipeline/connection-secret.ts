import { parseSecret } from '../core/authorise.ts';
import type { Raw } from '../core/exchange.ts';
import type { Reason } from '../core/judge.ts';
import type { Invocation } from './invocation.ts';
import { readSecret } from './secrets-cache.ts';

/** A connection's secret as its connector's schema has it. */
export type ConnectionSecret = { readonly fields: Raw; readonly version: string };

export const secretName = ({ settings }: Invocation, connection: string): string =>
  `${settings.SECRETS_PREFIX}/${connection}`;

/** Reads it, or says why it cannot be used, without quoting it. `version` is told in either case. */
export async function readConnectionSecret(
  invocation: Invocation,
  connection: string,
): Promise<ConnectionSecret | { readonly problem: Reason; readonly version: string }> {
  const name = secretName(invocation, connection);
  const found = await readSecret(invocation, name);
  const parsed = parseSecret(invocation.connector.auth, found?.value);
  const version = found?.version ?? 'none';
  if (!('problem' in parsed)) return { fields: parsed.secret, version };
  const problem = { code: 'bad-secret', message: `the secret "${name}" cannot be used: ${parsed.problem}` };
  return { problem, version };
}
