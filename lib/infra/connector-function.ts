import { type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  type Code,
  Function as LambdaFunction,
  LoggingFormat,
  type RecursiveLoop,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Duration, RemovalPolicy } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { EnvironmentVariables } from '../core/environment.ts';
import type { FunctionName } from './bundle.ts';
import { inline, writeLogs } from './permissions.ts';

export type ConnectorFunction = {
  readonly name: FunctionName;
  readonly description: string;
  readonly code: Code;
  readonly timeout: Duration;
  readonly recursiveLoop: RecursiveLoop;
  readonly environment: EnvironmentVariables;
  readonly permissions: readonly PolicyStatement[];
  /** What becomes of the logs when the stack is deleted. */
  readonly removalPolicy: RemovalPolicy;
};

/** A function with a role and a log group of its own. */
export function connectorFunction(parent: Construct, id: string, props: ConnectorFunction): LambdaFunction {
  const scope = new Construct(parent, id);
  const { name, permissions, removalPolicy, ...rest } = props;
  const logGroup = new LogGroup(scope, 'Logs', { retention: RetentionDays.ONE_MONTH, removalPolicy });
  const role = new Role(scope, 'Role', {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    inlinePolicies: inline([...permissions, writeLogs(logGroup.logGroupArn)]),
  });
  // No reserved concurrency: a throttled batch counts as received, and would end in the failures queue unread.
  return new LambdaFunction(scope, 'Function', {
    ...rest,
    handler: `${name}.handler`,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: 512,
    role,
    logGroup,
    loggingFormat: LoggingFormat.JSON,
  });
}
