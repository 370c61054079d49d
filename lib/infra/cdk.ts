/** The constructs of Headgate, for a CDK application of one's own. */
export { type AppOptions, buildApp } from './app.ts';
export { bundleFunctions, type FunctionName, functionsOf } from './bundle.ts';
export { ConnectorStack } from './connector-stack.ts';
export { DashboardStack } from './dashboard-stack.ts';
export { type Stage, stages } from './stage.ts';
export { StateStack } from './state-stack.ts';
