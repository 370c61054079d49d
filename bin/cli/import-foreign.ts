import { registerHooks } from 'node:module';
import { basename, extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConnectorError } from '../../lib/core/connector/connector.ts';
import { UsageError } from './errors.ts';

/** A module of this program: TypeScript in the repository, JavaScript in the package. */
const own = (path: string): string => import.meta.resolve(`../../${path}${extname(import.meta.filename)}`);

/** What a connector file or a configuration may import, wherever it lies: the very modules that this program is made of. */
const OWN = new Map([
  ['headgate/connector', own('lib/core/connector/connector')],
  ['headgate/readers', own('lib/readers/index')],
  ['headgate/config', own('lib/infra/config')],
  ['headgate/cdk', own('lib/infra/cdk')],
  ['headgate/read', own('lib/read/read')],
  ['headgate/simulator', own('lib/simulator/simulate')],
  ['zod', import.meta.resolve('zod')],
]);

let hooked = false;

/** Imports a file that somebody else wrote, from anywhere on disk. Throws a {@link UsageError}. */
export async function importForeign(file: string): Promise<Record<string, unknown>> {
  if (!hooked) resolveForeignImports();
  hooked = true;
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    if (error instanceof ConnectorError) throw new UsageError(error.message);
    throw new UsageError(`"${basename(file)}" cannot be loaded: ${describe(error, file)}`);
  }
}

/** In one line, with the line of the file that it is about, if it is about one. */
function describe(error: unknown, file: string): string {
  if (!(error instanceof Error)) return String(error);
  const [, after = ''] = error.stack?.split(`${file}:`) ?? [];
  const [line] = /^\d+/.exec(after) ?? [];
  const reason = `${error.name}: ${error.message}`.replace(/\s*\n\s*/g, ' ');
  return line === undefined ? reason : `line ${line}: ${reason}`;
}

function resolveForeignImports(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const url = OWN.get(specifier);
      if (url !== undefined) return { url, shortCircuit: true };
      const found = next(specifier, context);
      // It holds a module, whatever "type" the package.json beside it names: `npm init` writes "commonjs".
      return found.format === 'commonjs-typescript' ? { ...found, format: 'module-typescript' } : found;
    },
  });
}
