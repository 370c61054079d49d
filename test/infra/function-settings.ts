import type { EnvironmentVariables } from '../../lib/core/environment.ts';

/** What a function is told that nobody deployed. */
export const settings: EnvironmentVariables = {
  CONNECTOR: 'outside',
  SYNCS_TABLE: 'syncs',
  CONNECTIONS_TABLE: 'connections',
  RATE_LIMITS_TABLE: 'rate-limits',
  TOKENS_TABLE: 'tokens',
  TOKEN_KEY: 'arn:aws:secretsmanager:eu-central-1:000000000000:secret:key',
  BUCKET: 'bucket',
  METRICS_NAMESPACE: 'Headgate/test',
  QUEUE_URL: 'https://sqs.invalid/queue',
  FAILURES_QUEUE_URL: 'https://sqs.invalid/failures',
  SECRETS_PREFIX: 'headgate/test/outside',
  SCHEMA_MODE: 'strict',
  ATTEMPTS: '5',
  OUTAGE_SECONDS: '600',
  VISIBILITY_TIMEOUT_SECONDS: '360',
  MAXIMUM_CONCURRENCY: '10',
};
