import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Stack } from 'aws-cdk-lib/core';
import * as z from 'zod';
import { METRICS } from '../../lib/core/metrics.ts';
import { stages } from '../../lib/infra/stage.ts';
import { stacksOf } from './example.ts';
import { ofType, ref, resourcesOf, textOf } from './resources.ts';

const dimension = z.object({ Name: z.string(), Value: z.unknown() });
const metric = z.object({ Namespace: z.string(), MetricName: z.string(), Dimensions: z.array(dimension) });
const alarm = z.object({
  ...metric.partial().shape,
  Statistic: z.string().optional(),
  Period: z.number().optional(),
  Metrics: z
    .array(
      z.object({
        Id: z.string(),
        Expression: z.string().optional(),
        ReturnData: z.boolean(),
        MetricStat: z.object({ Metric: metric, Period: z.number(), Stat: z.string() }).optional(),
      }),
    )
    .default([]),
  Threshold: z.number(),
  ComparisonOperator: z.string(),
  EvaluationPeriods: z.number(),
  DatapointsToAlarm: z.number(),
  TreatMissingData: z.string(),
  AlarmDescription: z.string(),
  AlarmActions: z.array(z.unknown()),
  OKActions: z.array(z.unknown()),
});
type Alarm = z.output<typeof alarm>;

/** The alarms of a stack, without what CDK adds to their ids. */
const alarmsOf = (stack: Stack): Record<string, Alarm> =>
  Object.fromEntries(
    Object.entries(ofType(resourcesOf(stack), 'AWS::CloudWatch::Alarm', alarm)).map(([id, properties]) => [
      id.replace(/^Alarms(.*)[0-9A-F]{8}$/, '$1'),
      properties,
    ]),
  );

/** What an alarm looks at: `<statistic> of <namespace> <metric>`, or its expression. */
function subject({ Statistic, Namespace, MetricName, Metrics }: Alarm): string {
  if (Metrics.length === 0) return `${Statistic} of ${Namespace} ${MetricName}`;
  const returned = Metrics.filter(({ ReturnData }) => ReturnData);
  assert.equal(returned.length, 1, 'one series decides');
  return returned[0]?.Expression ?? '';
}

const periodOf = ({ Period, Metrics }: Alarm): number =>
  Period ?? Math.max(...Metrics.map(({ MetricStat }) => MetricStat?.Period ?? 0));

const rules = (alarms: Record<string, Alarm>) =>
  Object.fromEntries(
    Object.entries(alarms).map(([id, properties]) => [
      id,
      [
        subject(properties),
        `${properties.ComparisonOperator} ${properties.Threshold}`,
        `${properties.DatapointsToAlarm} of ${properties.EvaluationPeriods} × ${periodOf(properties)} s`,
        properties.TreatMissingData,
      ],
    ]),
  );

const prod = stacksOf(stages.prod);
const loading = stacksOf({ ...stages.prod, load: {} });
const own = 'Headgate/prod';
const above = 'GreaterThanThreshold';

test('what is watched of a connector, from when on, for how long, and what silence means', () => {
  assert.deepEqual(rules(alarmsOf(prod.connector)), {
    Stale: [`Maximum of ${own} Staleness`, `${above} 3`, '3 of 3 × 300 s', 'notBreaching'],
    FailuresWaiting: [
      'Maximum of AWS/SQS ApproximateNumberOfMessagesVisible',
      `${above} 0`,
      '1 of 1 × 300 s',
      'notBreaching',
    ],
    Incomplete: [`Sum of ${own} SyncsIncomplete`, `${above} 0`, '1 of 1 × 3600 s', 'notBreaching'],
    Paused: [`Maximum of ${own} ConnectionsPaused`, `${above} 0`, '1 of 1 × 300 s', 'notBreaching'],
    Throttled: ['IF(sent > 0, 100 * FILL(throttled, 0) / sent, 0)', `${above} 20`, '6 of 6 × 300 s', 'notBreaching'],
    SchemaDrift: [`Sum of ${own} SchemaChanges`, `${above} 0`, '1 of 1 × 3600 s', 'notBreaching'],
    HousekeepingSilent: [
      'IF(FILL(alive, 0) > 0, FILL(reports, 0), 1)',
      'LessThanThreshold 1',
      '2 of 2 × 900 s',
      'notBreaching',
    ],
    FunctionErrors: ['SUM([work, housekeeping])', `${above} 0`, '3 of 6 × 300 s', 'notBreaching'],
    FunctionsSlow: ['MAX([workShare, housekeepingShare])', `${above} 95`, '3 of 6 × 300 s', 'notBreaching'],
  });
});

test('what is watched of a stage', () => {
  const { StateThrottled, Writes, ...others } = rules(alarmsOf(prod.state));
  assert.deepEqual(others, {});
  assert.deepEqual(StateThrottled?.slice(1), [`${above} 0`, '3 of 6 × 300 s', 'notBreaching']);
  assert.deepEqual(Writes?.slice(1), [`${above} 1000000`, '1 of 1 × 3600 s', 'notBreaching']);
});

