import type { RunEvent } from '../core/run-events.ts';
import type { Log } from './ports.ts';

/** Events that are logged as warnings: somebody may have to do something. */
const WARNINGS: ReadonlySet<RunEvent['message']> = new Set([
  'page set aside',
  'sync parked',
  'meter held',
  'connection paused',
  'task failed',
]);

export function logEvent({ log }: { readonly log: Log }, { message, ...fields }: RunEvent): void {
  if (message === 'request answered') log.debug(message, fields);
  else if (WARNINGS.has(message)) log.warn(message, fields);
  else log.info(message, fields);
}
