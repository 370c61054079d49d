import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { StateFolderError } from './state-folder-error.ts';

/** What others than the owner may do with a file (https://man7.org/linux/man-pages/man7/inode.7.html). */
const OTHERS = 0o077;
/** May close the folder of any user. */
const ROOT = 0;

/**
 * Makes a folder that only its owner can enter, with those above it that are missing; one that is there is closed to others. Throws a
 * {@link StateFolderError} if it belongs to another user, who could open it again.
 */
export function makePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { mode, uid } = statSync(folder);
  const user = process.getuid?.();
  if (user === undefined || (mode & OTHERS) === 0) return;
  if (uid !== user && user !== ROOT)
    throw new StateFolderError(`The folder "${folder}" belongs to another user, who can read it. Use another folder.`);
  chmodSync(folder, mode & ~OTHERS & 0o777);
}
