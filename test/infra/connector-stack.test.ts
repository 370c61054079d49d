import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { environmentSchema } from '../../lib/core/environment.ts';
import { taskSchema } from '../../lib/core/tasks.ts';
import { stages } from '../../lib/infra/stage.ts';
import erp from './erp.ts';
import { stacksOf } from './example.ts';
import { arn, ofType, ref, resourcesOf, textOf } from './resources.ts';

const resources = {
  dev: resourcesOf(stacksOf(stages.dev).connector),
  prod: resourcesOf(stacksOf(stages.prod).connector),
};
type StageName = keyof typeof resources;

const queue = z.object({
  VisibilityTimeout: z.number().optional(),
  MessageRetentionPeriod: z.number(),
  RedrivePolicy: z.object({ deadLetterTargetArn: arn, maxReceiveCount: z.number() }).optional(),
  SqsManagedSseEnabled: z.boolean(),
});
const mapping = z.object({
  EventSourceArn: arn,
  FunctionName: ref,
  BatchSize: z.number(),
  MaximumBatchingWindowInSeconds: z.number().default(0),
  FunctionResponseTypes: z.array(z.string()),
  ScalingConfig: z.object({ MaximumConcurrency: z.number() }),
});
const lambda = z.object({
  Runtime: z.string(),
  Architectures: z.array(z.string()),
  Handler: z.string(),
  Timeout: z.number(),
  RecursiveLoop: z.string().optional(),
  Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }),
  LoggingConfig: z.object({ LogFormat: z.string(), LogGroup: ref }),
});
const schedule = z.object({
  ScheduleExpression: z.string(),
  State: z.string(),
  Target: z.object({ Arn: arn, RoleArn: arn, Input: z.string().optional() }),
});

/** The way of a task: the mapping, its queue, where the queue gives up, and its function. */
function wayOf(stage: StageName) {
  const queues = ofType(resources[stage], 'AWS::SQS::Queue', queue);
  const [tasks, ...others] = Object.values(ofType(resources[stage], 'AWS::Lambda::EventSourceMapping', mapping));
  assert.ok(tasks !== undefined && others.length === 0, 'one mapping');
  const source = queues[tasks.EventSourceArn];
  const worker = ofType(resources[stage], 'AWS::Lambda::Function', lambda)[tasks.FunctionName];
  const failures = queues[source?.RedrivePolicy?.deadLetterTargetArn ?? ''];
  assert.ok(source !== undefined && worker !== undefined && failures !== undefined);
  return { mapping: tasks, queue: source, failures, worker, queues };
}

test('a task stays invisible for six timeouts of the worker and the batching window', () => {
  for (const stage of ['dev', 'prod'] as const) {
    const { mapping, queue, worker } = wayOf(stage);
    assert.ok((queue.VisibilityTimeout ?? 0) >= 6 * worker.Timeout + mapping.MaximumBatchingWindowInSeconds);
  }
});

test('a worker reports which tasks of its batch failed', () => {
  const { mapping } = wayOf('prod');
  assert.deepEqual(mapping.FunctionResponseTypes, ['ReportBatchItemFailures']);
  assert.equal(mapping.BatchSize, 10);
});

test('a worker may send to its own queue', () => {
  assert.equal(wayOf('prod').worker.RecursiveLoop, 'Allow');
});

test('no function reserves concurrency', () => {
  assert.doesNotMatch(JSON.stringify(resources), /ReservedConcurrentExecutions/);
});

test('the failures queue keeps a message for 14 days, longer than the work queue', () => {
  const { queue, failures } = wayOf('prod');
  assert.equal(failures.MessageRetentionPeriod, 1_209_600);
  assert.ok(queue.MessageRetentionPeriod < failures.MessageRetentionPeriod);
  assert.equal(queue.RedrivePolicy?.maxReceiveCount, 50);
});

test('every queue is encrypted and refuses requests without TLS', () => {
  const policy = z.object({
    Queues: z.array(ref),
    PolicyDocument: z.object({ Statement: z.array(z.looseObject({ Effect: z.string(), Condition: z.unknown() })) }),
  });
  const policies = Object.values(ofType(resources.prod, 'AWS::SQS::QueuePolicy', policy));
  const secured = policies
    .filter(({ PolicyDocument }) =>
      PolicyDocument.Statement.some(
        ({ Effect, Condition }) =>
          Effect === 'Deny' && JSON.stringify(Condition) === '{"Bool":{"aws:SecureTransport":"false"}}',
      ),
    )
    .flatMap(({ Queues }) => Queues);
  const { queues } = wayOf('prod');
  assert.deepEqual(secured.sort(), Object.keys(queues).sort());
  assert.ok(Object.values(queues).every(({ SqsManagedSseEnabled }) => SqsManagedSseEnabled));
});

