import { readdirSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { join } from 'node:path';
import type { Aws } from '../../lib/aws/open-ports.ts';
import type { Connector } from '../../lib/core/connector/connector.ts';
import { VERSION } from '../../lib/core/version.ts';
import { type Stage, secretsPrefix, stages } from '../../lib/infra/stage.ts';
import { assemblyCache, keptAssembly, type WantedAssembly } from '../../lib/local/assembly-cache.ts';
import { type Embedded, type EmbeddedOptions, startEmbedded } from '../../lib/local/embedded.ts';
import { REGION } from '../../lib/local/names.ts';
import type { LoadedConnector } from './load-connector.ts';

/** The stage of a stack of this machine. */
export const LOCAL = 'local';

/** On a laptop somebody waits: a page that does not come is given up after four attempts, 7 s on average. */
const stageOf = (strict: boolean): Stage => ({
  ...stages.dev,
  name: LOCAL,
  schemaMode: strict ? 'strict' : 'permissive',
  attempts: 4,
  outageSeconds: 0,
});

export type LocalStack = {
  readonly connectors: readonly LoadedConnector[];
  /** Where its tables and objects lie. */
  readonly folder: string;
  /** Where files may lie meanwhile. */
  readonly scratch: string;
  readonly strict?: boolean;
  /** Name in Secrets Manager → value. It may be added to while the stack runs. */
  readonly secrets: Readonly<Record<string, string>>;
} & Pick<EmbeddedOptions, 'workers' | 'variables' | 'onLog' | 'onEvent' | 'onCall' | 'port'>;

/** Builds the stack of these connectors and starts it on this machine. */
export async function startLocal({
  connectors,
  folder,
  scratch,
  strict = false,
  secrets,
  ...heard
}: LocalStack): Promise<Embedded> {
  const stage = stageOf(strict);
  const wanted = assemblyOf(stage, connectors);
  // A connector that was written for this run is not run again.
  const passing = connectors.some(({ file }) => file.startsWith(scratch));
  const cache = passing ? join(scratch, 'assemblies') : assemblyCache();
  return startEmbedded({ assembly: await keptAssembly(cache, wanted), state: folder, secrets, ...heard });
}

/** What a template takes from a connector stands in the key too: a declaration may depend on the environment. */
const assemblyOf = (stage: Stage, connectors: LocalStack['connectors']): WantedAssembly => ({
  of: [VERSION, process.version, stage, connectors.map(({ connector, file }) => [file, traitsOf(connector)])],
  async build(outdir) {
    // Loaded late: CDK takes half of the time of a small run.
    const { buildTraced } = await import('../../lib/infra/app.ts');
    const { app, files } = buildTraced({ stages: [stage], connectors, outdir, validate: false });
    app.synth();
    return [...new Set([...files, ...makers()])];
  },
});

const traitsOf = ({ name, auth, streams, schedule }: Connector) => [
  name,
  auth.kind,
  Object.keys(streams).map((stream) => [stream, schedule(stream)]),
];

/** The files that make templates: those of lib/infra and lib/core, and the packages' own descriptions, which tell their versions. */
function makers(): string[] {
  const lib = join(import.meta.dirname, '../../lib');
  const own = ['infra', 'core'].flatMap((folder) =>
    readdirSync(join(lib, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  const packages = ['aws-cdk-lib', 'esbuild'].map((name) => findPackageJSON(name, import.meta.url));
  return [...own, ...packages.filter((file) => file !== undefined)];
}

/** The name of a connection's secret on a stack of this machine. */
export const localSecret = (connector: Connector, connection: string): string =>
  `${secretsPrefix(stageOf(false), connector)}/${connection}`;

/** How the services of a stack of this machine are called. */
export const awsOf = ({ endpoint, credentials }: Embedded): Aws => ({ endpoint, region: REGION, credentials });
