import { hash } from 'node:crypto';
import * as z from 'zod';
import { identityOf, parseSecret } from '../core/authorise.ts';
import type { Connector, Limit, Raw } from '../core/connector.ts';
import type { Reason } from '../core/judge.ts';
import { resolveLimit, type Scope, scopedLimits } from '../core/limits.ts';
import { MINUTE } from '../core/time.ts';
import type { Invocation } from './invocation.ts';
import { remembered } from './memory.ts';
import { type MeterPlace, meterPlace } from './meters.ts';

/** A connection, ready for requests. */
export type Account = {
  readonly params: Raw;
  readonly secret: Raw;
  /** The meters that requests of a stream reserve on, the narrowest first. */
  readonly meters: (stream: string) => readonly MeterPlace[];
};

/** The meters of a stream's requests; none where the connection cannot be used, as nothing is sent then. */
export const metersOf = (account: Account | Reason, stream: string): readonly MeterPlace[] =>
  'code' in account ? [] : account.meters(stream);

/** One connection in the Connections table: `pk` is the connector, `sk` the connection. */
export const connectionState = z.object({
  /** The connection's parameters as JSON. */
  params: z.string(),
  status: z.enum(['active', 'paused']),
  /** Why it is paused. */
  reason: z.string().optional(),
  /** Set if an operator paused it, so that nobody is alarmed. */
  pausedBy: z.literal('operator').optional(),
});

/** How long a worker trusts what it read of a connection and its secret. */
const TRUSTED = MINUTE;

const knownAccounts = remembered(() => new Map<string, { account: Account; until: number }>());

/** A connection and its secret, as they were at most a minute ago; or why it cannot be used. */
export async function accountOf(invocation: Invocation, connection: string): Promise<Account | Reason> {
  const known = knownAccounts(invocation);
  const now = invocation.clock.now();
  const found = known.get(connection);
  if (found !== undefined && found.until > now) return found.account;
  const account = await load(invocation, connection);
  if (!('code' in account)) known.set(connection, { account, until: now + TRUSTED });
  return account;
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
  try {
    const limits = connector.limits({ params: params.data, grant: undefined });
    const identity = hash('sha256', identityOf(connector.auth, parsed.secret)).slice(0, 16);
    const names = { connection: `connection/${connection}`, secret: `secret/${identity}`, connector: 'connector' };
    return { params: params.data, secret: parsed.secret, meters: makeMeters(connector, limits, names) };
  } catch (error) {
    return { code: 'bad-limits', message: error instanceof Error ? error.message : String(error) };
  }
}

/** The meters of each stream, made when they are first asked for. */
function makeMeters(
  connector: Connector,
  declared: readonly Limit[],
  names: Readonly<Record<Scope, string>>,
): Account['meters'] {
  const costs = Object.values(connector.streams).map(({ cost = 1 }) => cost);
  const made = new Map<string, readonly MeterPlace[]>();
  return (name) => {
    const found = made.get(name);
    if (found !== undefined) return found;
    const { cost = 1, limits: own = [] } = connector.streams[name] ?? {};
    const scoped = scopedLimits([
      ...declared.map((limit) => [limit, resolveLimit(limit, cost, costs)] as const),
      ...own.map((limit) => [limit, resolveLimit(limit, cost, [cost], name)] as const),
    ]);
    const places = scoped.map(({ scope, limits }) => meterPlace(connector.name, names[scope], limits));
    made.set(name, places);
    return places;
  };
}
