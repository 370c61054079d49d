import { type OverdueSecret, overdueSecret, rotationOf } from '../../core/rotation.ts';
import { HOUR } from '../../core/time.ts';
import { type ConnectionContext, workerCache } from '../invocation.ts';
import { forgetSecret, readSecret, secretName } from './secrets-cache.ts';

/** A secret that is young is looked at again after so long: each look is a call that costs. One that is old is looked at each time, until it is replaced. */
const LOOKED_AT_EVERY = 6 * HOUR;

/** Until when a connection's secret need not be looked at. */
const young = workerCache(() => new Map<string, number>());

/** Whether the secret of a connection is older than it is to be; `undefined`: it is not, or its age is not known. */
export async function secretOverdue(context: ConnectionContext): Promise<OverdueSecret | undefined> {
  const { connector, connection, settings, clock } = context;
  const every = connector.auth.kind === 'none' ? undefined : rotationOf(connector.rotate, settings.ROTATE);
  const now = clock.now();
  const known = young(context);
  if (every === undefined || (known.get(connection) ?? 0) > now) return undefined;
  // Past the cache: it may have been replaced a moment ago.
  forgetSecret(context, secretName(context));
  const { since } = (await readSecret(context, secretName(context))) ?? {};
  const overdue = overdueSecret(since, every, now);
  if (overdue === undefined) known.set(connection, Math.min(now + LOOKED_AT_EVERY, (since ?? now) + every));
  else known.delete(connection);
  return overdue;
}
