import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { connectors as shipped } from '../../lib/connectors/index.ts';
import { readConfig } from '../../lib/infra/config.ts';
import type { Stage } from '../../lib/infra/stage.ts';
import { UsageError } from './errors.ts';
import { importForeign } from './import-foreign.ts';
import { type LoadedConnector, loadConnector } from './load-connector.ts';

export type LoadedConfig = { readonly stages: readonly Stage[]; readonly connectors: readonly LoadedConnector[] };

const FILE = 'headgate.config.ts';

/**
 * What is deployed where: `headgate.config.ts` of the working directory, or the file that HEADGATE_CONFIG names. Without one: the
 * connectors that come with Headgate. Throws a {@link UsageError}.
 */
export async function loadConfig(): Promise<LoadedConfig> {
  const named = process.env.HEADGATE_CONFIG;
  const file = resolve(named ?? FILE);
  if (!existsSync(file)) {
    if (named !== undefined) throw new UsageError(`There is no configuration "${named}" (HEADGATE_CONFIG).`);
    return load({ connectors: Object.keys(shipped) }, file);
  }
  return load((await importForeign(file)).default, file);
}

async function load(exported: unknown, file: string): Promise<LoadedConfig> {
  const read = readConfig(exported);
  if ('problem' in read) throw new UsageError(`"${basename(file)}" cannot be used: ${read.problem}.`);
  const connectors = await Promise.all(read.connectors.map((one) => loadConnector(placed(one, dirname(file)))));
  const names = connectors.map(({ connector }) => connector.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new UsageError(`"${basename(file)}" lists two connectors of the name "${twice}".`);
  return { stages: read.stages, connectors };
}

/** A name stays a name, even an unknown one; a path is relative to the configuration. */
const placed = (nameOrPath: string, folder: string): string =>
  /[./\\]/.test(nameOrPath) ? resolve(folder, nameOrPath) : nameOrPath;
