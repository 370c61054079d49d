import type { Raw } from '../../lib/core/connector/connector.ts';
import { readJson } from '../../lib/core/response/json.ts';
import { connectionState } from '../../lib/pipeline/credentials/account.ts';
import type { OperatedConnector } from './deployed-connector.ts';
import { UsageError } from './errors.ts';

/** The key of a connection's item in the Connections table. */
export const connectionKey = ({ connector }: Pick<OperatedConnector, 'connector'>, connection: string) => ({
  pk: connector.name,
  sk: connection,
});

/** The attributes of a connection's item that describe a pause, besides its status. */
export const PAUSE_ATTRIBUTES = ['reason', 'pausedBy', 'code', 'cause', 'pausedAt'];

export const unknownConnection = (connector: string, connection: string): UsageError =>
  new UsageError(`"${connector}" has no connection "${connection}". See: headgate connections list`);

/**
 * Refuses an unknown connection, and a paused one: its syncs would wait until an operator resumes it. Gives its parameters as the connector reads them;
 * `undefined` where it cannot.
 */
export async function requireActive(operated: OperatedConnector, connection: string): Promise<Raw> {
  const { name } = operated.connector;
  const item = await operated.connections.get(connectionKey(operated, connection));
  if (item === undefined) throw unknownConnection(name, connection);
  const { status, params, reason = 'somebody paused it' } = connectionState.parse(item);
  if (status === 'active') return operated.connector.params.safeParse(readJson(params)).data;
  throw new UsageError(
    `The connection "${connection}" is paused: ${reason}. Let it go on first: headgate resume ${name} ${connection}`,
  );
}
