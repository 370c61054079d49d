import { type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  Architecture,
  type Code,
  Function as LambdaFunction,
  LoggingFormat,
  type RecursiveLoop,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { type Duration, type RemovalPolicy, Validations } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { FunctionName } from './bundle.ts';
import { inline, writeLogs } from './permissions.ts';

export type ConnectorFunction = {
  readonly name: FunctionName;
  readonly description: string;
  readonly code: Code;
  readonly timeout: Duration;
  readonly recursiveLoop: RecursiveLoop;
  readonly environment: Readonly<Record<string, string>>;
  readonly permissions: readonly PolicyStatement[];
  /** The resources among them that end in a wildcard, as cdk-nag writes them. */
  readonly wildcards: readonly string[];
  /** What becomes of the logs when the stack is deleted. */
  readonly removalPolicy: RemovalPolicy;
  /** How many may run at once; default: as many as the account lets. */
  readonly reserved?: number;
  /** Encrypts logs and environment; default: keys of AWS. */
  readonly key: IKey | undefined;
};

/** Memory of every function, and with it a share of a CPU. */
export const MEMORY_MB = 512;

/** A function with a role and a log group of its own. */
export function connectorFunction(parent: Construct, id: string, props: ConnectorFunction): LambdaFunction {
  const scope = new Construct(parent, id);
  const { name, permissions, wildcards, removalPolicy, key, reserved, ...rest } = props;
  const logGroup = new LogGroup(scope, 'Logs', {
    retention: RetentionDays.ONE_MONTH,
    removalPolicy,
    ...(key !== undefined && { encryptionKey: key }),
  });
  const role = new Role(scope, 'Role', {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    inlinePolicies: inline([...permissions, writeLogs(logGroup.logGroupArn)]),
  });
  for (const resource of wildcards) {
    const id = `AwsSolutions-IAM5[Resource::${resource}]`;
    Validations.of(role).acknowledge({
      id,
      reason: 'The wildcard stands after the name of the connector: all that is its own.',
    });
  }
  // None is reserved for workers: a throttled batch counts as received, and would end in the failures queue unread.
  return new LambdaFunction(scope, 'Function', {
    ...rest,
    handler: `${name}.handler`,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: MEMORY_MB,
    ...(reserved !== undefined && { reservedConcurrentExecutions: reserved }),
    role,
    logGroup,
    loggingFormat: LoggingFormat.JSON,
    ...(key !== undefined && { environmentEncryption: key }),
  });
}
