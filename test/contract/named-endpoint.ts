import { randomUUID } from 'node:crypto';
import { DeleteTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { CreateQueueCommand, DeleteQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { createTable } from './dynalite.ts';

/**
 * The suites also run on any AWS-compatible endpoint that the SDK's own variables name (`AWS_ENDPOINT_URL_DYNAMODB`, `_SQS`, `_S3`, with
 * `AWS_REGION` and credentials; https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html): an emulator, or an account.
 * What they make there bears a name of its own, and is deleted.
 */
export const namedEndpoint = (service: 'DYNAMODB' | 'SQS' | 'S3'): string | undefined =>
  process.env[`AWS_ENDPOINT_URL_${service}`];

const name = `headgate-contract-${randomUUID()}`;

export async function makeTable(endpoint: string) {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint }));
  await client.send(createTable(name));
  await waitUntilTableExists({ client, minDelay: 1, maxWaitTime: 120 }, { TableName: name });
  return {
    client,
    table: name,
    async stop() {
      await client.send(new DeleteTableCommand({ TableName: name }));
      client.destroy();
    },
  };
}

/** As many queues as the suite has tests: each takes one. */
export async function makeQueues(endpoint: string, count: number) {
  const client = new SQSClient({ endpoint });
  const names = Array.from({ length: count }, (_, index) => `${name}-${index}`);
  const urls = await Promise.all(
    names.map(async (QueueName) => (await client.send(new CreateQueueCommand({ QueueName }))).QueueUrl ?? ''),
  );
  const rest = urls.values();
  return {
    client,
    take(): string {
      const { value } = rest.next();
      if (value === undefined) throw new Error('The suite has more tests than queues were made.');
      return value;
    },
    async stop() {
      for (const QueueUrl of urls) await client.send(new DeleteQueueCommand({ QueueUrl }));
      client.destroy();
    },
  };
}

export async function makeBucket(endpoint: string) {
  const client = new S3Client({ endpoint, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: name }));
  return {
    client,
    bucket: name,
    async stop() {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: name }));
      for (const { Key } of Contents) await client.send(new DeleteObjectCommand({ Bucket: name, Key }));
      await client.send(new DeleteBucketCommand({ Bucket: name }));
      client.destroy();
    },
  };
}
