import { PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { ArnFormat, type Stack } from 'aws-cdk-lib/core';
import { keepsTokens } from '../core/auth/auth-scheme.ts';
import type { Connector } from '../core/connector/connector.ts';
import { FRESH_INDEX, LIVE_INDEX, type StateStack } from './state-stack.ts';

/**
 * What the functions of a connector may do, written by hand: CDK's grants allow more actions than are used, and know
 * nothing of keys.
 */

const allow = (actions: readonly string[], resource: string, conditions: Record<string, unknown> = {}) =>
  new PolicyStatement({ actions: [...actions], resources: [resource], conditions });

/** Policies that are part of their role, so that the role has its permissions from the first moment. */
export const inline = (statements: readonly PolicyStatement[]): Record<string, PolicyDocument> => ({
  permissions: new PolicyDocument({ statements: [...statements] }),
});

/** The state of this connector, and of no other. */
export const useState = (state: StateStack, connector: string): PolicyStatement[] => [
  allow(
    ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:Query'],
    state.syncs.tableArn,
    belowPartition(connector),
  ),
  allow(['dynamodb:Query'], `${state.syncs.tableArn}/index/${LIVE_INDEX}`, onlyPartition(connector)),
  allow(['dynamodb:Query'], `${state.syncs.tableArn}/index/${FRESH_INDEX}`, belowPartition(connector)),
  readConnections(state, connector),
  allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], state.rateLimits.tableArn, {
    'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [`${connector}/*`] },
  }),
  allow(['s3:GetObject', 's3:PutObject'], results(state, connector)),
  allow(['s3:PutObject'], `${state.bucketArn}/responses/${connector}/*`),
  // Without it S3 answers 403 for an object that is not there, which is no answer.
  listResults(state, connector),
];

const results = (state: StateStack, connector: string): string => `${state.bucketArn}/${connector}/*`;

export const readResults = (state: StateStack, connector: string): PolicyStatement =>
  allow(['s3:GetObject'], results(state, connector));

export const listResults = (state: StateStack, connector: string): PolicyStatement =>
  allow(['s3:ListBucket'], state.bucketArn, { StringLike: { 's3:prefix': [`${connector}/*`] } });

export const readConnections = (state: StateStack, connector: string): PolicyStatement =>
  allow(['dynamodb:GetItem', 'dynamodb:Query'], state.connections.tableArn, onlyPartition(connector));

/** What of a connector's permissions ends in a wildcard: its objects and its secrets, as cdk-nag writes them. */
export function wildcardsOf(state: StateStack, secrets: string, connector: string): string[] {
  const bucket = JSON.stringify(state.resolve(state.bucketArn));
  return [resultsWildcard(state, connector), `${bucket}/responses/${connector}/*`, secretsWildcard(secrets)];
}

export const resultsWildcard = (state: StateStack, connector: string): string =>
  `${JSON.stringify(state.resolve(state.bucketArn))}/${connector}/*`;

export const secretsWildcard = (secrets: string): string =>
  `arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${secrets}/*`;

const belowPartition = (connector: string) => ({
  'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [`${connector}/*`] },
});

/** What authorises this connector's requests, and the key that tokens are sealed with, where it keeps any. */
export const useTokens = (state: StateStack, { name, auth }: Connector): PolicyStatement[] => {
  if (auth.kind === 'none') return [];
  const items = ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'];
  const rows = allow(items, state.tokens.tableArn, belowPartition(name));
  const key = allow(['secretsmanager:GetSecretValue'], state.tokenKey.secretArn);
  const pause = allow(['dynamodb:UpdateItem'], state.connections.tableArn, onlyPartition(name));
  return keepsTokens(auth) ? [rows, pause, key] : [rows, pause];
};

const onlyPartition = (pk: string) => ({ 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [pk] } });

/** The permissions that a reader or writer needs under a key of your own. */
export const useKey = (key: IKey | undefined): PolicyStatement[] =>
  key === undefined ? [] : [allow(['kms:Decrypt', 'kms:GenerateDataKey'], key.keyArn)];

/** Covers batches too: SQS has no permission of its own for them. */
export const send = (queue: IQueue): PolicyStatement => allow(['sqs:SendMessage'], queue.queueArn);

/** What an event source mapping needs of its function's role, and what the function needs to hand a task back. */
export const receive = (queue: IQueue): PolicyStatement =>
  allow(
    ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes'],
    queue.queueArn,
  );

/** `prefix`: the beginning of the secrets' names, without the last "/". */
export const readSecrets = (stack: Stack, prefix: string): PolicyStatement =>
  allow(
    ['secretsmanager:GetSecretValue'],
    stack.formatArn({
      service: 'secretsmanager',
      resource: 'secret',
      resourceName: `${prefix}/*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    }),
  );

export const readSecret = (secret: Secret): PolicyStatement =>
  allow(['secretsmanager:GetSecretValue'], secret.secretArn);

export const announce = (stack: Stack): PolicyStatement =>
  allow(['events:PutEvents'], stack.formatArn({ service: 'events', resource: 'event-bus', resourceName: 'default' }));

export const writeLogs = (logGroupArn: string): PolicyStatement =>
  allow(['logs:CreateLogStream', 'logs:PutLogEvents'], logGroupArn);

export const invoke = (functionArn: string): PolicyStatement => allow(['lambda:InvokeFunction'], functionArn);
