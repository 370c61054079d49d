import { connectionState } from '../lib/pipeline/account.ts';
import { keyOf, unknown } from './commands/connections.ts';
import type { OperatedConnector } from './deployed-connector.ts';
import { UsageError } from './usage-error.ts';

/** Refuses a connection that there is none of, and one that is paused: whoever waited for its syncs would wait for somebody to resume it. */
export async function requireActive(operated: OperatedConnector, connection: string): Promise<void> {
  const { name } = operated.connector;
  const item = await operated.connections.get(keyOf(operated, connection));
  if (item === undefined) throw unknown(name, connection);
  const { status, reason = 'somebody paused it' } = connectionState.parse(item);
  if (status === 'active') return;
  throw new UsageError(
    `The connection "${connection}" is paused: ${reason}. Let it go on first: headgate resume ${name} ${connection}`,
  );
}
