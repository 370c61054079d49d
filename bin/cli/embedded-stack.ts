import { join } from 'node:path';
import type { Aws } from '../../lib/aws/open-ports.ts';
import type { Connector } from '../../lib/core/connector/connector.ts';
import { buildApp } from '../../lib/infra/app.ts';
import { type Stage, secretsPrefix, stages } from '../../lib/infra/stage.ts';
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
} & Pick<EmbeddedOptions, 'workers' | 'onLog' | 'onEvent' | 'onCall' | 'port'>;

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
  const outdir = join(scratch, 'assembly');
  buildApp({ stages: [stage], connectors, outdir, validate: false }).synth();
  return startEmbedded({ assembly: outdir, state: folder, secrets, ...heard });
}

/** The name of a connection's secret on a stack of this machine. */
export const localSecret = (connector: Connector, connection: string): string =>
  `${secretsPrefix(stageOf(false), connector)}/${connection}`;

/** How the services of a stack of this machine are called. */
export const awsOf = ({ endpoint, credentials }: Embedded): Aws => ({ endpoint, region: REGION, credentials });
