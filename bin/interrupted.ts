import { UsageError } from './usage-error.ts';

/** Watches for Ctrl-C. `happened` is rejected with a {@link UsageError} of this sentence, until it is no longer watched for. */
export function watchInterrupt(sentence: string) {
  const { promise, reject } = Promise.withResolvers<never>();
  const interrupt = (): void => reject(new UsageError(sentence));
  promise.catch(() => {});
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  return { happened: promise, forget: () => process.off('SIGINT', interrupt).off('SIGTERM', interrupt) };
}
