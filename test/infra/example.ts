import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { App } from 'aws-cdk-lib/core';
import type { Connector } from '../../lib/core/connector/connector.ts';
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

/** The stacks of a stage and of a connector, without the time it takes to bundle. */
export function stacksOf(
  stage: Stage,
  declared: Connector = erp,
): { readonly state: StateStack; readonly connector: ConnectorStack } {
  const bundle = temporaryFolder();
  writeFileSync(join(bundle, 'work.mjs'), '');
  const app = new App({ outdir: temporaryFolder(), builtinCloudFormationValidation: false });
  const state = new StateStack(app, `${stage.name}-state`, stage);
  return {
    state,
    connector: new ConnectorStack(app, `${stage.name}-${declared.name}`, { stage, connector: declared, bundle, state }),
  };
}
