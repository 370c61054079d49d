import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stages } from '../../lib/infra/stage.ts';
import { stacksOf } from './example.ts';
import { resourcesOf } from './resources.ts';

const { state, connector } = stacksOf(stages.prod);
const resources = Object.entries({ ...resourcesOf(state), ...resourcesOf(connector) });

test('there is nothing but plain resources, and no custom resource', () => {
  const types = new Set(resources.map(([, { Type }]) => Type));
  assert.deepEqual([...types].sort(), [
    'AWS::CloudWatch::Alarm',
    'AWS::DynamoDB::Table',
    'AWS::IAM::Role',
    'AWS::Lambda::EventSourceMapping',
    'AWS::Lambda::Function',
    'AWS::Logs::LogGroup',
    'AWS::S3::Bucket',
    'AWS::S3::BucketPolicy',
    'AWS::SNS::Topic',
    'AWS::SNS::TopicPolicy',
    'AWS::SQS::Queue',
    'AWS::SQS::QueuePolicy',
    'AWS::Scheduler::Schedule',
    'AWS::SecretsManager::Secret',
  ]);
});

test('nothing has a name of its own, so that everything can be replaced', () => {
  const named = resources.flatMap(([id, { Type, Properties }]) => {
    const [kind = ''] = Type.split('::').slice(-1);
    return [`${kind}Name`, 'Name'].filter((name) => name in Properties).map((name) => `${id}.${name}`);
  });
  assert.deepEqual(named, []);
});
