import { resolve } from 'node:path';
import { App, Validations } from 'aws-cdk-lib/core';
import { AwsSolutionsChecks } from 'cdk-nag';
import { type Connector, ConnectorError } from '../core/connector/connector.ts';
import { bundleFunctions, functionsOf } from './bundle.ts';
import { ConnectorStack } from './connector-stack.ts';
import { DashboardStack } from './dashboard-stack.ts';
import type { Stage } from './stage.ts';
import { StateStack } from './state-stack.ts';

/** CDK's feature flags that matter here. They stand in the code, so that every caller gets the same templates. */
export const FLAGS = {
  /** No stack holds another one's outputs: docs/decisions/041-weak-references-between-stacks.md. */
  '@aws-cdk/core:defaultCrossStackReferences': 'both',
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
 * Stages × connectors → stacks: `headgate-<stage>-state`, `headgate-<stage>-<connector>` for each connector, and
 * `headgate-<stage>-dashboard`. They name no account and no region, so they are made without credentials and can be deployed anywhere.
 */
export function buildApp(options: AppOptions): App {
  return buildTraced(options).app;
}

/** The same, with the absolute paths of the files that the bundles hold. */
export function buildTraced({ stages, connectors, outdir, validate = true }: AppOptions): {
  readonly app: App;
  readonly files: readonly string[];
} {
  const app = new App({
    ...(outdir !== undefined && { outdir }),
    context: FLAGS,
    builtinCloudFormationValidation: validate,
    // No resource that only counts who uses CDK.
    analyticsReporting: false,
  });
  for (const { connector } of connectors) refuseName(connector);
  const bundled = connectors.map(({ connector, file }) => {
    const bundle = resolve(app.outdir, 'bundles', connector.name);
    const files = bundleFunctions(file, bundle, functionsOf(connector, stages));
    return { connector, bundle, files };
  });
  for (const stage of stages) {
    const state = new StateStack(app, `headgate-${stage.name}-state`, stage);
    const stacks = bundled.map(
      ({ connector, bundle }) =>
        new ConnectorStack(app, `headgate-${stage.name}-${connector.name}`, { stage, connector, bundle, state }),
    );
    new DashboardStack(app, `headgate-${stage.name}-dashboard`, { stage, state, connectors: stacks });
  }
  // The rules of AWS's own solutions; what is acknowledged says why, where it stands.
  if (validate) Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return { app, files: bundled.flatMap(({ files }) => files) };
}

/** Names of Headgate's own: of a stage's stacks, and of what lies in its bucket beside the connectors' objects. */
const OWN_NAMES: readonly string[] = ['state', 'dashboard', 'responses'];

function refuseName({ name }: Connector): void {
  if (OWN_NAMES.includes(name))
    throw new ConnectorError(
      `A connector's name must be none of ${OWN_NAMES.join(', ')} (got "${name}"): Headgate uses them itself. Call it something else.`,
    );
}
