import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { Stage } from './stage.ts';

/**
 * Where the alarms of a stage go: a topic of its own, which anybody may subscribe to, and the one that the configuration names. With a
 * key of your own, the key's policy must let CloudWatch use it (docs/security.md).
 */
export function alarmTopics(parent: Construct, { alarms = {} }: Stage, masterKey: IKey | undefined): readonly ITopic[] {
  const scope = new Construct(parent, 'AlarmTopic');
  const topic = new Topic(scope, 'Topic', { enforceSSL: true, ...(masterKey !== undefined && { masterKey }) });
  topic.addToResourcePolicy(
    new PolicyStatement({
      actions: ['sns:Publish'],
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
    }),
  );
  if (alarms.email !== undefined) topic.addSubscription(new EmailSubscription(alarms.email));
  return alarms.topicArn === undefined ? [topic] : [topic, Topic.fromTopicArn(scope, 'Other', alarms.topicArn)];
}
