import { devNull } from 'node:os';
import { join } from 'node:path';
import type { LoadedConnector } from '../../bin/cli/load-connector.ts';
import { buildApp } from '../../lib/infra/app.ts';
import { type Stage, stages } from '../../lib/infra/stage.ts';
import { type Embedded, type EmbeddedOptions, startEmbedded } from '../../lib/local/embedded.ts';
import { REGION } from '../../lib/local/names.ts';
import { type Ending, temporaryFolder } from './headgate.ts';

export type Deployed = Embedded & {
  /** What makes a command of another process take this stack for the deployed one. */
  readonly env: Readonly<Record<string, string>>;
};

/**
 * A stage as it is deployed, but on this machine: its own templates and bundles, and the services behind one endpoint, to which the
 * environment leads whoever calls AWS. So what an operator types against production can be run to the letter.
 */
export async function deploy(
  t: Ending,
  connectors: readonly LoadedConnector[],
  { stage = stages.prod, ...options }: Partial<EmbeddedOptions> & { stage?: Stage } = {},
): Promise<Deployed> {
  const folder = await temporaryFolder(t);
  const assembly = join(folder, 'assembly');
  buildApp({ stages: [stage], connectors, outdir: assembly, validate: false }).synth();
  const stack = await startEmbedded({ assembly, state: join(folder, 'state'), secrets: {}, ...options });
  t.after(() => stack.stop());
  return {
    ...stack,
    env: {
      ...NOWHERE,
      AWS_ENDPOINT_URL: stack.endpoint,
      AWS_ACCESS_KEY_ID: stack.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: stack.credentials.secretAccessKey,
      AWS_REGION: REGION,
    },
  };
}

/** An environment that leads to no AWS account. */
export const NOWHERE = {
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  AWS_EC2_METADATA_DISABLED: 'true',
};
