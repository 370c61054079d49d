import { accessSync, constants, mkdirSync } from 'node:fs';

/** Makes a folder, so that what could not be written there in the end is refused before anything is begun. Throws the system's error. */
export function requireWritable(folder: string): void {
  mkdirSync(folder, { recursive: true });
  accessSync(folder, constants.W_OK | constants.X_OK);
}
