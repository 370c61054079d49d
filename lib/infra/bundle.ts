import { rmSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import type { Connector } from '../core/connector/connector.ts';
import type { Stage } from './stage.ts';

const ROOT = join(import.meta.dirname, '../..');
/** TypeScript in the repository, JavaScript in the package. */
const ENDING = extname(import.meta.filename);

/** The functions of a connector: `functions/<name>`, bundled as `<name>.mjs`, with the handler `<name>.handler`. */
export type FunctionName = 'work' | 'housekeeping' | 'connect' | 'load';

/** The functions that a connector needs: one for browsers only where people consent, one for tables only where some stage loads them. */
export const functionsOf = ({ auth }: Connector, stages: readonly Pick<Stage, 'load'>[] = []): FunctionName[] => [
  'work',
  'housekeeping',
  ...(auth.kind === 'authorizationCode' ? (['connect'] as const) : []),
  ...(stages.some(({ load }) => load !== undefined) ? (['load'] as const) : []),
];

/**
 * Bundles the functions with one connector built in. Gives the absolute paths of the files that went in. Throws what esbuild complains about.
 *
 * esbuild is called directly: CDK's NodejsFunction starts it through a shell for each function, which takes three times
 * as long (1.1 s against 0.4 s) whenever somebody runs a connector on their machine.
 *
 * @param connector absolute path of the connector's file. It may lie outside this repository.
 * @param folder absolute path of the folder to write to. What is in it is deleted.
 */
export function bundleFunctions(
  connector: string,
  folder: string,
  functions: readonly FunctionName[] = ['work', 'housekeeping'],
): string[] {
  rmSync(folder, { recursive: true, force: true });
  const { metafile } = buildSync({
    absWorkingDir: ROOT,
    entryPoints: functions.map((name) => `functions/${name}${ENDING}`),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // The driver of PostgreSQL looks for it, and does without.
    external: ['pg-native'],
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    minify: true,
    // So that a stack trace in a log names the functions, without a source map.
    keepNames: true,
    // CommonJS packages call `require`, which a module does not have.
    banner: {
      js: `import{createRequire as bundledRequire}from'node:module';const require=bundledRequire(import.meta.url);`,
    },
    alias: {
      '#connector': connector,
      // A connector must use the very modules the functions use, wherever its file lies.
      'headgate/connector': join(ROOT, `lib/core/connector/connector${ENDING}`),
      'headgate/readers': join(ROOT, `lib/readers/index${ENDING}`),
      '@aws-sdk/credential-provider-node': join(ROOT, `lib/aws/function-credentials${ENDING}`),
      zod: dirname(fileURLToPath(import.meta.resolve('zod'))),
    },
    // A tsconfig.json near the connector changes nothing here, as it changes nothing when Node runs the file.
    tsconfigRaw: {},
    logLevel: 'silent',
    metafile: true,
  });
  return Object.keys(metafile.inputs).map((path) => join(ROOT, path));
}
