import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { eventBridge, type PublishedEvent } from '../../lib/local/events.ts';
import { openGateway } from '../../lib/local/gateway.ts';
import { openObjectFolder } from '../../lib/local/object-folder.ts';
import { createQueue, type Queue } from '../../lib/local/queue.ts';
import { s3 } from '../../lib/local/s3.ts';
import { secretsManager } from '../../lib/local/secrets.ts';
import { sqs } from '../../lib/local/sqs.ts';
import { credentials } from './emulator.ts';

export const BUCKET = 'objects';

export type Embedded = {
  readonly sqs: SQSClient;
  readonly s3: S3Client;
  readonly secrets: SecretsManagerClient;
  readonly events: EventBridgeClient;
  readonly published: readonly PublishedEvent[];
  /** Makes an empty queue and gives its URL. */
  makeQueue(): string;
  stop(): Promise<void>;
};

/** The services of the embedded run but DynamoDB, which there is dynalite as well. On 127.0.0.1, in this process. */
export async function startEmbedded(secrets: Readonly<Record<string, string>> = {}): Promise<Embedded> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-contract-'));
  const queues = new Map<string, Queue>();
  const published: PublishedEvent[] = [];
  const caller = { function: 'contract', dead: false, kill() {} };
  const gateway = await openGateway(new Map([[credentials.credentials.accessKeyId, caller]]));
  gateway.serve({
    sqs: sqs(queues),
    s3: s3(BUCKET, await openObjectFolder(join(folder, 'objects'))),
    secretsmanager: secretsManager(secrets),
    events: eventBridge((event) => published.push(event)),
  });
  const options = { endpoint: gateway.endpoint, ...credentials };
  const clients = {
    sqs: new SQSClient(options),
    s3: new S3Client({ ...options, forcePathStyle: true }),
    secrets: new SecretsManagerClient(options),
    events: new EventBridgeClient(options),
  };
  return {
    ...clients,
    published,
    makeQueue() {
      const name = `queue-${queues.size}`;
      const url = `${gateway.endpoint}/${name}`;
      queues.set(name, createQueue({ name, arn: name, url, visibilityTimeout: 30, delay: 0 }));
      return url;
    },
    async stop() {
      for (const client of Object.values(clients)) client.destroy();
      for (const queue of queues.values()) queue.close();
      await gateway.close();
      await rm(folder, { recursive: true });
    },
  };
}
