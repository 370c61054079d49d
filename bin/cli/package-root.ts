import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import * as z from 'zod';

const ranges = z.record(z.string(), z.string());
const manifestSchema = z.object({
  version: z.string(),
  dependencies: ranges,
  devDependencies: ranges,
  peerDependencies: ranges,
});

/** The folder of Headgate's own package.json: that of the repository, or of the installed package. */
export function packageRoot(): string {
  const file = findPackageJSON(import.meta.url);
  if (file === undefined) throw new Error(`There is no package.json above ${import.meta.filename}.`);
  return dirname(file);
}

/** What Headgate's own package.json says of its versions. */
export const ownManifest = (): z.output<typeof manifestSchema> =>
  manifestSchema.parse(JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')));
