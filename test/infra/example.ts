import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { App } from 'aws-cdk-lib/core';
import type { Connector } from '../../lib/core/connector/connector.ts';
import { FLAGS } from '../../lib/infra/app.ts';
import { ConnectorStack } from '../../lib/infra/connector-stack.ts';
import type { Stage } from '../../lib/infra/stage.ts';
import { StateStack } from '../../lib/infra/state-stack.ts';
import erp from './erp.ts';

/** A folder that is deleted when the tests of the file have run. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-infra-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The stacks of a stage and of some connectors, without the time it takes to bundle. */
export function stacksWith(
  stage: Stage,
  connectors: readonly Connector[],
): { readonly state: StateStack; readonly stacks: readonly ConnectorStack[] } {
  const bundle = temporaryFolder();
  writeFileSync(join(bundle, 'work.mjs'), '');
  const app = new App({ outdir: temporaryFolder(), context: FLAGS, builtinCloudFormationValidation: false });
  const state = new StateStack(app, `${stage.name}-state`, stage);
  const stacks = connectors.map(
    (connector) => new ConnectorStack(app, `${stage.name}-${connector.name}`, { stage, connector, bundle, state }),
  );
  return { state, stacks };
}

/** Those of one connector. */
export function stacksOf(
  stage: Stage,
  declared: Connector = erp,
): { readonly state: StateStack; readonly connector: ConnectorStack } {
  const { state, stacks } = stacksWith(stage, [declared]);
  const [connector] = stacks;
  if (connector === undefined) throw new Error('There is no stack.');
  return { state, connector };
}
