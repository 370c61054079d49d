import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { type Embedded, type EmbeddedOptions, startEmbedded } from '../../lib/local/embedded.ts';

/** A stack like the real one, with handlers of a few lines. */
export type SmallStack = {
  /** Body of the worker's module; it exports `handler`. */
  readonly work: string;
  readonly housekeeping?: string;
  /** Seconds. */
  readonly timeout?: number;
  readonly visibilityTimeout?: number;
  readonly maxReceiveCount?: number;
  readonly batchSize?: number;
  /** MB. */
  readonly memory?: number;
  /** More resources for the connector's stack, or others in place of its own. */
  readonly resources?: Readonly<Record<string, object>>;
  readonly tableKey?: string;
};

/** For a handler: `aws(target, input)` calls a service, as the SDK would, and gives its answer with the status. */
export const AWS = `
const headers = {
  authorization: \`AWS4-HMAC-SHA256 Credential=\${process.env.AWS_ACCESS_KEY_ID}/x, SignedHeaders=host, Signature=x\`,
  'x-amz-date': '20260101T000000Z',
};
const aws = async (target, input) => {
  const response = await fetch(process.env.AWS_ENDPOINT_URL, {
    method: 'POST',
    headers: { ...headers, 'x-amz-target': target, 'content-type': 'application/x-amz-json-1.0' },
    body: JSON.stringify(input),
  });
  return { status: response.status, ...(await response.json()) };
};
`;

const scratch = mkdtempSync(join(tmpdir(), 'headgate-local-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** A new folder, which is deleted when the tests of this file are over. */
export const newFolder = (): string => mkdtempSync(join(scratch, 'x'));

/** Writes the templates of a stack, as `cdk synth` would, and gives their folder. */
export function writeAssembly(stack: SmallStack): string {
  const folder = newFolder();
  const write = (path: string, content: unknown) =>
    writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content));
  mkdirSync(join(folder, 'asset.code'));
  write('asset.code/work.mjs', stack.work);
  write('asset.code/housekeeping.mjs', stack.housekeeping ?? 'export const handler = async (event) => event;');
  write('small-state.template.json', stateTemplate(stack));
  write('small-api.template.json', { Resources: { ...connectorResources(stack), ...stack.resources } });
  write('small-api.assets.json', {
    files: {
      code: {
        source: { path: 'asset.code', packaging: 'zip' },
        destinations: { here: { bucketName: 'assets', objectKey: 'code.zip' } },
      },
    },
  });
  return folder;
}

/** Starts a small stack, which the test stops when it ends. */
export async function startSmall(
  t: TestContext,
  stack: SmallStack,
  options: Partial<EmbeddedOptions> = {},
): Promise<Embedded> {
  const embedded = await startEmbedded({ assembly: writeAssembly(stack), state: newFolder(), secrets: {}, ...options });
  t.after(() => embedded.stop());
  return embedded;
}

/** The schedule that puts a message on the worker's queue. */
export const TICK = 'small-api/Tick';
/** The schedule that starts the housekeeping function. */
export const CLEANING = 'small-api/Cleaning';

const stateTemplate = ({ tableKey = 'pk' }: SmallStack) => ({
  Resources: {
    Table: {
      Type: 'AWS::DynamoDB::Table',
      Properties: {
        KeySchema: [{ AttributeName: tableKey, KeyType: 'HASH' }],
        AttributeDefinitions: [
          { AttributeName: tableKey, AttributeType: 'S' },
          { AttributeName: 'live', AttributeType: 'S' },
        ],
        GlobalSecondaryIndexes: [
          {
            IndexName: 'live',
            KeySchema: [{ AttributeName: 'live', KeyType: 'HASH' }],
            Projection: { ProjectionType: 'KEYS_ONLY' },
          },
        ],
        BillingMode: 'PAY_PER_REQUEST',
      },
    },
    Bucket: { Type: 'AWS::S3::Bucket' },
  },
  Outputs: { TableName: { Value: { Ref: 'Table' }, Export: { Name: 'small:table' } } },
});

const connectorResources = (stack: SmallStack) => ({
  Failures: { Type: 'AWS::SQS::Queue' },
  Queue: {
    Type: 'AWS::SQS::Queue',
    Properties: {
      VisibilityTimeout: stack.visibilityTimeout ?? 360,
      RedrivePolicy: {
        deadLetterTargetArn: { 'Fn::GetAtt': ['Failures', 'Arn'] },
        maxReceiveCount: stack.maxReceiveCount ?? 50,
      },
    },
  },
  Role: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: {} } },
  Work: lambda(stack, 'work'),
  Housekeeping: lambda(stack, 'housekeeping'),
  Mapping: {
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: {
      BatchSize: stack.batchSize ?? 10,
      EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] },
      FunctionName: { Ref: 'Work' },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 2 },
    },
  },
  Tick: {
    Type: 'AWS::Scheduler::Schedule',
    Properties: {
      ScheduleExpression: 'rate(15 minutes)',
      State: 'DISABLED',
      Target: {
        Arn: { 'Fn::GetAtt': ['Queue', 'Arn'] },
        RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] },
        Input: '{"kind":"tick","at":"<aws.scheduler.scheduled-time>"}',
      },
    },
  },
  Cleaning: {
    Type: 'AWS::Scheduler::Schedule',
    Properties: {
      ScheduleExpression: 'rate(5 minutes)',
      State: 'ENABLED',
      Target: { Arn: { 'Fn::GetAtt': ['Housekeeping', 'Arn'] }, RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] } },
    },
  },
});

const lambda = (stack: SmallStack, name: string) => ({
  Type: 'AWS::Lambda::Function',
  Properties: {
    Code: { S3Bucket: 'assets', S3Key: 'code.zip' },
    Handler: `${name}.handler`,
    Timeout: stack.timeout ?? 30,
    MemorySize: stack.memory ?? 128,
    Environment: {
      Variables: {
        CONNECTOR: 'api',
        TABLE: { 'Fn::ImportValue': 'small:table' },
        QUEUE_URL: { Ref: 'Queue' },
        FAILURES_QUEUE_URL: { Ref: 'Failures' },
      },
    },
  },
});
