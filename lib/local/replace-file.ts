import { renameSync, writeFileSync } from 'node:fs';

/** Gives a file another text. Whoever dies meanwhile leaves the old one or the new one, and never a half. */
export function replaceFile(file: string, text: string, mode = 0o666): void {
  writeFileSync(`${file}.incoming`, text, { mode });
  renameSync(`${file}.incoming`, file);
}
