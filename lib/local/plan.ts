import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import type { Assembly, Resource, Stack } from './assembly.ts';
import type { DeclaredFunction } from './function-process.ts';
import { resolve } from './intrinsics.ts';
import { namesOf, type Physical, physical } from './names.ts';
import type { DeclaredSecret } from './secrets.ts';
import { type Table, tableSchema } from './tables.ts';

/** What the templates declare and what has a part in a run, every reference resolved. */
export type Plan = {
  readonly tables: readonly Table[];
  /** Name of the bucket, if there is one. */
  readonly bucket: string | undefined;
  readonly queues: readonly DeclaredQueue[];
  readonly functions: readonly DeclaredFunction[];
  readonly mappings: readonly DeclaredMapping[];
  readonly schedules: readonly DeclaredSchedule[];
  readonly secrets: readonly DeclaredSecret[];
  /** ARNs of the functions that have a URL. */
  readonly urls: readonly string[];
};

export type DeclaredQueue = {
  readonly name: string;
  readonly arn: string;
  readonly url: string;
  /** Seconds. */
  readonly visibilityTimeout: number;
  /** Seconds. */
  readonly delay: number;
  readonly redrive: { readonly deadLetterTargetArn: string; readonly maxReceiveCount: number } | undefined;
};

export type DeclaredMapping = {
  readonly queueArn: string;
  readonly functionName: string;
  readonly batchSize: number;
  readonly reportsFailures: boolean;
  readonly maximumConcurrency: number;
};

export type DeclaredSchedule = {
  /** `<stack>/<logical id>`. */
  readonly id: string;
  /** As Scheduler writes it: `rate(5 minutes)`. */
  readonly expression: string;
  readonly enabled: boolean;
  /** Of a queue or a function. */
  readonly targetArn: string;
  /** `MessageGroupId` of the message, if the target is a queue. */
  readonly group: string | undefined;
  /** With the context attributes (`<aws.scheduler.scheduled-time>`) still in it. */
  readonly input: string | undefined;
};

/** Types that have no part in a run: who may do what, who is told, what is logged where. */
const SKIPPED: ReadonlySet<string> = new Set([
  'AWS::CDK::Metadata',
  'AWS::CloudWatch::Alarm',
  'AWS::CloudWatch::Dashboard',
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::Policy',
  'AWS::IAM::Role',
  'AWS::KMS::Key',
  'AWS::Lambda::Permission',
  'AWS::Logs::LogGroup',
  'AWS::S3::BucketPolicy',
  'AWS::SNS::Subscription',
  'AWS::SNS::Topic',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::QueuePolicy',
]);

const PLANNED: ReadonlySet<string> = new Set([
  'AWS::DynamoDB::Table',
  'AWS::Lambda::EventSourceMapping',
  'AWS::Lambda::Function',
  'AWS::Lambda::Url',
  'AWS::S3::Bucket',
  'AWS::SQS::Queue',
  'AWS::Scheduler::Schedule',
  'AWS::SecretsManager::Secret',
]);

type Declaration = {
  readonly assembly: Assembly;
  readonly stack: Stack;
  readonly id: string;
  readonly resource: Resource;
  readonly endpoint: string;
};

/** Makes the plan of a run at this endpoint. Throws on anything in the templates that it would have to leave out. */
export function planRun(assembly: Assembly, endpoint: string): Plan {
  const declarations = assembly.stacks.flatMap((stack) =>
    [...stack.resources].map(([id, resource]): Declaration => ({ assembly, stack, id, resource, endpoint })),
  );
  const unknown = declarations.find(({ resource: { type } }) => !SKIPPED.has(type) && !PLANNED.has(type));
  if (unknown) throw refusal(unknown, 'the embedded run does not know this type.');
  const all = <T>(type: string, read: (declaration: Declaration) => T): T[] =>
    declarations.filter(({ resource }) => resource.type === type).map((declaration) => guarded(declaration, read));

  const buckets = all('AWS::S3::Bucket', (declaration) => identity(declaration).ref);
  if (buckets.length > 1)
    throw new Error(`The embedded run keeps one bucket; the templates declare ${buckets.join(', ')}.`);
  return {
    tables: all('AWS::DynamoDB::Table', readTable),
    bucket: buckets[0],
    queues: all('AWS::SQS::Queue', readQueue),
    functions: all('AWS::Lambda::Function', readFunction),
    mappings: all('AWS::Lambda::EventSourceMapping', readMapping),
    schedules: all('AWS::Scheduler::Schedule', readSchedule),
    secrets: all('AWS::SecretsManager::Secret', readSecret),
    urls: all('AWS::Lambda::Url', (declaration) => properties(declaration, urlSchema).TargetFunctionArn),
  };
}

const refusal = ({ stack, id, resource }: Declaration, reason: string, cause?: unknown): Error =>
  new Error(`${stack.name}/${id} (${resource.type}): ${reason}`, { cause });

function guarded<T>(declaration: Declaration, read: (declaration: Declaration) => T): T {
  try {
    return read(declaration);
  } catch (error) {
    const reason =
      error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : error;
    throw refusal(declaration, String(reason), error);
  }
}

