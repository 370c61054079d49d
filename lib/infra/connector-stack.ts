import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  Code,
  EventSourceMapping,
  FunctionUrlAuthType,
  type Function as LambdaFunction,
  RecursiveLoop,
} from 'aws-cdk-lib/aws-lambda';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { CfnOutput, Duration, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { Connector } from '../core/connector/connector.ts';
import type { EnvironmentVariables } from '../core/environment.ts';
import { metricsNamespace } from '../core/metrics.ts';
import { SECOND } from '../core/time.ts';
import { functionsOf } from './bundle.ts';
import { connectorAlarms, type Watched } from './connector-alarms.ts';
import { type ConnectorFunction, connectorFunction } from './connector-function.ts';
import { encryptionKey, queueEncryption } from './encryption.ts';
import {
  announce,
  invoke,
  readConnections,
  readSecrets,
  receive,
  secretsWildcard,
  send,
  useKey,
  useState,
  useTokens,
  wildcardsOf,
} from './permissions.ts';
import { schedule, schedulerRole, streamRate } from './schedule.ts';
import { type Stage, secretsPrefix } from './stage.ts';
import { removalPolicy, type StateStack } from './state-stack.ts';
import { tableLoader } from './table-loader.ts';
import { tick } from './tick.ts';

/** How many tasks a worker gets at once. 10 is the most that SQS hands out without a batching window. */
const BATCH_SIZE = 10;
/** How many requests one worker has under way at most, where its connector allows enough of them. */
const REQUESTS_PER_WORKER = 16;
/** How many workers may run at once, from 2: with what each has under way it bounds the requests under way, not their rate. */
const workers = ({ concurrency }: Connector): number => Math.max(2, Math.ceil(concurrency / REQUESTS_PER_WORKER));
/** Visibility timeout ÷ worker timeout, as Lambda advises (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html). */
const TIMEOUTS_PER_VISIBILITY = 6;
/** Receives after which SQS itself moves a task away. High, as only crashes should get there: workers set aside by themselves. */
const MAXIMUM_RECEIVES = 50;

const HOUSEKEEPING_PERIOD = Duration.minutes(5);
/** Less than the period, so that two runs do not overlap. */
const HOUSEKEEPING_TIMEOUT = Duration.minutes(4);

export type ConnectorStackProps = {
  readonly stage: Stage;
  readonly connector: Connector;
  /** Absolute path of the folder with the functions' bundles. */
  readonly bundle: string;
  readonly state: StateStack;
};

type Queues = { readonly tasks: Queue; readonly failures: Queue };
type Functions = { readonly work: LambdaFunction; readonly housekeeping: LambdaFunction };

/** Everything one API has to itself, so that an API that hangs starves no other. */
export class ConnectorStack extends Stack {
  readonly watched: Watched & Queues;
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, given: ConnectorStackProps) {
    const props = { ...given, stage: stageFor(given.stage, given.connector) };
    super(scope, id, { description: `Headgate (${props.stage.name}): pulls ${props.connector.name}.` });
    const visibilityTimeout = Duration.seconds(TIMEOUTS_PER_VISIBILITY * props.stage.workerTimeoutSeconds);
    const key = encryptionKey(this, props.stage);
    const queues = taskQueues(this, visibilityTimeout, key);
    const functions = connectorFunctions(this, props, queues, visibilityTimeout, key);
    new EventSourceMapping(this, 'Tasks', {
      target: functions.work,
      eventSourceArn: queues.tasks.queueArn,
      batchSize: BATCH_SIZE,
      maxConcurrency: workers(props.connector),
      reportBatchItemFailures: true,
    });
    syncSchedules(this, props, queues.tasks, key);
    housekeepingSchedule(this, functions.housekeeping);
    new CfnOutput(this, 'TasksQueueUrl', { value: queues.tasks.queueUrl, description: 'Pages to fetch.' });
    new CfnOutput(this, 'FailuresQueueUrl', { value: queues.failures.queueUrl, description: 'Pages set aside.' });
    const { load: settings } = props.stage;
    const { database } = props.state;
    const tables =
      settings === undefined || database === undefined
        ? undefined
        : tableLoader(this, { ...props, settings, database, code: Code.fromAsset(props.bundle), key });
    this.watched = { ...props, ...queues, functions, ...(tables !== undefined && { tables }) };
    this.alarms = connectorAlarms(this, this.watched, props.state.topics);
  }
}

