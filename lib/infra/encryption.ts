import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { Stage } from './stage.ts';

/** The key of your own that a stage encrypts with, if its configuration names one. Its policy is yours: docs/security.md says what it must allow. */
export const encryptionKey = (scope: Construct, { encryptionKey: arn }: Stage): IKey | undefined =>
  arn === undefined ? undefined : Key.fromKeyArn(scope, 'Key', arn);

/** How a queue is encrypted. */
export const queueEncryption = (key: IKey | undefined): Pick<QueueProps, 'encryption' | 'encryptionMasterKey'> =>
  key === undefined
    ? { encryption: QueueEncryption.SQS_MANAGED }
    : { encryption: QueueEncryption.KMS, encryptionMasterKey: key };
