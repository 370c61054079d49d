/** What a disk refuses, by its code (https://nodejs.org/api/errors.html#common-system-errors), and how the operating system says it. */
const REFUSALS: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', 'No space left on device'],
  ['EDQUOT', 'Disk quota exceeded'],
  ['EFBIG', 'File too large'],
  ['EROFS', 'Read-only file system'],
  ['EACCES', 'Permission denied'],
  ['EPERM', 'Operation not permitted'],
  ['EIO', 'Input/output error'],
  ['EMFILE', 'Too many open files'],
]);

/** Whether the disk refuses, so that nothing that is tried again will help. */
export const isDiskError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && 'syscall' in error && REFUSALS.has(String(error.code));

/** Runs what works on a place. The system tells a path only for what it opens: a refusal names the place in any case. */
export function atPlace<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw withPlace(place, error);
  }
}

/** The same for what takes its time. */
export const atPlaceLater = <T>(place: string, work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    throw withPlace(place, error);
  });

const withPlace = (place: string, error: unknown): unknown =>
  error instanceof Error && isDiskError(error) && !('path' in error) ? Object.assign(error, { path: place }) : error;

/** A refusal that a store tells in words, as a system's error; `undefined`: it is none. */
export function diskErrorOf(text: string, place: string): Error | undefined {
  const [code] = [...REFUSALS].find(([, words]) => text.includes(words)) ?? [];
  return code === undefined
    ? undefined
    : Object.assign(new Error(`${code}: ${text}`), { code, syscall: 'write', path: place });
}