/** The least that a worker has in seconds where it has more to do than pages. */
const AT_LEAST = 150;
/** Seconds that a page takes at most where its connector says nothing, and what a worker has for one that takes longer. */
const USUAL_TIMEOUT = 30;
const FOR_SLOW_PAGES = 1.25;
/** Lambda's own limit in seconds (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html). */
const LONGEST_INVOCATION = 900;

/**
 * Where refresh tokens rotate, a request for a new token is begun only if its answer can be waited for to the end (60 s), and a worker must
 * have that much time for it beside its pages. Where a stream lists by parents, the close adds up what each of them brought: half a minute for 100,000.
 */
function stageFor(stage: Stage, { auth, streams, bounds }: Connector): Stage {
  const all = Object.values(streams);
  const hasParents = all.some(({ each }) => each !== undefined);
  const slowest = Math.max(...all.map((stream) => bounds(stream).timeout)) / SECOND;
  const least = [
    stage.workerTimeoutSeconds,
    auth.kind === 'authorizationCode' || hasParents ? AT_LEAST : 0,
    slowest > USUAL_TIMEOUT ? Math.ceil(slowest * FOR_SLOW_PAGES) + AT_LEAST : 0,
  ];
  return { ...stage, workerTimeoutSeconds: Math.min(LONGEST_INVOCATION, Math.max(...least)) };
}

function taskQueues(scope: Construct, visibilityTimeout: Duration, key: IKey | undefined): Queues {
  const secure = { ...queueEncryption(key), enforceSSL: true };
  // Longer than the other's: a message that SQS moves keeps its age (…/sqs-dead-letter-queues.html).
  const failures = new Queue(scope, 'Failures', { ...secure, retentionPeriod: Duration.days(14) });
  const tasks = new Queue(scope, 'Queue', {
    ...secure,
    visibilityTimeout,
    retentionPeriod: Duration.days(4),
    deadLetterQueue: { queue: failures, maxReceiveCount: MAXIMUM_RECEIVES },
  });
  return { tasks, failures };
}

