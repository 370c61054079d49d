import * as z from 'zod';
import { parseSecret } from '../core/authorise.ts';
import type { Raw } from '../core/connector.ts';
import type { Reason } from '../core/judge.ts';
import { MINUTE } from '../core/time.ts';
import type { Invocation } from './invocation.ts';

/** A connection, ready for requests. */
export type Account = { readonly params: Raw; readonly secret: Raw };

/** One connection in the Connections table: `pk` is the connector, `sk` the connection. */
export const connectionState = z.object({
  /** The connection's parameters as JSON. */
  params: z.string(),
  status: z.enum(['active', 'paused']),
  /** Why it is paused. */
  reason: z.string().optional(),
});

/** How long a worker trusts what it read of a connection and its secret. */
const TRUSTED = MINUTE;

export type Accounts = (invocation: Invocation, connection: string) => Promise<Account | Reason>;

/** Loads connections and their secrets; kept between invocations by whoever keeps the function. */
export function accountsLoader(): Accounts {
  const known = new Map<string, { account: Account; until: number }>();
  return async (invocation, connection) => {
    const now = invocation.clock.now();
    const found = known.get(connection);
    if (found !== undefined && found.until > now) return found.account;
    const account = await load(invocation, connection);
    if (!('code' in account)) known.set(connection, { account, until: now + TRUSTED });
    return account;
  };
}

async function load(invocation: Invocation, connection: string): Promise<Account | Reason> {
  const { connector, connections, secrets, settings } = invocation;
  const item = await connections.get({ pk: connector.name, sk: connection });
  if (item === undefined) return { code: 'no-connection', message: `there is no connection "${connection}"` };

  const params = connector.params.safeParse(JSON.parse(connectionState.parse(item).params));
  if (!params.success)
    return { code: 'bad-params', message: `the parameters do not fit: ${z.prettifyError(params.error)}` };

  const name = `${settings.SECRETS_PREFIX}/${connection}`;
  const text = connector.auth.kind === 'none' ? undefined : await secrets.get(name);
  const parsed = parseSecret(connector.auth, text);
  if ('problem' in parsed)
    return { code: 'bad-secret', message: `the secret "${name}" cannot be used: ${parsed.problem}` };
  return { params: params.data, secret: parsed.secret };
}
