import {
  CloudFormationClient,
  paginateListStackResources,
  type StackResourceSummary,
} from '@aws-sdk/client-cloudformation';
import { DeleteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  GetEventSourceMappingCommand,
  GetFunctionConfigurationCommand,
  GetFunctionUrlConfigCommand,
  InvokeCommand,
  LambdaClient,
} from '@aws-sdk/client-lambda';
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
  UpdateSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { type Aws, openPorts, sqsClient } from '../../lib/aws/open-ports.ts';
import { type QueueReader, queueReader } from '../../lib/aws/queue-reader.ts';
import type { Connector } from '../../lib/core/connector/connector.ts';
import { type Environment, environmentSchema } from '../../lib/core/environment.ts';
import { HOUR } from '../../lib/core/time.ts';
import type { Invocation } from '../../lib/pipeline/invocation.ts';
import { newWorkerMemory } from '../../lib/pipeline/invocation.ts';
import type { Log, Metrics } from '../../lib/pipeline/ports.ts';
import { UsageError } from './errors.ts';

/**
 * A connector of a stack, as an operator works with it: the ports that its functions have, so that whatever they can do can be done
 * by hand; and what only an operator does. (Secrets: on a stack of this machine only the functions may read them.)
 */
export type OperatedConnector = Invocation & {
  /** Everything that its functions are told. */
  readonly settings: Environment;
  readonly tasksReader: QueueReader;
  readonly failuresReader: QueueReader;
  /** Physical names of what belongs to the connector's stack. */
  readonly resources: readonly Resource[];
  /** Deletes a connection's item. */
  forget(connection: string): Promise<void>;
  /** Creates a secret, or gives it a new value. */
  putSecret(name: string, value: string): Promise<void>;
  /** Where browsers reach the connect function. Throws a {@link UsageError} if the connector has none. */
  connectUrl(): Promise<string>;
  /** Whether Lambda hands the worker what is on the queue. */
  takesTasks(): Promise<boolean>;
  /** Runs housekeeping now. `event`: as the function takes it. */
  housekeep(event?: object): Promise<void>;
};

export type Resource = { readonly id: string; readonly type: string; readonly name: string };

/** An operator's command has no end that would cut it off. */
const BUDGET = HOUR;
/** What an operator does is shown by the command itself. */
const silent: { readonly log: Log; readonly metrics: Metrics } = {
  log: { debug() {}, info() {}, warn() {} },
  metrics: { add() {} },
};

export const stackName = (stage: string, connector: string): string => `headgate-${stage}-${connector}`;

/** Opens a connector of a deployed stack, or of anything that answers like one. Throws a {@link UsageError} if it is not there. */
export async function openConnector(aws: Aws, stage: string, connector: Connector): Promise<OperatedConnector> {
  const resources = await resourcesOf(aws, stackName(stage, connector.name));
  if (resources === undefined) {
    const name = stackName(stage, connector.name);
    throw new UsageError(
      `There is no stack "${name}" in this account and region. Deploy it with: npx cdk deploy ${name}`,
    );
  }
  const lambda = new LambdaClient(aws);
  const work = functionName(resources, 'Work');
  const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: work }));
  const settings = environmentSchema.parse(Environment?.Variables);
  const sqs = sqsClient(aws);
  return {
    ...openPorts(settings, silent, aws),
    connector,
    settings,
    memory: newWorkerMemory(),
    remaining: () => BUDGET,
    budget: BUDGET,
    resources,
    tasksReader: queueReader(sqs, settings.QUEUE_URL),
    failuresReader: queueReader(sqs, settings.FAILURES_QUEUE_URL),
    async forget(connection) {
      const Key = { pk: { S: connector.name }, sk: { S: connection } };
      await new DynamoDBClient(aws).send(new DeleteItemCommand({ TableName: settings.CONNECTIONS_TABLE, Key }));
    },
    async putSecret(name, value) {
      const client = new SecretsManagerClient(aws);
      const KmsKeyId = settings.SECRETS_KEY;
      try {
        const secret = { SecretId: name, SecretString: value };
        // What is written anew is encrypted with the key that the stage has now.
        if (KmsKeyId === undefined) await client.send(new PutSecretValueCommand(secret));
        else await client.send(new UpdateSecretCommand({ ...secret, KmsKeyId }));
      } catch (error) {
        if (!(error instanceof ResourceNotFoundException)) throw error;
        await client.send(new CreateSecretCommand({ Name: name, SecretString: value, KmsKeyId }));
      }
    },
    async connectUrl() {
      const FunctionName = functionName(resources, 'Connect');
      const { FunctionUrl } = await lambda.send(new GetFunctionUrlConfigCommand({ FunctionName }));
      if (FunctionUrl === undefined) throw new Error(`${FunctionName} has no URL.`);
      return FunctionUrl;
    },
    async takesTasks() {
      const mapping = resources.find(({ type }) => type === 'AWS::Lambda::EventSourceMapping');
      const { State } = await lambda.send(new GetEventSourceMappingCommand({ UUID: mapping?.name }));
      return State === 'Enabled';
    },
    async housekeep(event = {}) {
      const FunctionName = functionName(resources, 'Housekeeping');
      const { FunctionError, Payload } = await lambda.send(
        new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }),
      );
      if (FunctionError !== undefined) throw new Error(`Housekeeping failed: ${Payload?.transformToString()}`);
    },
  };
}

/** Whether a connector's stack is there. */
export async function isDeployed(aws: Aws, stage: string, connector: string): Promise<boolean> {
  return (await resourcesOf(aws, stackName(stage, connector))) !== undefined;
}

async function resourcesOf(aws: Aws, stack: string): Promise<Resource[] | undefined> {
  const found: StackResourceSummary[] = [];
  try {
    const pages = paginateListStackResources({ client: new CloudFormationClient(aws) }, { StackName: stack });
    for await (const { StackResourceSummaries = [] } of pages) found.push(...StackResourceSummaries);
  } catch (error) {
    if (error instanceof Error && /does not exist/.test(error.message)) return undefined;
    throw error;
  }
  return found.map(({ LogicalResourceId: id = '', ResourceType: type = '', PhysicalResourceId: name = '' }) => ({
    id,
    type,
    name,
  }));
}

/** The physical name of one of the connector's functions, by the construct that makes it. */
function functionName(resources: readonly Resource[], construct: 'Work' | 'Housekeeping' | 'Connect'): string {
  const found = resources.find(
    ({ id, type }) => type === 'AWS::Lambda::Function' && id.startsWith(`${construct}Function`),
  );
  if (found === undefined)
    throw new UsageError(`The stack has no ${construct.toLowerCase()} function. Deploy it again.`);
  return found.name;
}
