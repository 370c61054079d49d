import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stages } from '../../lib/infra/stage.ts';
import { stacksOf } from './example.ts';
import { resourcesOf } from './resources.ts';

const KEY = 'arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555';
const resources = (encryptionKey: string | undefined) => {
  const { state, connector } = stacksOf({ ...stages.prod, encryptionKey });
  return Object.entries({ ...resourcesOf(state), ...resourcesOf(connector) });
};

/** Where each kind of resource names the key that it is encrypted with. */
const NAMED: Readonly<Record<string, string>> = {
  'AWS::DynamoDB::Table': 'SSESpecification',
  'AWS::S3::Bucket': 'BucketEncryption',
  'AWS::SQS::Queue': 'KmsMasterKeyId',
  'AWS::SNS::Topic': 'KmsMasterKeyId',
  'AWS::Logs::LogGroup': 'KmsKeyId',
  'AWS::Lambda::Function': 'KmsKeyArn',
  'AWS::SecretsManager::Secret': 'KmsKeyId',
};

test('a key of your own encrypts everything that keeps something', () => {
  const found = resources(KEY);
  for (const [type, property] of Object.entries(NAMED)) {
    const of = found.filter(([, { Type }]) => Type === type);
    assert.ok(of.length > 0, type);
    for (const [id, { Properties }] of of)
      assert.ok(JSON.stringify(Properties[property] ?? '').includes(KEY), `${id} (${type})`);
  }
});

test('the secrets that are given later are encrypted with it, too', () => {
  const told = resources(KEY).filter(([, { Type }]) => Type === 'AWS::Lambda::Function');
  for (const [id, { Properties }] of told)
    assert.equal(Reflect.get(Object(Reflect.get(Object(Properties.Environment), 'Variables')), 'SECRETS_KEY'), KEY, id);
});

test('whoever reads or writes may use the key, and no other', () => {
  const roles = resources(KEY).filter(([, { Type }]) => Type === 'AWS::IAM::Role');
  const using = roles.filter(([, { Properties }]) => JSON.stringify(Properties).includes('kms:'));
  // All but the one that only starts housekeeping.
  assert.deepEqual(
    roles.filter((role) => !using.includes(role)).map(([id]) => id.replace(/[0-9A-F]{8}$/, '')),
    ['HousekeepingScheduleRole'],
  );
  for (const [id, { Properties }] of using) {
    const text = JSON.stringify(Properties);
    assert.match(
      text,
      /"Action":\["kms:Decrypt","kms:GenerateDataKey"\],"Effect":"Allow","Resource":"arn:aws:kms:[^"*]+"/,
      id,
    );
  }
});

test('without one, nothing names a key', () => {
  assert.doesNotMatch(JSON.stringify(resources(undefined)), /kms:|KmsMasterKeyId|KmsKeyArn|KmsKeyId|KMSMasterKeyID/);
});