function connectorFunctions(
  stack: Stack,
  { stage, connector, bundle, state }: ConnectorStackProps,
  { tasks, failures }: Queues,
  visibilityTimeout: Duration,
  key: IKey | undefined,
): Functions {
  const secrets = secretsPrefix(stage, connector);
  const environment: EnvironmentVariables = {
    CONNECTOR: connector.name,
    SYNCS_TABLE: state.syncs.tableName,
    CONNECTIONS_TABLE: state.connections.tableName,
    RATE_LIMITS_TABLE: state.rateLimits.tableName,
    TOKENS_TABLE: state.tokens.tableName,
    TOKEN_KEY: state.tokenKey.secretArn,
    BUCKET: state.bucket.bucketName,
    METRICS_NAMESPACE: metricsNamespace(stage.name),
    QUEUE_URL: tasks.queueUrl,
    FAILURES_QUEUE_URL: failures.queueUrl,
    SECRETS_PREFIX: secrets,
    ...(key !== undefined && { SECRETS_KEY: key.keyArn }),
    SCHEMA_MODE: stage.schemaMode,
    ATTEMPTS: String(stage.attempts),
    OUTAGE_SECONDS: String(stage.outageSeconds),
    ...(stage.rotate === undefined ? {} : { ROTATE: String(stage.rotate) }),
    VISIBILITY_TIMEOUT_SECONDS: String(visibilityTimeout.toSeconds()),
    MAXIMUM_CONCURRENCY: String(workers(connector)),
  };
  const common = {
    code: Code.fromAsset(bundle),
    environment,
    removalPolicy: removalPolicy(stage),
    key,
    wildcards: wildcardsOf(state, secrets, connector.name),
  };
  const permissions = [
    ...useState(state, connector.name),
    ...useTokens(state, connector),
    send(tasks),
    send(failures),
    readSecrets(stack, secrets),
    announce(stack),
    ...useKey(key),
  ];
  const work = connectorFunction(stack, 'Work', {
    ...common,
    name: 'work',
    description: `Works on the tasks of ${connector.name}.`,
    timeout: Duration.seconds(stage.workerTimeoutSeconds),
    permissions: [...permissions, receive(tasks)],
    // A worker sends to its own queue. Lambda would take that for an accident and stop it after 16 hops.
    recursiveLoop: RecursiveLoop.ALLOW,
  });
  const housekeeping = connectorFunction(stack, 'Housekeeping', {
    ...common,
    name: 'housekeeping',
    description: `Mends and ends the syncs of ${connector.name}.`,
    timeout: HOUSEKEEPING_TIMEOUT,
    permissions,
    recursiveLoop: RecursiveLoop.TERMINATE,
  });
  if (functionsOf(connector).includes('connect')) connectFunction(stack, state, common, secrets, connector, key);
  return { work, housekeeping };
}

/** Everybody can call it: so many calls at once are a person's, more would take the workers' share of the account. */
const CONNECT_AT_ONCE = 2;
/** Longer than a token request may take. */
const CONNECT_TIMEOUT = Duration.seconds(90);

/**
 * Where a person's browser goes to consent. Everyone can call it, and gets nothing from it without a link or a state that Headgate
 * made, each of which works once. It reaches neither queues nor objects nor syncs.
 */
function connectFunction(
  stack: Stack,
  state: StateStack,
  common: Pick<ConnectorFunction, 'code' | 'environment' | 'removalPolicy' | 'key'>,
  secrets: string,
  connector: Connector,
  key: IKey | undefined,
): void {
  const connect = connectorFunction(stack, 'Connect', {
    ...common,
    name: 'connect',
    description: `Connects accounts of ${connector.name}.`,
    timeout: CONNECT_TIMEOUT,
    reserved: CONNECT_AT_ONCE,
    permissions: [
      ...useTokens(state, connector),
      readConnections(state, connector.name),
      readSecrets(stack, secrets),
      ...useKey(key),
    ],
    wildcards: [secretsWildcard(secrets)],
    recursiveLoop: RecursiveLoop.TERMINATE,
  });
  connect.addFunctionUrl({ authType: FunctionUrlAuthType.NONE });
}

function syncSchedules(
  stack: Stack,
  { stage, connector }: ConnectorStackProps,
  tasks: Queue,
  key: IKey | undefined,
): void {
  const scope = new Construct(stack, 'Schedules');
  const role = schedulerRole(scope, 'Role', send(tasks), ...useKey(key));
  for (const stream of Object.keys(connector.streams)) {
    schedule(scope, `Stream-${stream}`, {
      description: `Starts a sync of ${stream}.`,
      every: streamRate(connector, stream),
      enabled: stage.schedules,
      target: { arn: tasks.queueArn, role, input: tick(stream) },
    });
  }
}

/** Runs in every stage: a sync that was started by hand needs it too. */
function housekeepingSchedule(stack: Stack, housekeeping: LambdaFunction): void {
  const scope = new Construct(stack, 'HousekeepingSchedule');
  schedule(scope, 'Schedule', {
    description: 'Mends and ends syncs that make no progress.',
    every: HOUSEKEEPING_PERIOD,
    enabled: true,
    target: { arn: housekeeping.functionArn, role: schedulerRole(scope, 'Role', invoke(housekeeping.functionArn)) },
  });
}
