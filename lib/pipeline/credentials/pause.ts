import { cutText, LONGEST_SENTENCE } from '../../core/bounds.ts';
import type { Reason } from '../../core/response/judge.ts';
import type { ConnectionContext } from '../invocation.ts';
import { logEvent } from '../log-event.ts';

/**
 * Pauses a connection whose authorisation is refused, once: its tasks are done with, and housekeeping sends them again when it is
 * active. `cause`: what was refused; when it is another, the connection resumes by itself.
 */
export async function pauseConnection(
  context: ConnectionContext,
  { code, message }: Reason,
  cause: string,
): Promise<void> {
  const { connections, connector, clock, connection } = context;
  const reason = cutText(message, LONGEST_SENTENCE);
  const paused = await connections.update(
    { pk: connector.name, sk: connection },
    {
      set: { status: 'paused', code, reason, cause, pausedAt: clock.now() },
    },
    [{ equal: ['status', 'active'] }],
  );
  if (!paused.ok) return;
  logEvent(context, { message: 'connection paused', connection, code, reason });
}

/** Lets a connection that was paused for this cause work again; says whether it did. */
export async function resumeConnection(
  { connections, connector, log, connection }: ConnectionContext,
  cause: string | undefined,
): Promise<boolean> {
  const resumed = await connections.update(
    { pk: connector.name, sk: connection },
    { set: { status: 'active' }, remove: ['code', 'reason', 'cause', 'pausedAt'] },
    [
      { equal: ['status', 'paused'] },
      { absent: 'pausedBy' },
      cause === undefined ? { present: 'cause' } : { equal: ['cause', cause] },
    ],
  );
  if (resumed.ok) log.info('connection resumed', { connection });
  return resumed.ok;
}