const identity = ({ stack, id, endpoint }: Declaration): Physical => physical(stack, id, endpoint);

/** The properties that the schema names, resolved and checked. The others have no part in a run. */
function properties<S extends z.ZodObject>(
  { assembly, stack, resource, endpoint }: Declaration,
  schema: S,
): z.output<S> {
  const names = namesOf(assembly, stack, endpoint);
  const wanted = Object.entries(resource.properties).filter(([name]) => Object.hasOwn(schema.shape, name));
  return schema.parse(resolve(Object.fromEntries(wanted), names));
}

const readTable = (declaration: Declaration): Table =>
  tableSchema.parse({
    ...properties(declaration, tableSchema.omit({ TableName: true })),
    TableName: identity(declaration).ref,
  });

const urlSchema = z.object({ TargetFunctionArn: z.string(), AuthType: z.literal('NONE') });

const secretSchema = z.object({
  GenerateSecretString: z.object({ PasswordLength: z.number().default(32), ExcludePunctuation: z.literal(true) }),
});

const readSecret = (declaration: Declaration): DeclaredSecret => ({
  arn: identity(declaration).arn,
  length: properties(declaration, secretSchema).GenerateSecretString.PasswordLength,
});

/** A property that would change what happens, and that the embedded run does not follow. */
const unsupported = z.undefined('the embedded run does not know this property').optional();

const queueSchema = z.object({
  VisibilityTimeout: z.coerce.number().default(30),
  DelaySeconds: z.coerce.number().default(0),
  RedrivePolicy: z.object({ deadLetterTargetArn: z.string(), maxReceiveCount: z.coerce.number() }).optional(),
  FifoQueue: unsupported,
});

function readQueue(declaration: Declaration): DeclaredQueue {
  const { VisibilityTimeout, DelaySeconds, RedrivePolicy } = properties(declaration, queueSchema);
  const { name, arn, ref: url } = identity(declaration);
  return { name, arn, url, visibilityTimeout: VisibilityTimeout, delay: DelaySeconds, redrive: RedrivePolicy };
}

const functionSchema = z.object({
  Code: z.object({ S3Key: z.string() }),
  Handler: z.string().regex(/^[\w./-]+\.\w+$/),
  Timeout: z.number().default(3),
  MemorySize: z.number().default(128),
  Environment: z.object({ Variables: z.record(z.string(), z.string()) }).default({ Variables: {} }),
});

function readFunction(declaration: Declaration): DeclaredFunction {
  const { Code, Handler, Timeout, MemorySize, Environment } = properties(declaration, functionSchema);
  const { name, arn } = identity(declaration);
  const dot = Handler.lastIndexOf('.');
  return {
    name,
    arn,
    file: moduleFile(declaration.assembly.assetFolder(Code.S3Key), Handler.slice(0, dot)),
    handler: Handler.slice(dot + 1),
    timeout: Timeout,
    memory: MemorySize,
    environment: Environment.Variables,
  };
}

/** URL of a handler's module, which the handler names without its ending. */
function moduleFile(folder: string, name: string): string {
  const file = ['.mjs', '.js', '.cjs'].map((ending) => join(folder, name + ending)).find(existsSync);
  if (!file) throw new Error(`there is no ${name}.mjs in ${folder}.`);
  return pathToFileURL(file).href;
}

const mappingSchema = z.object({
  EventSourceArn: z.string(),
  /** Name or ARN. */
  FunctionName: z.string(),
  BatchSize: z.number().default(10),
  FunctionResponseTypes: z.array(z.literal('ReportBatchItemFailures')).default([]),
  ScalingConfig: z.object({ MaximumConcurrency: z.number() }).optional(),
  Enabled: z.literal(true).default(true),
  FilterCriteria: unsupported,
  MaximumBatchingWindowInSeconds: z.literal(0).default(0),
});

function readMapping(declaration: Declaration): DeclaredMapping {
  const mapping = properties(declaration, mappingSchema);
  return {
    queueArn: mapping.EventSourceArn,
    functionName: mapping.FunctionName.slice(mapping.FunctionName.lastIndexOf(':') + 1),
    batchSize: mapping.BatchSize,
    reportsFailures: mapping.FunctionResponseTypes.length > 0,
    maximumConcurrency: mapping.ScalingConfig?.MaximumConcurrency ?? Number.POSITIVE_INFINITY,
  };
}

const scheduleSchema = z.object({
  ScheduleExpression: z.string(),
  State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
  Target: z.object({
    Arn: z.string(),
    Input: z.string().optional(),
    SqsParameters: z.object({ MessageGroupId: z.string().optional() }).optional(),
  }),
});

function readSchedule(declaration: Declaration): DeclaredSchedule {
  const { ScheduleExpression, State, Target } = properties(declaration, scheduleSchema);
  return {
    id: `${declaration.stack.name}/${declaration.id}`,
    expression: ScheduleExpression,
    enabled: State === 'ENABLED',
    targetArn: Target.Arn,
    group: Target.SqsParameters?.MessageGroupId,
    input: Target.Input,
  };
}
