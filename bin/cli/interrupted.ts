import { setTimeout as wait } from 'node:timers/promises';
import { UsageError } from './errors.ts';

/** Milliseconds within which a signal reaches everybody whom it is for. */
const A_MOMENT = 100;

/**
 * Watches for Ctrl-C. `happened` is rejected with a {@link UsageError} of this sentence, until it is no longer watched for. A second Ctrl-C
 * ends the process there and then.
 */
export function watchInterrupt(sentence: string) {
  const { promise, reject } = Promise.withResolvers<never>();
  let reason: UsageError | undefined;
  const interrupt = (): void => {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    process.stderr.write('\nStopping: what is under way gets two seconds. Again, to stop at once.\n');
    reason = new UsageError(sentence);
    reject(reason);
  };
  promise.catch(() => {});
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  return {
    happened: promise,
    /** Throws if it happened when nothing waited for it. */
    check(): void {
      if (reason !== undefined) throw reason;
    },
    /** The same for an error: Ctrl-C reaches esbuild, too, and what went wrong because of it may be known before it is. */
    async explains(): Promise<void> {
      await Promise.race([promise, wait(A_MOMENT)]);
    },
    forget: () => process.off('SIGINT', interrupt).off('SIGTERM', interrupt),
  };
}
