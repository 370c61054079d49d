import type * as z from 'zod';
import { span } from '../../core/time.ts';
import { connectionState } from '../credentials/account.ts';
import { type Invocation, STORE_MARGIN } from '../invocation.ts';
import { freshPartition, parsePartition } from '../store/sync-keys.ts';

/**
 * What housekeeping tells of a connector as a whole. Reads the connections once and, of each stream, no more than its stalest
 * connections: an index has them in this order, so it costs the same however many there are.
 */
export async function measureConnector(invocation: Invocation, open: number): Promise<void> {
  const { connector, metrics } = invocation;
  const accounts = await readConnections(invocation);
  const paused = [...accounts.values()].filter(({ status, pausedBy }) => status === 'paused' && pausedBy === undefined);
  let worst = 0;
  for (const stream of Object.keys(connector.streams)) {
    const since = await stalest(invocation, stream, accounts);
    if (since === undefined) continue;
    worst = Math.max(worst, (invocation.clock.now() - since) / span(connector.schedule(stream)));
  }
  metrics.add('Staleness', Math.round(worst * 100) / 100);
  metrics.add('SyncsOpen', open);
  metrics.add('ConnectionsPaused', paused.length);
}

type Accounts = ReadonlyMap<string, z.output<typeof connectionState>>;

async function readConnections({ connections, connector }: Invocation): Promise<Accounts> {
  const found = new Map<string, z.output<typeof connectionState>>();
  for await (const { sk, ...item } of connections.query(connector.name, '')) found.set(sk, connectionState.parse(item));
  return found;
}

/**
 * Since when the stalest active connection's stream has not been known to be complete. Connections that are not active do not
 * count: they leave the index, and come back with their next sync.
 */
async function stalest(invocation: Invocation, stream: string, accounts: Accounts): Promise<number | undefined> {
  const { connector, syncs, remaining } = invocation;
  for await (const { pk, sk, freshAt } of syncs.stalest(freshPartition(connector.name, stream))) {
    const place = parsePartition(connector.name, pk);
    if (place === undefined) continue;
    if (accounts.get(place.connection)?.status === 'active') return freshAt;
    if (remaining() < STORE_MARGIN) return undefined;
    await syncs.update({ pk, sk }, { remove: ['fresh', 'freshAt'] }, [{ equal: ['freshAt', freshAt] }]);
  }
  return undefined;
}
