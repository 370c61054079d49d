import { join } from 'node:path';
import { App } from 'aws-cdk-lib/core';
import type { Connector } from '../core/connector.ts';
import { bundleFunctions } from './bundle.ts';
import { ConnectorStack } from './connector-stack.ts';
import type { Stage } from './stage.ts';
import { StateStack } from './state-stack.ts';

/** CDK's feature flags that matter here. They stand in the code, so that every caller gets the same templates. */
const FLAGS = {
  /** The state cannot be deleted while a connector uses it. */
  '@aws-cdk/core:defaultCrossStackReferences': 'strong',
  /** What CDK's own check finds is an error, not a warning. */
  '@aws-cdk/core:validateAgainstDefaultRules': true,
} as const;

export type AppOptions = {
  readonly stages: readonly Stage[];
  /** `file`: absolute path of the connector's file. */
  readonly connectors: readonly { readonly connector: Connector; readonly file: string }[];
  /** Folder for the templates and bundles. Default: what the CDK command line says, or else a temporary folder. */
  readonly outdir?: string;
  /** Whether CDK checks the finished templates, which takes a second or two. Default: true. */
  readonly validate?: boolean;
};

/**
 * Stages × connectors → stacks: `headgate-<stage>-state`, and `headgate-<stage>-<connector>` for each connector. They
 * name no account and no region, so they are made without credentials and can be deployed anywhere.
 */
export function buildApp({ stages, connectors, outdir, validate = true }: AppOptions): App {
  const app = new App({
    ...(outdir !== undefined && { outdir }),
    context: FLAGS,
    builtinCloudFormationValidation: validate,
    // No resource that only counts who uses CDK.
    analyticsReporting: false,
  });
  const bundled = connectors.map(({ connector, file }) => {
    const bundle = join(app.outdir, 'bundles', connector.name);
    bundleFunctions(file, bundle);
    return { connector, bundle };
  });
  for (const stage of stages) {
    const state = new StateStack(app, `headgate-${stage.name}-state`, stage);
    for (const { connector, bundle } of bundled) {
      new ConnectorStack(app, `headgate-${stage.name}-${connector.name}`, { stage, connector, bundle, state });
    }
  }
  return app;
}
