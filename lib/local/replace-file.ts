import { renameSync, writeFileSync } from 'node:fs';
import { atPlace } from './disk-error.ts';

/** Gives a file another text. A process that dies meanwhile leaves the old one or the new one, never a half. */
export function replaceFile(file: string, text: string, mode = 0o666): void {
  atPlace(file, () => writeFileSync(`${file}.incoming`, text, { mode }));
  renameSync(`${file}.incoming`, file);
}
