import type { Assembly, Stack } from './assembly.ts';
import { type Names, resolve } from './intrinsics.ts';

/** The region and the account that the embedded run plays. */
export const REGION = 'us-east-1';
export const ACCOUNT = '000000000000';

/** What the rest of a template knows of a resource: what `Ref` and `Fn::GetAtt` give. */
export type Physical = {
  readonly name: string;
  readonly arn: string;
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
};

const PSEUDO_PARAMETERS: ReadonlyMap<string, string> = new Map([
  ['AWS::AccountId', ACCOUNT],
  ['AWS::Partition', 'aws'],
  ['AWS::Region', REGION],
  ['AWS::URLSuffix', 'amazonaws.com'],
]);

/** The ARN and what `Ref` gives, by type. The same at every start, so that a run finds the tables of the one before. */
const TYPES: ReadonlyMap<string, (name: string, endpoint: string) => { arn: string; ref: string }> = new Map([
  ['AWS::CloudWatch::Alarm', (name) => ({ arn: arnOf('cloudwatch', `alarm:${name}`), ref: name })],
  ['AWS::DynamoDB::Table', (name) => ({ arn: arnOf('dynamodb', `table/${name}`), ref: name })],
  ['AWS::IAM::Role', (name) => ({ arn: `arn:aws:iam::${ACCOUNT}:role/${name}`, ref: name })],
  ['AWS::Lambda::Function', (name) => ({ arn: arnOf('lambda', `function:${name}`), ref: name })],
  ['AWS::S3::Bucket', (name) => ({ arn: `arn:aws:s3:::${name.toLowerCase()}`, ref: name.toLowerCase() })],
  ['AWS::SNS::Topic', (name) => ({ arn: arnOf('sns', name), ref: arnOf('sns', name) })],
  [
    'AWS::SecretsManager::Secret',
    (name) => ({ arn: arnOf('secretsmanager', `secret:${name}`), ref: arnOf('secretsmanager', `secret:${name}`) }),
  ],
  ['AWS::SQS::Queue', (name, endpoint) => ({ arn: arnOf('sqs', name), ref: `${endpoint}/${ACCOUNT}/${name}` })],
]);

const arnOf = (service: string, resource: string): string => `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;

/** A resource's name, and what stands for it elsewhere. Throws for one that nothing can refer to in an embedded run. */
export function physical(stack: Stack, id: string, endpoint: string): Physical {
  const type = stack.resources.get(id)?.type;
  const identify = type === undefined ? undefined : TYPES.get(type);
  if (!identify) throw new Error(`the embedded run has no name for ${type === undefined ? id : `${id} (${type})`}.`);
  const name = `${stack.name}-${id}`;
  const { arn, ref } = identify(name, endpoint);
  return { name, arn, ref, attributes: { Arn: arn, ...(type === 'AWS::SQS::Queue' && { QueueName: name }) } };
}

/** What CloudFormation calls the physical id: what `Ref` gives, or a name of its own for what nothing in a run refers to. */
export const physicalId = (stack: Stack, id: string, endpoint: string): string =>
  TYPES.has(stack.resources.get(id)?.type ?? '') ? physical(stack, id, endpoint).ref : `${stack.name}-${id}`;

/** What the names in a stack's template stand for, in the run at this endpoint. */
export function namesOf(assembly: Assembly, stack: Stack, endpoint: string): Names {
  return {
    reference: (name) => {
      if (name === 'AWS::StackName') return stack.name;
      return PSEUDO_PARAMETERS.get(name) ?? physical(stack, name, endpoint).ref;
    },
    attribute: (id, attribute) => {
      const value = physical(stack, id, endpoint).attributes[attribute];
      if (value === undefined) throw new Error(`the embedded run does not know the attribute ${attribute} of ${id}.`);
      return value;
    },
    output: (stackName, id) => {
      const owner = assembly.stacks.find((candidate) => candidate.name === stackName);
      if (!owner?.outputs.has(id)) throw new Error(`no stack ${stackName} has the output ${id}.`);
      return resolve(owner.outputs.get(id), namesOf(assembly, owner, endpoint));
    },
    imported: (name) => {
      const exporter = assembly.stacks.find((candidate) => candidate.exports.has(name));
      if (!exporter) throw new Error(`no stack exports ${name}.`);
      return resolve(exporter.exports.get(name), namesOf(assembly, exporter, endpoint));
    },
  };
}
