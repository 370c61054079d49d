import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makePrivateFolder } from './private-folder.ts';
import { StateFolderError } from './state-folder-error.ts';

/** The state folder, held by one process. */
export type StateFolder = {
  readonly tables: string;
  readonly objects: string;
  readonly secrets: string;
  release(): void;
};

/**
 * Makes the folder if it is missing and takes it for this process. Throws a {@link StateFolderError} if another one holds it, or if it is another user's. The lock is
 * SQLite's file lock, which the operating system drops with the process, however it ends.
 */
export function holdStateFolder(folder: string): StateFolder {
  makePrivateFolder(folder);
  const lock = new DatabaseSync(join(folder, 'lock'));
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (!isBusy(error)) throw error;
    throw new StateFolderError(
      `The state folder "${folder}" is in use by another run. Wait until that has ended, or use another folder.`,
      { cause: error },
    );
  }
  return {
    tables: join(folder, 'tables'),
    objects: join(folder, 'objects'),
    secrets: join(folder, 'secrets.json'),
    release: () => lock.close(),
  };
}

/** SQLITE_BUSY (https://www.sqlite.org/rescode.html). */
const BUSY = 5;
const isBusy = (error: unknown): boolean => error instanceof Error && 'errcode' in error && error.errcode === BUSY;
