import { existsSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { connectors } from '../../lib/connectors/index.ts';
import { type Connector, connectorIn } from '../../lib/core/connector/connector.ts';
import { UsageError } from './errors.ts';
import { importForeign } from './import-foreign.ts';

export type LoadedConnector = { readonly connector: Connector; readonly file: string };

/** The connector of this name, or the one that a file anywhere on disk exports. Throws a {@link UsageError}. */
export async function loadConnector(nameOrPath: string): Promise<LoadedConnector> {
  const shipped = Object.hasOwn(connectors, nameOrPath) ? connectors[nameOrPath] : undefined;
  if (shipped !== undefined) return shipped;
  const file = resolve(nameOrPath);
  if (!existsSync(file) || !statSync(file).isFile()) throw new UsageError(unknownFile(nameOrPath));
  return { connector: await importConnector(file), file };
}

function unknownFile(nameOrPath: string): string {
  const known = Object.keys(connectors).join(', ');
  return /[./\\]/.test(nameOrPath)
    ? `There is no connector file "${nameOrPath}".`
    : `There is no connector "${nameOrPath}". There are: ${known}; or give the path of a connector file.`;
}

async function importConnector(file: string): Promise<Connector> {
  const found = connectorIn(await importForeign(file));
  if (found === undefined) {
    throw new UsageError(
      `"${basename(file)}" exports no connector. End it with "export default defineConnector({ … })".`,
    );
  }
  return found;
}
