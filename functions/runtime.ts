import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Context } from 'aws-lambda';
import connector from '#connector';
import { systemClock } from '../lib/aws/clock.ts';
import { eventBridge } from '../lib/aws/events.ts';
import { quickGzip } from '../lib/aws/gzip.ts';
import { undiciHttp } from '../lib/aws/http.ts';
import { powertoolsLog } from '../lib/aws/log.ts';
import { s3Objects } from '../lib/aws/objects.ts';
import { systemRandom } from '../lib/aws/random.ts';
import { secretsManager } from '../lib/aws/secrets.ts';
import { dynamoTable } from '../lib/aws/table.ts';
import { sqsQueue } from '../lib/aws/task-queue.ts';
import { environmentSchema } from '../lib/core/environment.ts';
import { SECOND } from '../lib/core/time.ts';
import { accountsLoader } from '../lib/pipeline/account.ts';
import type { Invocation } from '../lib/pipeline/invocation.ts';
import type { Ports } from '../lib/pipeline/ports.ts';

/** What a function is made of, built once and kept between invocations. */

/** The environment, parsed once. A variable that is missing fails the function at its start, by its name. */
export const settings = environmentSchema.parse(process.env);

/** Calls to AWS take milliseconds; one that hangs must not take the invocation with it. */
const requestHandler = { requestTimeout: 5 * SECOND, connectionTimeout: 2 * SECOND, throwOnRequestTimeout: true };

const documents = DynamoDBDocumentClient.from(new DynamoDBClient({ requestHandler }));
// From the general AWS_ENDPOINT_URL alone the SQS client would take nothing: the host of the queue's URL would win.
const sqsEndpoint = process.env.AWS_ENDPOINT_URL_SQS;
export const sqs = new SQSClient({ requestHandler, ...(sqsEndpoint === undefined ? {} : { endpoint: sqsEndpoint }) });
// Outside of AWS a bucket is a path: there is no host name for each.
const s3 = new S3Client({
  requestHandler: { ...requestHandler, requestTimeout: 30 * SECOND },
  forcePathStyle: process.env.AWS_ENDPOINT_URL_S3 !== undefined,
});

export const logger = new Logger({ serviceName: settings.CONNECTOR });

const ports: Ports = {
  syncs: dynamoTable(documents, settings.SYNCS_TABLE),
  connections: dynamoTable(documents, settings.CONNECTIONS_TABLE),
  queue: sqsQueue(sqs, settings.QUEUE_URL),
  failures: sqsQueue(sqs, settings.FAILURES_QUEUE_URL),
  objects: s3Objects(s3, settings.BUCKET),
  gzip: quickGzip,
  http: undiciHttp(),
  secrets: secretsManager(new SecretsManagerClient({ requestHandler })),
  events: eventBridge(new EventBridgeClient({ requestHandler })),
  log: powertoolsLog(logger),
  clock: systemClock,
  random: systemRandom,
};

export const accounts = accountsLoader();

/** The ports and the time of one invocation. */
export function invocationOf(context: Context): Invocation {
  const remaining = (): number => context.getRemainingTimeInMillis();
  return { ...ports, connector, settings, remaining, budget: remaining() };
}
