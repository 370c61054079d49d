import { Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  CfnFunction,
  type Code,
  EventSourceMapping,
  type Function as LambdaFunction,
  RecursiveLoop,
} from 'aws-cdk-lib/aws-lambda';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { CfnOutput, Duration, type Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { Connector } from '../core/connector/connector.ts';
import type { LoadEnvironmentVariables } from '../core/load-environment.ts';
import { connectorFunction } from './connector-function.ts';
import { queueEncryption } from './encryption.ts';
import { listResults, readResults, readSecret, receive, resultsWildcard, useKey } from './permissions.ts';
import type { Stage, TableSettings } from './stage.ts';
import { removalPolicy, type StateStack } from './state-stack.ts';

/** As long as Lambda lets a function run: one receipt is one transaction. */
const TIMEOUT = Duration.minutes(15);
/** Visibility timeout ÷ timeout, as Lambda advises (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html). */
const TIMEOUTS_PER_VISIBILITY = 6;
/** With the waits between them (30 s, doubled up to half an hour) a database may be away for about four hours. */
const MAXIMUM_RECEIVES = 12;
/** Events of syncs that close together are loaded together. */
const GATHERED = { batchSize: 100, maxBatchingWindow: Duration.seconds(30) };
/** The fewest that SQS lets a mapping have. A second loader waits for the first one's transaction. */
const LOADERS = 2;

export type TableLoader = {
  readonly events: Queue;
  readonly failures: Queue;
  readonly load: LambdaFunction;
};

export type TableLoaderProps = {
  readonly stage: Stage;
  readonly settings: TableSettings;
  readonly connector: Connector;
  readonly code: Code;
  readonly state: StateStack;
  /** Holds the URL of the database. */
  readonly database: Secret;
  readonly key: IKey | undefined;
};

/**
 * Event `Sync closed` → queue → function → PostgreSQL. Each load takes all receipts that are new, so an event that is lost is made up for by the
 * next one.
 */
export function tableLoader(stack: Stack, props: TableLoaderProps): TableLoader {
  const scope = new Construct(stack, 'Tables');
  const { connector, state, key } = props;
  const secure = { ...queueEncryption(key), enforceSSL: true };
  const failures = new Queue(scope, 'Failures', { ...secure, retentionPeriod: Duration.days(14) });
  const events = new Queue(scope, 'Events', {
    ...secure,
    visibilityTimeout: Duration.seconds(TIMEOUTS_PER_VISIBILITY * TIMEOUT.toSeconds()),
    retentionPeriod: Duration.days(4),
    deadLetterQueue: { queue: failures, maxReceiveCount: MAXIMUM_RECEIVES },
  });
  new Rule(scope, 'SyncClosed', {
    description: `Syncs of ${connector.name} whose receipts are loaded into tables.`,
    eventPattern: {
      source: ['headgate'],
      detailType: ['Sync closed'],
      // Stages share the account's event bus.
      detail: { bucket: [state.bucket.bucketName], connector: [connector.name] },
    },
    targets: [new SqsQueue(events)],
  });
  const load = loadFunction(scope, props, events);
  new EventSourceMapping(scope, 'Mapping', {
    target: load,
    eventSourceArn: events.queueArn,
    ...GATHERED,
    maxConcurrency: LOADERS,
    reportBatchItemFailures: true,
  });
  new CfnOutput(stack, 'LoadFailuresQueueArn', { value: failures.queueArn, description: 'Loads set aside.' });
  new CfnOutput(stack, 'LoadLogGroup', { value: load.logGroup.logGroupName, description: 'What the loads say.' });
  return { events, failures, load };
}

function loadFunction(
  scope: Construct,
  { stage, settings, connector, code, state, database, key }: TableLoaderProps,
  events: Queue,
): LambdaFunction {
  const { schema, accept = [], deleted = 'remove', network } = settings;
  const environment: LoadEnvironmentVariables = {
    CONNECTOR: connector.name,
    BUCKET: state.bucket.bucketName,
    LOAD_QUEUE_URL: events.queueUrl,
    DATABASE_SECRET: database.secretArn,
    ...(schema !== undefined && { DATABASE_SCHEMA: schema }),
    LOAD_ACCEPT: accept.map((verdict) => verdict.toUpperCase()).join(','),
    LOAD_DELETED: deleted,
  };
  const load = connectorFunction(scope, 'Load', {
    name: 'load',
    description: `Loads what ${connector.name} delivered into tables.`,
    code,
    environment,
    timeout: TIMEOUT,
    permissions: [
      readResults(state, connector.name),
      listResults(state, connector.name),
      readSecret(database),
      receive(events),
      ...useKey(key),
      ...(network === undefined ? [] : [attachToNetwork]),
    ],
    wildcards: [resultsWildcard(state, connector.name), ...(network === undefined ? [] : ['*'])],
    removalPolicy: removalPolicy(stage),
    recursiveLoop: RecursiveLoop.TERMINATE,
    key,
  });
  if (network !== undefined && load.node.defaultChild instanceof CfnFunction)
    load.node.defaultChild.vpcConfig = {
      subnetIds: [...network.subnets],
      securityGroupIds: [...network.securityGroups],
    };
  return load;
}

/** What Lambda needs to enter a VPC (https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html): EC2 knows no narrower resource. */
const attachToNetwork = new PolicyStatement({
  actions: [
    'ec2:CreateNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:DeleteNetworkInterface',
    'ec2:AssignPrivateIpAddresses',
    'ec2:UnassignPrivateIpAddresses',
  ],
  resources: ['*'],
});
