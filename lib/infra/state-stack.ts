import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { CfnOutput, Duration, Fn, RemovalPolicy, SecretValue, Stack, Validations } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { alarmTopics } from './alarm-topics.ts';
import { encryptionKey } from './encryption.ts';
import type { Stage } from './stage.ts';
import { stateAlarms, type WatchedTable } from './state-alarms.ts';

/** The index of the open syncs: an item is in it as long as it carries this attribute. */
export const LIVE_INDEX = 'live';
/** The index of the streams by freshness. */
export const FRESH_INDEX = 'fresh';

/** As long as the state of the sync whose answers they are. */
const RESPONSES_KEPT = Duration.days(30);

/** What a stage knows and keeps: tables and stored objects. All its connectors share it, each under its own keys. */
export class StateStack extends Stack {
  readonly syncs: Table;
  readonly connections: Table;
  readonly rateLimits: Table;
  readonly tokens: Table;
  /** A random text, from which tokens are sealed before they are stored. */
  readonly tokenKey: Secret;
  /** Holds the URL of the database, where the stage loads tables. */
  readonly database: Secret | undefined;
  readonly bucket: Bucket;
  /** As another stack refers to it. */
  readonly bucketArn: string;
  readonly topics: readonly ITopic[];
  readonly alarms: readonly Alarm[];
  readonly tables: readonly WatchedTable[];

  constructor(scope: Construct, id: string, stage: Stage) {
    super(scope, id, { description: `Headgate (${stage.name}): what all connectors keep.` });
    const key = encryptionKey(this, stage);
    this.syncs = table(this, 'Syncs', stage, key);
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
    this.connections = table(this, 'Connections', stage, key);
    this.rateLimits = table(this, 'RateLimits', stage, key);
    this.tokens = table(this, 'Tokens', stage, key);
    this.tokenKey = new Secret(this, 'TokenKey', {
      description: 'Seals the tokens in the table Tokens.',
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      ...(key === undefined ? {} : { encryptionKey: key }),
      removalPolicy: removalPolicy(stage),
    });
    Validations.of(this.tokenKey).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'Rotated by hand, if ever: what was sealed with the value before still opens, what is older has to be fetched or consented to again.',
    });
    this.database = stage.load === undefined ? undefined : databaseSecret(this, stage, key);
    this.bucket = new Bucket(this, 'Bucket', {
      ...(key === undefined
        ? { encryption: BucketEncryption.S3_MANAGED }
        : { encryption: BucketEncryption.KMS, encryptionKey: key, bucketKeyEnabled: true }),
      enforceSSL: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      removalPolicy: removalPolicy(stage),
      lifecycleRules: [
        { abortIncompleteMultipartUploadAfter: Duration.days(1) },
        { prefix: 'responses/', expiration: RESPONSES_KEPT },
      ],
    });
    Validations.of(this.bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'To know who read what, turn on CloudTrail data events for the account; a log bucket of each stage would be one more to guard.',
    });
    new CfnOutput(this, 'BucketName', { value: this.bucket.bucketName, description: 'Where the results lie.' });
    const arn = new CfnOutput(this, 'BucketArn', { value: this.bucket.bucketArn });
    this.bucketArn = Fn.getStackOutput(this.stackName, arn.logicalId);
    this.topics = alarmTopics(this, stage, key);
    this.tables = this.node.children
      .filter((child) => child instanceof Table)
      .map((each) => ({
        name: each.node.id,
        table: each,
        indexes: each === this.syncs ? [LIVE_INDEX, FRESH_INDEX] : [],
      }));
    this.alarms = stateAlarms(this, stage, this.tables, this.topics);
  }
}

const table = (scope: Construct, id: string, stage: Stage, key: IKey | undefined) =>
  new Table(scope, id, {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    sortKey: { name: 'sk', type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    ...(key === undefined
      ? { encryption: TableEncryption.AWS_MANAGED }
      : { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey: key }),
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    timeToLiveAttribute: 'expires',
    // A table that protects itself cannot be deleted by a first deployment that fails, so that it stays then, too.
    deletionProtection: stage.retain,
    removalPolicy: stage.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
  });

/** Empty at first. CloudFormation writes it only when its template changes, so what a person wrote into it stays. */
function databaseSecret(stack: Stack, stage: Stage, key: IKey | undefined): Secret {
  const secret = new Secret(stack, 'Database', {
    description: `The database that headgate (${stage.name}) loads tables into: {"url":"postgres://..."}`,
    secretStringValue: SecretValue.unsafePlainText('{"url":""}'),
    ...(key === undefined ? {} : { encryptionKey: key }),
    removalPolicy: removalPolicy(stage),
  });
  Validations.of(secret).acknowledge({
    id: 'AwsSolutions-SMG4',
    reason: 'The password belongs to the database, which is yours: rotate it there, and write the new URL here.',
  });
  new CfnOutput(stack, 'DatabaseSecret', {
    value: secret.secretArn,
    description: 'Write the URL of the database into it.',
  });
  return secret;
}

/**
 * What is retained outlives its stack, but not a first deployment that fails. The stack itself is not protected from deletion: CDK could not delete one
 * whose first deployment failed, and so could not deploy it again. A bucket that is not empty survives its stack in any case.
 */
export const removalPolicy = (stage: Stage): RemovalPolicy =>
  stage.retain ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
