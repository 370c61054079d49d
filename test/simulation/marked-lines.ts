import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { marksIn } from './take-out.ts';

const ROOT = join(import.meta.dirname, '../..');

/** A source of lib with marks of rules. `file`: absolute. */
export type MarkedSource = {
  readonly file: string;
  readonly text: string;
  readonly marks: ReadonlyMap<string, unknown>;
};

/** Every source of lib in which a rule is marked. */
export const markedSources: readonly MarkedSource[] = globSync('lib/**/*.ts', { cwd: ROOT })
  .sort()
  .map((name) => join(ROOT, name))
  .map((file) => ({ file, text: readFileSync(file, 'utf8') }))
  .map((source) => ({ ...source, marks: marksIn(source.text) }))
  .filter(({ marks }) => marks.size > 0);

/** The source in which a rule is marked. Throws if there is none, or more than one. */
export function sourceOf(id: string): MarkedSource {
  const [source, ...others] = markedSources.filter(({ marks }) => marks.has(id));
  if (source === undefined || others.length > 0)
    throw new Error(`${id} must be marked in one file of lib (got ${others.length + (source === undefined ? 0 : 1)}).`);
  return source;
}
