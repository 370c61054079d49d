import { StateFolderError } from '../lib/local/state-folder-error.ts';
import { UsageError } from './usage-error.ts';

/** What the operating system refuses, by its code (https://nodejs.org/api/errors.html#common-system-errors), and what to do about it. */
const EXPLANATIONS: Readonly<Record<string, (place: string) => string>> = {
  ENOSPC: (place) => `The disk of ${place} is full. Make room, and run the same command again.`,
  EDQUOT: (place) => `The quota of the disk of ${place} is used up. Make room, and run the same command again.`,
  EACCES: (place) => `This user may not read or write ${place}. Give another path, or the rights.`,
  EPERM: (place) => `This user may not read or write ${place}. Give another path, or the rights.`,
  EROFS: (place) => `The disk of ${place} is read-only. Give another path.`,
  ENOENT: (place) => `The folder of ${place} is not there. Make it, or give another path.`,
  ENOTDIR: (place) => `A file stands where a folder must be: ${place}. Give another path.`,
  EEXIST: (place) => `A file stands where a folder must be: ${place}. Give another path.`,
  EISDIR: (place) => `A folder stands where a file must be: ${place}. Give another path.`,
  EMFILE: () => 'Too many files are open. Raise the limit (ulimit -n), and run the same command again.',
};

/** A {@link UsageError} for what the user can mend on this machine; any other error as it is. */
export function explainError(error: unknown): unknown {
  if (error instanceof StateFolderError) return new UsageError(error.message);
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return error;
  if (error.code === 'EADDRINUSE' && 'port' in error)
    return new UsageError(`The port ${error.port} is in use. Give another one with --port.`);
  const explain = Object.hasOwn(EXPLANATIONS, String(error.code)) ? EXPLANATIONS[String(error.code)] : undefined;
  if (explain === undefined) return error;
  return new UsageError(explain('path' in error && typeof error.path === 'string' ? `"${error.path}"` : 'this run'));
}
