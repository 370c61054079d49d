import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { Stage } from './stage.ts';

/** The index of the open syncs: an item is in it as long as it carries this attribute. */
export const LIVE_INDEX = 'live';
/** The index of the streams by freshness. */
export const FRESH_INDEX = 'fresh';

/** What a stage knows and keeps: tables and stored objects. All its connectors share it, each under its own keys. */
export class StateStack extends Stack {
  readonly syncs: Table;
  readonly connections: Table;
  readonly rateLimits: Table;
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, stage: Stage) {
    super(scope, id, {
      description: `Headgate (${stage.name}): what all connectors keep.`,
      terminationProtection: stage.retain,
    });
    this.syncs = table(this, 'Syncs', stage);
    this.syncs.addGlobalSecondaryIndex({
      indexName: LIVE_INDEX,
      partitionKey: { name: LIVE_INDEX, type: AttributeType.STRING },
      projectionType: ProjectionType.KEYS_ONLY,
    });
    this.syncs.addGlobalSecondaryIndex({
      indexName: FRESH_INDEX,
      partitionKey: { name: FRESH_INDEX, type: AttributeType.STRING },
      sortKey: { name: 'freshAt', type: AttributeType.NUMBER },
      projectionType: ProjectionType.KEYS_ONLY,
    });
    this.connections = table(this, 'Connections', stage);
    this.rateLimits = table(this, 'RateLimits', stage);
    this.bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      removalPolicy: removalPolicy(stage),
      lifecycleRules: [{ abortIncompleteMultipartUploadAfter: Duration.days(1) }],
    });
  }
}

const table = (scope: Construct, id: string, stage: Stage) =>
  new Table(scope, id, {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    sortKey: { name: 'sk', type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    encryption: TableEncryption.AWS_MANAGED,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    timeToLiveAttribute: 'expires',
    deletionProtection: stage.retain,
    removalPolicy: removalPolicy(stage),
  });

/** A bucket that is not empty survives its stack in any case: emptying it would take a custom resource. */
export const removalPolicy = (stage: Stage): RemovalPolicy =>
  stage.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