test('where syncs start by hand, nothing is called stale', () => {
  const [dev, all] = [stacksOf(stages.dev), alarmsOf(prod.connector)];
  assert.deepEqual(
    Object.keys(alarmsOf(dev.connector)),
    Object.keys(all).filter((id) => id !== 'Stale'),
  );
});

test('where tables are loaded, what waits and what was given up is watched, too', () => {
  const { LoadsFailing, LoadsLate } = rules(alarmsOf(loading.connector));
  assert.deepEqual(LoadsFailing, [
    'Maximum of AWS/SQS ApproximateNumberOfMessagesVisible',
    `${above} 0`,
    '1 of 1 × 300 s',
    'notBreaching',
  ]);
  assert.deepEqual(LoadsLate, [
    'Maximum of AWS/SQS ApproximateAgeOfOldestMessage',
    `${above} 7200`,
    '3 of 3 × 300 s',
    'notBreaching',
  ]);
});

describe('every alarm', () => {
  const alarms = [...Object.entries(alarmsOf(loading.connector)), ...Object.entries(alarmsOf(prod.state))];

  test('tells the stage’s topic when it goes off, and when it is over', () => {
    for (const [id, { AlarmActions, OKActions }] of alarms) {
      assert.deepEqual(AlarmActions, OKActions, id);
      assert.match(AlarmActions.map(textOf).join(), /AlarmTopic/, id);
    }
  });

  test('says what it means, and names a runbook that is there', () => {
    for (const [id, { AlarmDescription }] of alarms) {
      const [, says = '', runbook = ''] =
        /^(.*) What to do: (docs\/runbooks\/[a-z-]+\.md)$/.exec(AlarmDescription) ?? [];
      assert.ok(says.length > 40, id);
      assert.ok(existsSync(join(import.meta.dirname, '../..', runbook)), `${id}: ${runbook}`);
    }
  });

  test('looks at ten metrics at most, and at none of Headgate’s own that nobody measures', () => {
    for (const [id, { Metrics, Namespace, MetricName }] of alarms) {
      const seen = Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric ?? []);
      assert.ok(seen.length <= 10, id);
      for (const each of [...seen, { Namespace, MetricName }])
        if (each.Namespace === own)
          assert.ok(Object.hasOwn(METRICS, each.MetricName ?? ''), `${id}: ${each.MetricName}`);
    }
  });

  test('of a connector sees that connector only, by the one dimension its metrics have', () => {
    for (const { Metrics, Namespace = '', MetricName = '', Dimensions = [] } of Object.values(
      alarmsOf(prod.connector),
    )) {
      const seen = Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric ?? []);
      for (const each of [...seen, { Namespace, MetricName, Dimensions }])
        if (each.Namespace === own) assert.deepEqual(each.Dimensions, [{ Name: 'service', Value: 'erp' }]);
    }
  });
});

describe('who is told', () => {
  const topics = (stage: typeof stages.prod) => {
    const { state, connector } = stacksOf(stage);
    const subscriptions = Object.values(resourcesOf(state)).filter(({ Type }) => Type === 'AWS::SNS::Subscription');
    const actions = Object.values(alarmsOf(connector)).map(({ AlarmActions }) => AlarmActions.length);
    return {
      subscriptions: subscriptions.map(({ Properties }) => [Properties.Protocol, Properties.Endpoint]),
      actions: new Set(actions),
    };
  };

  test('nobody, unless the configuration says so: the topic is there to be subscribed to', () => {
    assert.deepEqual(topics(stages.prod), { subscriptions: [], actions: new Set([1]) });
  });

  test('an address, and a topic of your own', () => {
    const topicArn = 'arn:aws:sns:eu-central-1:123456789012:pager';
    assert.deepEqual(topics({ ...stages.prod, alarms: { email: 'oncall@a.test', topicArn } }), {
      subscriptions: [['email', 'oncall@a.test']],
      actions: new Set([2]),
    });
  });

  test('CloudWatch of this account may publish to the topic, and nobody may without TLS', () => {
    const statement = z.object({
      Effect: z.string(),
      Action: z.string(),
      Principal: z.unknown(),
      Condition: z.record(z.string(), z.record(z.string(), z.unknown())),
    });
    const policy = z.object({ Topics: z.array(ref), PolicyDocument: z.object({ Statement: z.array(statement) }) });
    const [only] = Object.values(ofType(resourcesOf(prod.state), 'AWS::SNS::TopicPolicy', policy));
    const statements = only?.PolicyDocument.Statement ?? [];
    assert.deepEqual(
      statements.map(({ Effect, Action, Principal, Condition }) => [
        Effect,
        Action,
        JSON.stringify(Principal),
        Object.keys(Object.values(Condition)[0] ?? {}),
      ]),
      [
        ['Deny', 'sns:Publish', '"*"', ['aws:SecureTransport']],
        ['Allow', 'sns:Publish', '{"Service":"cloudwatch.amazonaws.com"}', ['aws:SourceAccount']],
      ],
    );
  });
});
