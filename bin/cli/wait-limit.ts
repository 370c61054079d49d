import { InvalidArgumentError } from 'commander';
import { runEvent } from '../../lib/core/run-events.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../lib/core/time.ts';
import { UsageError } from './errors.ts';

/** A run that ended before its syncs did, and can be gone on with. Its exit code is 2. */
export class UnfinishedRun extends UsageError {
  override name = 'UnfinishedRun';
}

const UNITS: Readonly<Record<string, number>> = { s: SECOND, m: MINUTE, h: HOUR, d: DAY };

/** Reads `90s`, `5m`, `2h`, `1d`: milliseconds. */
export function readWait(value: string): number {
  const [, amount, unit = ''] = /^(\d+)([smhd])$/.exec(value) ?? [];
  const millis = Number(amount) * (UNITS[unit] ?? Number.NaN);
  if (millis > 0) return millis;
  throw new InvalidArgumentError(`It must be a number with s, m, h or d after it, like 5m (got "${value}").`);
}

/** Milliseconds between two looks at the clock. */
const LOOK_EVERY = SECOND / 4;

/**
 * Watches how long a run waits. `happened` is rejected with an {@link UnfinishedRun} as soon as it is known that nothing leaves for longer than `longest`
 * milliseconds, or when nothing has come for so long. `keep`: how the run can be gone on with.
 */
export function watchWait(longest: number | undefined, keep: string) {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  // The start of the stack is no waiting.
  let heardAt = Number.POSITIVE_INFINITY;
  const end = (why: string): void => reject(new UnfinishedRun(`Ended by --max-wait: ${why}. ${keep}`));
  const timer =
    longest === undefined
      ? undefined
      : setInterval(() => {
          if (Date.now() - heardAt > longest) end(`nothing has come for ${Math.round(longest / SECOND)} s`);
        }, LOOK_EVERY);
  return {
    happened: promise,
    take(json: unknown): void {
      const event = runEvent.safeParse(json).data;
      if (longest === undefined || event === undefined) return;
      if (event.message === 'pages fetched') heardAt = Date.now();
      const until = silentUntil(event);
      if (until !== undefined && until - Date.now() > longest)
        end(
          `nothing leaves until ${new Date(until).toISOString()}, as the API asks for patience or its limit is used up`,
        );
    },
    /** Something came: syncs have begun, or one is closed. */
    heard(): void {
      heardAt = Date.now();
    },
    forget: () => clearInterval(timer),
  };
}

/** Until when nothing is asked for, by an event; epoch milliseconds. */
function silentUntil(event: NonNullable<ReturnType<typeof runEvent.safeParse>['data']>): number | undefined {
  if (event.message === 'meter held') return Date.now() + event.seconds * SECOND;
  return event.message === 'sync parked' ? Date.parse(event.until) : undefined;
}
