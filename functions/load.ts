import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import connector from '#connector';
import { reportBatch } from '../lib/aws/batch.ts';
import { openSecrets, s3Client, sqsClient } from '../lib/aws/open-ports.ts';
import { loadEnvironmentSchema } from '../lib/core/load-environment.ts';
import { readDatabaseSecret } from '../lib/load/database-secret.ts';
import { type AnnouncedLoad, loadAnnounced } from '../lib/load/load-announced.ts';
import { openPostgres } from '../lib/load/postgres.ts';
import type { Warehouse } from '../lib/load/warehouse.ts';
import { bucketSource } from '../lib/read/read.ts';

const settings = loadEnvironmentSchema.parse(process.env);
const logger = new Logger({ serviceName: settings.CONNECTOR });
const sqs = sqsClient();
const secrets = openSecrets();

/** The secret is read for each stream: one that was rotated meanwhile is the one to use. */
async function open(): Promise<Warehouse> {
  const secret = await secrets.get(settings.DATABASE_SECRET);
  if (secret === undefined) throw new Error('The secret of the database is gone: deploy the stage again.');
  const { url, authority } = readDatabaseSecret(secret.value);
  return openPostgres(url, { schema: settings.DATABASE_SCHEMA, authority });
}

const load: AnnouncedLoad = {
  connector,
  source: bucketSource(settings.BUCKET, s3Client()),
  open,
  accept: settings.LOAD_ACCEPT,
  marks: settings.LOAD_DELETED === 'mark',
  now: () => new Date(),
  onOutcome: ({ receipt, ...outcome }) =>
    logger.info('receipt', { stream: receipt.stream, connection: receipt.connection, sync: receipt.sync, ...outcome }),
  onError: (error) => logger.error('a load failed', error instanceof Error ? error : new Error(String(error))),
};

/** Loads what a batch of `Sync closed` events announces. What fails comes back later, until it is dead-lettered. */
export const handler = middy<SQSEvent, SQSBatchResponse>()
  .use(injectLambdaContext(logger))
  .handler(async (event: SQSEvent): Promise<SQSBatchResponse> => {
    const messages = event.Records.map(({ messageId, body, attributes }) => ({
      id: messageId,
      body,
      receives: Number(attributes.ApproximateReceiveCount),
    }));
    return reportBatch(sqs, settings.LOAD_QUEUE_URL, event, await loadAnnounced(load, messages));
  });
