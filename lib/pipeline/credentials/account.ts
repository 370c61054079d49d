import { hash } from 'node:crypto';
import * as z from 'zod';
import { keepsTokens } from '../../core/auth/auth-scheme.ts';
import { identityOf } from '../../core/auth/authorise.ts';
import type { TlsMaterial } from '../../core/auth/tls.ts';
import type { Connector, Limit, Raw } from '../../core/connector/connector.ts';
import { type LimitScope, resolveLimit, scopedLimits } from '../../core/limits/limits.ts';
import { readJson } from '../../core/response/json.ts';
import type { Reason } from '../../core/response/judge.ts';
import { MINUTE } from '../../core/time.ts';
import type { Invocation } from '../invocation.ts';
import { type ConnectionContext, workerCache } from '../invocation.ts';
import { type LimiterKey, limiterKey } from '../limits/limiter-store.ts';
import { tokenCredentials } from './access-token.ts';
import { identityOfItem } from './account-identity.ts';
import type { Credentials } from './credentials.ts';
import { pauseConnection } from './pause.ts';
import { secretCredentials } from './secret-credentials.ts';
import { readConnectionSecret } from './secrets-cache.ts';

/** A connection, ready for requests. */
export type AccountAccess = {
  /** Which account it is (account-identity.ts). */
  readonly identity: string;
  readonly params: Raw;
  /** Certificates that its secret brings. */
  readonly tls: TlsMaterial | undefined;
  /** What authorises its requests. */
  readonly credentials: Credentials;
  /** The meters that requests of a stream reserve on, the narrowest first. */
  readonly meters: (stream: string) => readonly LimiterKey[];
};

/** A connection that is not to be used now: its tasks are done with until it is active again. */
export type PausedConnection = { readonly paused: Reason };

/** The meters of a stream's requests; none where the connection cannot be used, as nothing is sent then. */
export const limitersOf = (
  account: AccountAccess | PausedConnection | Reason,
  stream: string,
): readonly LimiterKey[] => ('credentials' in account ? account.meters(stream) : []);

/** One connection in the Connections table: `pk` is the connector, `sk` the connection. */
export const connectionState = z.object({
  /** The connection's parameters as JSON. */
  params: z.string(),
  status: z.enum(['active', 'paused']),
  /** Why it is paused. */
  code: z.string().optional(),
  reason: z.string().optional(),
  /** Set if an operator paused it, so that no alarm goes off. */
  pausedBy: z.literal('operator').optional(),
  /** What was refused, if that is why: when it is another, the connection resumes by itself. */
  cause: z.string().optional(),
});

/** How long a worker trusts what it read of a connection. */
const TRUSTED = MINUTE;

const knownAccounts = workerCache(() => new Map<string, { account: AccountAccess; until: number }>());
/** Those of a connection live as long as its parameters do: a token belongs to them. */
const knownCredentials = workerCache(() => new Map<string, { readonly params: string; readonly are: Credentials }>());

/** A connection, as it was at most a minute ago; or why it cannot be used. */
export async function readAccount(context: ConnectionContext): Promise<AccountAccess | PausedConnection | Reason> {
  const known = knownAccounts(context);
  const now = context.clock.now();
  const found = known.get(context.connection);
  if (found !== undefined && found.until > now) return found.account;
  known.delete(context.connection);
  const account = await load(context);
  if ('credentials' in account) known.set(context.connection, { account, until: now + TRUSTED });
  return account;
}

/** Lets a connection be read anew: it is not what it was. */
export const forgetAccount = (context: ConnectionContext): boolean => knownAccounts(context).delete(context.connection);

/** When no token is being fetched any more: a worker that is frozen in the middle of it may lose the answer. */
export async function credentialsSettled(invocation: Invocation): Promise<void> {
  await Promise.all([...knownCredentials(invocation).values()].map(({ are }) => are.settled()));
}

async function load(context: ConnectionContext): Promise<AccountAccess | PausedConnection | Reason> {
  const { connector, connections } = context;
  const item = await connections.get({ pk: connector.name, sk: context.connection });
  if (item === undefined) return { code: 'no-connection', message: `there is no connection "${context.connection}"` };
  const state = connectionState.safeParse(item);
  if (!state.success)
    return { code: 'bad-connection', message: `its item cannot be read: ${z.prettifyError(state.error)}` };
  const { status, params: text, code = 'paused', reason = 'somebody paused it' } = state.data;
  if (status === 'paused') return { paused: { code, message: reason } };
  const params = connector.params.safeParse(readJson(text));
  if (!params.success)
    return { code: 'bad-params', message: `the parameters do not fit: ${z.prettifyError(params.error)}` };

  const secret = await readConnectionSecret(context);
  if ('problem' in secret) {
    await pauseConnection(context, secret.problem, `s${secret.version}`);
    return { paused: secret.problem };
  }
  try {
    const limits = connector.limits({ params: params.data });
    const identity = hash('sha256', identityOf(connector.auth, secret.fields, context.connection)).slice(0, 16);
    const names = {
      connection: `connection/${context.connection}`,
      secret: `secret/${identity}`,
      connector: 'connector',
    };
    const meters = makeMeters(connector, limits, names);
    const credentials = credentialsOf(context, params.data, meters);
    return { identity: identityOfItem(item), params: params.data, tls: secret.fields?.tls, credentials, meters };
  } catch (error) {
    return { code: 'bad-limits', message: error instanceof Error ? error.message : String(error) };
  }
}

function credentialsOf(context: ConnectionContext, params: Raw, meters: AccountAccess['meters']): Credentials {
  const known = knownCredentials(context);
  const text = JSON.stringify(params) ?? '';
  const found = known.get(context.connection);
  if (found?.params === text) return found.are;
  const are = makeCredentials(context, params, meters);
  known.set(context.connection, { params: text, are });
  return are;
}

function makeCredentials(
  { connector: { auth, streams }, connection }: ConnectionContext,
  params: Raw,
  meters: AccountAccess['meters'],
): Credentials {
  if (auth.kind === 'none') return OPEN;
  if (!keepsTokens(auth)) return secretCredentials(connection);
  const [stream = ''] = Object.keys(streams);
  return tokenCredentials({ connection, params, flow: auth, meters: meters(stream) });
}

/** An API that needs no credentials: a refusal is the page's own. */
const OPEN: Credentials = {
  current: async () => ({ mark: '', fields: undefined, grant: undefined }),
  atHand: (credential) => credential,
  worked: async () => {},
  refused: async (_invocation, _credential, { reason }) => ({ reason, alone: true }),
  settled: async () => {},
};

/** The meters of each stream, made when they are first asked for. */
function makeMeters(
  connector: Connector,
  declared: readonly Limit[],
  names: Readonly<Record<LimitScope, string>>,
): AccountAccess['meters'] {
  const costs = Object.values(connector.streams).map(({ cost = 1 }) => cost);
  const made = new Map<string, readonly LimiterKey[]>();
  return (name) => {
    const found = made.get(name);
    if (found !== undefined) return found;
    const { cost = 1, limits: own = [] } = connector.streams[name] ?? {};
    const scoped = scopedLimits([
      ...declared.map((limit) => [limit, resolveLimit(limit, cost, costs)] as const),
      ...own.map((limit) => [limit, resolveLimit(limit, cost, [cost], name)] as const),
    ]);
    const lane = connector.concurrency === 1 ? { lane: { pk: `${connector.name}/${names.secret}`, sk: 'LANE' } } : {};
    const places = scoped.map(({ scope, limits }) => ({
      ...limiterKey(connector.name, names[scope], limits),
      ...lane,
    }));
    made.set(name, places);
    return places;
  };
}
