import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Environment } from '../core/environment.ts';
import { SECOND } from '../core/time.ts';
import type { Log, Metrics, Ports, Secrets } from '../pipeline/ports.ts';
import { systemClock } from './clock.ts';
import { eventBridge } from './events.ts';
import { plainText, quickGzip } from './gzip.ts';
import { nodeHttp } from './http.ts';
import { jwe } from './jwe.ts';
import { s3Objects } from './objects.ts';
import { systemRandom } from './random.ts';
import { secretsManager } from './secrets.ts';
import { dynamoTable } from './table.ts';
import { sqsQueue } from './task-queue.ts';

/** Where AWS answers, and as whom it is called. What is absent is found as the SDK finds it. */
export type Aws = {
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
};

/** Calls to AWS take milliseconds; one that hangs must not take the invocation with it. */
const requestHandler = { requestTimeout: 5 * SECOND, connectionTimeout: 2 * SECOND, throwOnRequestTimeout: true };

export const sqsClient = (aws: Aws = {}): SQSClient => {
  // From the general AWS_ENDPOINT_URL alone the SQS client would take nothing: the host of the queue's URL would win.
  const endpoint = aws.endpoint ?? process.env.AWS_ENDPOINT_URL_SQS ?? process.env.AWS_ENDPOINT_URL;
  return new SQSClient({ ...aws, requestHandler, ...(endpoint === undefined ? {} : { endpoint }) });
};

export const s3Client = (aws: Aws = {}): S3Client => {
  const elsewhere = aws.endpoint ?? process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL;
  return new S3Client({
    ...aws,
    requestHandler: { ...requestHandler, requestTimeout: 30 * SECOND },
    // Outside of AWS a bucket is a path: there is no host name for each.
    forcePathStyle: elsewhere !== undefined,
  });
};

export const openSecrets = (aws: Aws = {}): Secrets =>
  secretsManager(new SecretsManagerClient({ ...aws, requestHandler }));

/** The ports of a deployed connector, by what its functions are told. */
export function openPorts(
  settings: Environment,
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
  aws: Aws = {},
): Ports {
  const options = { ...aws, requestHandler };
  const documents = DynamoDBDocumentClient.from(new DynamoDBClient(options));
  const sqs = sqsClient(aws);
  return {
    syncs: dynamoTable(documents, settings.SYNCS_TABLE),
    connections: dynamoTable(documents, settings.CONNECTIONS_TABLE),
    rateLimits: dynamoTable(documents, settings.RATE_LIMITS_TABLE),
    tokens: dynamoTable(documents, settings.TOKENS_TABLE),
    queue: sqsQueue(sqs, settings.QUEUE_URL),
    failures: sqsQueue(sqs, settings.FAILURES_QUEUE_URL),
    objects: s3Objects(s3Client(aws), settings.BUCKET),
    gzip: quickGzip,
    gunzip: plainText,
    http: nodeHttp(),
    secrets: openSecrets(aws),
    seals: jwe,
    events: eventBridge(new EventBridgeClient(options), settings.BUCKET),
    log,
    metrics,
    clock: systemClock,
    random: systemRandom,
  };
}
