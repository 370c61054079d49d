import { existsSync, statSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { connectors } from '../lib/connectors/index.ts';
import { type Connector, ConnectorError, isConnector } from '../lib/core/connector.ts';
import { UsageError } from './usage-error.ts';

export type LoadedConnector = { readonly connector: Connector; readonly file: string };

/** The connector of this name, or the one that a file anywhere on disk exports. Throws a {@link UsageError}. */
export async function loadConnector(nameOrPath: string): Promise<LoadedConnector> {
  const shipped = Object.hasOwn(connectors, nameOrPath) ? connectors[nameOrPath] : undefined;
  if (shipped !== undefined) return shipped;
  const file = resolve(nameOrPath);
  if (!existsSync(file) || !statSync(file).isFile()) throw new UsageError(unknown(nameOrPath));
  return { connector: await importConnector(file), file };
}

function unknown(nameOrPath: string): string {
  const known = Object.keys(connectors).join(', ');
  return /[./\\]/.test(nameOrPath)
    ? `There is no connector file "${nameOrPath}".`
    : `There is no connector "${nameOrPath}". There are: ${known}; or give the path of a connector file.`;
}

async function importConnector(file: string): Promise<Connector> {
  resolveForeignImports();
  const exported = await importFile(file);
  const found = [exported.default, ...Object.values(exported)].find(isConnector);
  if (found === undefined) {
    throw new UsageError(
      `"${basename(file)}" exports no connector. End it with "export default defineConnector({ … })".`,
    );
  }
  return found;
}

async function importFile(file: string): Promise<Record<string, unknown>> {
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    if (error instanceof ConnectorError) throw new UsageError(error.message);
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new UsageError(`"${basename(file)}" cannot be loaded: ${reason.replace(/\s*\n\s*/g, ' ')}`);
  }
}

/** What a connector file may import, wherever it lies: the very modules that the functions are built with. */
const OWN = new Map([
  ['headgate/connector', import.meta.resolve('../lib/core/connector.ts')],
  ['zod', import.meta.resolve('zod')],
]);

function resolveForeignImports(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const own = OWN.get(specifier);
      return own === undefined ? next(specifier, context) : { url: own, shortCircuit: true };
    },
  });
}
