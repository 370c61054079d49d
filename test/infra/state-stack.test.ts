import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { stages } from '../../lib/infra/stage.ts';
import { stacksOf } from './example.ts';
import { ofType, resourcesOf } from './resources.ts';

const dev = stacksOf(stages.dev).state;
const prod = stacksOf(stages.prod).state;
const resources = { dev: resourcesOf(dev), prod: resourcesOf(prod) };

const table = z.object({
  BillingMode: z.string(),
  KeySchema: z.array(z.object({ AttributeName: z.string(), KeyType: z.string() })),
  AttributeDefinitions: z.array(z.object({ AttributeName: z.string(), AttributeType: z.string() })),
  GlobalSecondaryIndexes: z
    .array(z.object({ IndexName: z.string(), KeySchema: z.unknown(), Projection: z.unknown() }))
    .default([]),
  PointInTimeRecoverySpecification: z.object({ PointInTimeRecoveryEnabled: z.boolean() }),
  SSESpecification: z.object({ SSEEnabled: z.boolean() }),
  TimeToLiveSpecification: z.object({ AttributeName: z.string(), Enabled: z.boolean() }),
  DeletionProtectionEnabled: z.boolean(),
});
const tables = (stage: keyof typeof resources) =>
  Object.entries(ofType(resources[stage], 'AWS::DynamoDB::Table', table));

test('every table is on demand, encrypted, recoverable, and expires what says so', () => {
  for (const [, { ...properties }] of tables('prod')) {
    assert.equal(properties.BillingMode, 'PAY_PER_REQUEST');
    assert.deepEqual(properties.SSESpecification, { SSEEnabled: true });
    assert.deepEqual(properties.PointInTimeRecoverySpecification, { PointInTimeRecoveryEnabled: true });
    assert.deepEqual(properties.TimeToLiveSpecification, { AttributeName: 'expires', Enabled: true });
  }
});

test('every table has the key that the store expects: pk and sk, both text', () => {
  for (const [, { KeySchema, AttributeDefinitions }] of tables('prod')) {
    const keys = AttributeDefinitions.filter(({ AttributeName }) => ['pk', 'sk'].includes(AttributeName));
    assert.deepEqual(KeySchema, [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ]);
    assert.ok(keys.length === 2 && keys.every(({ AttributeType }) => AttributeType === 'S'));
  }
});

test('only open syncs and the freshness of streams are indexed, by their keys alone', () => {
  const indexes = tables('prod').map(([id, { GlobalSecondaryIndexes }]) => [
    id.startsWith('Syncs'),
    GlobalSecondaryIndexes,
  ]);
  const live = {
    IndexName: 'live',
    KeySchema: [{ AttributeName: 'live', KeyType: 'HASH' }],
    Projection: { ProjectionType: 'KEYS_ONLY' },
  };
  const fresh = {
    IndexName: 'fresh',
    KeySchema: [
      { AttributeName: 'fresh', KeyType: 'HASH' },
      { AttributeName: 'freshAt', KeyType: 'RANGE' },
    ],
    Projection: { ProjectionType: 'KEYS_ONLY' },
  };
  assert.deepEqual(
    new Map(indexes.map(([isSyncs, list]) => [isSyncs, list])),
    new Map([
      [true, [live, fresh]],
      [false, []],
    ]),
  );
});

/** What a first deployment that fails leaves behind: only tables, which protect themselves from it. */
const KEPT: Readonly<Record<string, string>> = {
  'AWS::DynamoDB::Table': 'Retain',
  'AWS::S3::Bucket': 'RetainExceptOnCreate',
  'AWS::SecretsManager::Secret': 'RetainExceptOnCreate',
};

test('production state outlives its stack and cannot be deleted by accident', () => {
  // CDK could not delete a protected stack whose first deployment failed, and so could not deploy it again.
  assert.notEqual(prod.terminationProtection, true);
  assert.ok(tables('prod').every(([, { DeletionProtectionEnabled }]) => DeletionProtectionEnabled));
  for (const { Type, DeletionPolicy, UpdateReplacePolicy } of Object.values(resources.prod)) {
    // What keeps nothing may go: alarms, their topic, policies.
    const kept = KEPT[Type];
    if (kept !== undefined) assert.deepEqual([Type, DeletionPolicy, UpdateReplacePolicy], [Type, kept, 'Retain']);
  }
});

test('development state goes with its stack', () => {
  assert.notEqual(dev.terminationProtection, true);
  assert.ok(tables('dev').every(([, { DeletionProtectionEnabled }]) => !DeletionProtectionEnabled));
  for (const { Type, DeletionPolicy } of Object.values(resources.dev)) assert.notEqual(DeletionPolicy, 'Retain', Type);
});

const bucket = z.object({
  VersioningConfiguration: z.never().optional(),
  BucketEncryption: z.object({
    ServerSideEncryptionConfiguration: z.tuple([
      z.object({ ServerSideEncryptionByDefault: z.object({ SSEAlgorithm: z.string() }) }),
    ]),
  }),
  PublicAccessBlockConfiguration: z.record(z.string(), z.boolean()),
  LifecycleConfiguration: z.object({ Rules: z.array(z.looseObject({ Status: z.string() })) }),
});

test('the bucket is encrypted, closed to the public, and keeps no unfinished uploads', () => {
  const [only, ...others] = Object.values(ofType(resources.prod, 'AWS::S3::Bucket', bucket));
  assert.deepEqual(others, []);
  assert.equal(
    only?.BucketEncryption.ServerSideEncryptionConfiguration[0].ServerSideEncryptionByDefault.SSEAlgorithm,
    'AES256',
  );
  assert.deepEqual(only?.PublicAccessBlockConfiguration, {
    BlockPublicAcls: true,
    BlockPublicPolicy: true,
    IgnorePublicAcls: true,
    RestrictPublicBuckets: true,
  });
  assert.deepEqual(only?.LifecycleConfiguration.Rules, [
    { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }, Status: 'Enabled' },
    { Prefix: 'responses/', ExpirationInDays: 30, Status: 'Enabled' },
  ]);
});
