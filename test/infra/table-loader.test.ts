import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { type Stage, stages } from '../../lib/infra/stage.ts';
import { stacksOf } from './example.ts';
import { arn, ofType, ref, resourcesOf, textOf } from './resources.ts';

const withTables = (load: Stage['load'], more: Partial<Stage> = {}) => {
  const { state, connector } = stacksOf({ ...stages.prod, ...more, load });
  return { state: resourcesOf(state), connector: resourcesOf(connector) };
};
/** Those of the loader alone. */
const loaderOf = ({ connector }: ReturnType<typeof withTables>) =>
  Object.fromEntries(Object.entries(connector).filter(([id]) => id.startsWith('Tables')));

const plain = stacksOf(stages.prod);
const loading = withTables({});

test('a stage that loads no tables has nothing of it, and one that does has all else unchanged', () => {
  const before = { ...resourcesOf(plain.state), ...resourcesOf(plain.connector) };
  const after = { ...loading.state, ...loading.connector };
  const added = Object.entries(after).filter(([id]) => !(id in before));
  assert.deepEqual(added.map(([id]) => id.replace(/[0-9A-F]{8}.*$/, '')).sort(), [
    'AlarmsLoadsFailing',
    'AlarmsLoadsLate',
    'Database',
    'TablesEvents',
    'TablesEventsPolicy',
    'TablesFailures',
    'TablesFailuresPolicy',
    'TablesLoadFunction',
    'TablesLoadLogs',
    'TablesLoadRole',
    'TablesMapping',
    'TablesSyncClosed',
  ]);
  for (const [id, resource] of Object.entries(before)) assert.deepEqual(after[id], resource, id);
});

test('a closed sync of this connector and stage becomes a message', () => {
  const rule = z.object({
    EventPattern: z.object({
      source: z.array(z.string()),
      'detail-type': z.array(z.string()),
      detail: z.object({ bucket: z.array(z.unknown()), connector: z.array(z.string()) }),
    }),
    State: z.literal('ENABLED'),
    Targets: z.tuple([z.object({ Arn: arn })]),
  });
  const [found] = Object.values(ofType(loaderOf(loading), 'AWS::Events::Rule', rule));
  const { source, detail, ...pattern } = found?.EventPattern ?? assert.fail('there is a rule');
  assert.deepEqual([source, pattern['detail-type'], detail.connector], [['headgate'], ['Sync closed'], ['erp']]);
  assert.match(detail.bucket.map(textOf).join(), /Bucket/);
  assert.match(found?.Targets[0].Arn ?? '', /^TablesEvents/);
});

test('a message stays invisible for six timeouts, and is kept for 14 days once it failed for hours', () => {
  const queue = z.object({
    VisibilityTimeout: z.number().optional(),
    MessageRetentionPeriod: z.number(),
    SqsManagedSseEnabled: z.literal(true),
    RedrivePolicy: z.object({ deadLetterTargetArn: arn, maxReceiveCount: z.number() }).optional(),
  });
  const queues = ofType(loaderOf(loading), 'AWS::SQS::Queue', queue);
  const [events] = Object.values(queues).filter(({ RedrivePolicy }) => RedrivePolicy !== undefined);
  const failures = queues[events?.RedrivePolicy?.deadLetterTargetArn ?? ''];
  const [load] = Object.values(
    ofType(loaderOf(loading), 'AWS::Lambda::Function', z.object({ Timeout: z.number(), Handler: z.string() })),
  );
  assert.deepEqual([load?.Handler, load?.Timeout, events?.VisibilityTimeout], ['load.handler', 900, 5_400]);
  assert.equal(failures?.MessageRetentionPeriod, 14 * 86_400);
  const mapping = z.object({
    EventSourceArn: arn,
    FunctionName: ref,
    FunctionResponseTypes: z.tuple([z.literal('ReportBatchItemFailures')]),
    ScalingConfig: z.object({ MaximumConcurrency: z.number() }),
  });
  const [mapped] = Object.values(ofType(loaderOf(loading), 'AWS::Lambda::EventSourceMapping', mapping));
  assert.equal(mapped?.ScalingConfig.MaximumConcurrency, 2);
});

test('the secret is empty at first, outlives its stack in prod, and stands in no variable', () => {
  const secret = z.object({ SecretString: z.string(), KmsKeyId: z.unknown().optional() });
  const [database] = Object.entries(ofType(loading.state, 'AWS::SecretsManager::Secret', secret.partial())).filter(
    ([id]) => id.startsWith('Database'),
  );
  assert.equal(database?.[1].SecretString, '{"url":""}');
  assert.equal(loading.state[database?.[0] ?? '']?.DeletionPolicy, 'RetainExceptOnCreate');
  const variables = z.object({ Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }) });
  const [load] = Object.values(ofType(loaderOf(loading), 'AWS::Lambda::Function', variables));
  assert.match(textOf(load?.Environment.Variables.DATABASE_SECRET), /Database/);
});

test('the loader reads its receipts and its secret, and writes nothing but logs', () => {
  const role = z.object({
    Policies: z.tuple([
      z.object({
        PolicyDocument: z.object({ Statement: z.array(z.object({ Action: z.unknown(), Resource: z.unknown() })) }),
      }),
    ]),
  });
  const [found] = Object.values(ofType(loaderOf(loading), 'AWS::IAM::Role', role));
  const actions = found?.Policies[0].PolicyDocument.Statement.flatMap(({ Action }) => Action);
  assert.deepEqual(actions?.flat().sort(), [
    'logs:CreateLogStream',
    'logs:PutLogEvents',
    's3:GetObject',
    's3:ListBucket',
    'secretsmanager:GetSecretValue',
    'sqs:ChangeMessageVisibility',
    'sqs:DeleteMessage',
    'sqs:GetQueueAttributes',
    'sqs:ReceiveMessage',
  ]);
});

test('settings reach the function', () => {
  const network = { subnets: ['subnet-1', 'subnet-2'], securityGroups: ['sg-1'] };
  const given = withTables({ schema: 'api', accept: ['unknown', 'incomplete'], deleted: 'mark', network });
  const lambda = z.object({
    Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }),
    VpcConfig: z.object({ SubnetIds: z.array(z.string()), SecurityGroupIds: z.array(z.string()) }),
  });
  const [load] = Object.values(ofType(loaderOf(given), 'AWS::Lambda::Function', lambda));
  const { DATABASE_SCHEMA, LOAD_ACCEPT, LOAD_DELETED } = load?.Environment.Variables ?? {};
  assert.deepEqual([DATABASE_SCHEMA, LOAD_ACCEPT, LOAD_DELETED], ['api', 'UNKNOWN,INCOMPLETE', 'mark']);
  assert.deepEqual(load?.VpcConfig, { SubnetIds: ['subnet-1', 'subnet-2'], SecurityGroupIds: ['sg-1'] });
});