test('both functions run on Node 24 on arm64 and log JSON for a limited time', () => {
  const logGroups = ofType(resources.prod, 'AWS::Logs::LogGroup', z.object({ RetentionInDays: z.number() }));
  const functions = Object.values(ofType(resources.prod, 'AWS::Lambda::Function', lambda));
  assert.deepEqual(functions.map(({ Handler }) => Handler).sort(), ['housekeeping.handler', 'work.handler']);
  for (const { Runtime, Architectures, LoggingConfig } of functions) {
    assert.deepEqual([Runtime, Architectures, LoggingConfig.LogFormat], ['nodejs24.x', ['arm64'], 'JSON']);
    assert.ok(LoggingConfig.LogGroup in logGroups);
  }
});

test('the environment of every function is complete, and says what the template says', () => {
  for (const stage of ['dev', 'prod'] as const) {
    const { mapping, queue, queues } = wayOf(stage);
    const url = (name: string) => (name in queues ? `https://sqs.invalid/${name}` : name);
    for (const { Environment } of Object.values(ofType(resources[stage], 'AWS::Lambda::Function', lambda))) {
      const variables = Object.entries(Environment.Variables).map(([name, value]) => [name, url(textOf(value))]);
      const environment = environmentSchema.strict().parse(Object.fromEntries(variables));
      assert.equal(environment.CONNECTOR, erp.name);
      assert.equal(environment.SECRETS_PREFIX, `headgate/${stage}/erp`);
      assert.equal(environment.SCHEMA_MODE, stages[stage].schemaMode);
      assert.equal(environment.ATTEMPTS, stages[stage].attempts);
      assert.equal(environment.VISIBILITY_TIMEOUT_SECONDS, queue.VisibilityTimeout);
      assert.equal(environment.MAXIMUM_CONCURRENCY, mapping.ScalingConfig.MaximumConcurrency);
      assert.equal(environment.QUEUE_URL, url(mapping.EventSourceArn));
      assert.equal(environment.FAILURES_QUEUE_URL, url(queue.RedrivePolicy?.deadLetterTargetArn ?? ''));
    }
  }
});

/** The schedules of a stage: those that send a tick, by stream, and those that call a function. */
function schedulesOf(stage: StageName) {
  const all = Object.values(ofType(resources[stage], 'AWS::Scheduler::Schedule', schedule));
  const ticks = all.flatMap(({ Target, ...rest }) =>
    Target.Input === undefined ? [] : [{ ...rest, Target, Input: Target.Input }],
  );
  return { ticks, calls: all.filter(({ Target }) => Target.Input === undefined) };
}

test('every stream has a schedule that sends its tick to the work queue, at its own rate', () => {
  const { ticks } = schedulesOf('prod');
  const rates = ticks.map(({ ScheduleExpression, Target, Input }) => {
    assert.equal(Target.Arn, wayOf('prod').mapping.EventSourceArn);
    const task = taskSchema.parse(JSON.parse(Input.replace('<aws.scheduler.scheduled-time>', '2026-11-22T18:00:00Z')));
    assert.ok(task.kind === 'tick');
    return [task.stream, ScheduleExpression];
  });
  assert.deepEqual(Object.fromEntries(rates), {
    orders: 'rate(15 minutes)',
    'order-lines': 'rate(2 hours)',
    order_lines: 'rate(1 day)',
  });
});

test('syncs start on schedule in production only; housekeeping runs everywhere', () => {
  const states = (stage: StageName) => {
    const { ticks, calls } = schedulesOf(stage);
    return [ticks.map(({ State }) => State), calls.map(({ State }) => State)];
  };
  assert.deepEqual(states('dev'), [['DISABLED', 'DISABLED', 'DISABLED'], ['ENABLED']]);
  assert.deepEqual(states('prod'), [['ENABLED', 'ENABLED', 'ENABLED'], ['ENABLED']]);
});

test('housekeeping runs every 5 minutes and ends before the next time', () => {
  const [call] = schedulesOf('prod').calls;
  const housekeeping = ofType(resources.prod, 'AWS::Lambda::Function', lambda)[call?.Target.Arn ?? ''];
  assert.equal(housekeeping?.Handler, 'housekeeping.handler');
  assert.equal(call?.ScheduleExpression, 'rate(5 minutes)');
  assert.ok((housekeeping?.Timeout ?? Number.POSITIVE_INFINITY) < 300);
});
