import { type Alarm, type IMetric, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { Connector } from '../core/connector/connector.ts';
import type { Metric } from '../core/metrics.ts';
import { rotationOf } from '../core/rotation.ts';
import { alarm, measured, PERIOD, type Told, type Watch } from './alarm.ts';
import type { Stage } from './stage.ts';
import type { TableLoader } from './table-loader.ts';

export type Watched = {
  readonly stage: Stage;
  readonly connector: Connector;
  readonly tasks: IQueue;
  readonly failures: IQueue;
  readonly functions: Readonly<Record<'work' | 'housekeeping', LambdaFunction>>;
  /** Where the stage loads tables. */
  readonly tables?: TableLoader;
};

const HOUR = Duration.hours(1);

/** What is watched of one connector. The alarm names the API, and its runbook says what to type. */
export function connectorAlarms(scope: Construct, watched: Watched, told: Told): Alarm[] {
  const alarms = new Construct(scope, 'Alarms');
  return watches(watched).map((watch) => alarm(alarms, told, watch));
}

type MetricOptions = Parameters<typeof measured>[3];

function watches({ stage, connector, tasks, failures, functions, tables }: Watched): Watch[] {
  const { name } = connector;
  const of = (metric: Metric, options: MetricOptions = {}) => measured(stage, connector, metric, options);
  const stale: Watch = {
    id: 'Stale',
    metric: of('Staleness', { statistic: 'Maximum' }),
    when: ['>', 3],
    periods: [3, 3],
    // Where nothing is measured, HousekeepingSilent goes off.
    missing: 'notBreaching',
    says: `${name} is stale: some stream has had no complete sync for more than three times its schedule. Nothing is lost; what consumers see is old.`,
    runbook: 'stale',
  };
  const ageing: Watch = {
    id: 'Ageing',
    metric: of('ConnectionsAgeing', { statistic: 'Maximum' }),
    when: ['>', 0],
    periods: [1, 1],
    missing: 'notBreaching',
    says: `${name}: somebody's consent ends within two weeks. When it has ended, nothing more is fetched for that connection until it is given again.`,
    runbook: 'ageing',
  };
  const old: Watch = {
    id: 'SecretsAgeing',
    metric: of('SecretsAgeing', { statistic: 'Maximum' }),
    when: ['>', 0],
    periods: [1, 1],
    missing: 'notBreaching',
    says: `${name}: a connection's secret is older than it is to be. Everything works; a new one takes a minute and loses no page.`,
    runbook: 'secrets-ageing',
  };
  const rotates = connector.auth.kind !== 'none' && rotationOf(connector.rotate, stage.rotate) !== undefined;
  return [
    // Where syncs start only by hand, everything is always stale.
    ...(stage.schedules ? [stale] : []),
    {
      id: 'FailuresWaiting',
      metric: failures.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum', period: PERIOD }),
      when: ['>', 0],
      periods: [1, 1],
      missing: 'notBreaching',
      says: `${name} set pages aside that cannot succeed by themselves. Their records are missing until they are sent again.`,
      runbook: 'failures-waiting',
    },
    {
      id: 'Incomplete',
      metric: of('SyncsIncomplete', { period: HOUR }),
      when: ['>', 0],
      periods: [1, 1],
      missing: 'notBreaching',
      says: `${name}: a sync ended INCOMPLETE. Its receipt says what is missing; the watermark stays, so the next sync asks again.`,
      runbook: 'incomplete',
    },
    {
      id: 'Paused',
      metric: of('ConnectionsPaused', { statistic: 'Maximum' }),
      when: ['>', 0],
      periods: [1, 1],
      missing: 'notBreaching',
      says: `${name}: a connection was paused because its authorisation was refused. Nothing more is fetched for it until somebody acts.`,
      runbook: 'paused',
    },
    ...(connector.auth.kind === 'authorizationCode' ? [ageing] : []),
    ...(rotates ? [old] : []),
    {
      id: 'Throttled',
      metric: new MathExpression({
        label: 'requests throttled, %',
        expression: 'IF(sent > 0, 100 * FILL(throttled, 0) / sent, 0)',
        usingMetrics: { sent: of('RequestsSent'), throttled: of('RequestsThrottled') },
        period: PERIOD,
      }),
      when: ['>', 20],
      periods: [6, 6],
      missing: 'notBreaching',
      says: `${name} answers more than a fifth of the requests with "too many", for half an hour. Nothing is missing; syncs take longer.`,
      runbook: 'throttled',
    },
    {
      id: 'SchemaDrift',
      metric: of('SchemaChanges', { period: HOUR }),
      when: ['>', 0],
      periods: [1, 1],
      missing: 'notBreaching',
      says: `${name} sends records that depart from the declared schema. What does not fit is quarantined, not lost.`,
      runbook: 'schema-drift',
    },
    {
      id: 'HousekeepingSilent',
      metric: reports(of, tasks),
      when: ['<', 1],
      periods: [2, 2],
      missing: 'notBreaching',
      says: `The housekeeping of ${name} has not reported for half an hour. Syncs go on, but nothing mends what is lost on the way.`,
      runbook: 'housekeeping-silent',
    },
    {
      id: 'FunctionErrors',
      metric: sumOf(functions, (each) => each.metricErrors({ statistic: 'Sum', period: PERIOD }), 'errors'),
      when: ['>', 0],
      periods: [3, 6],
      missing: 'notBreaching',
      says: `The functions of ${name} fail again and again: they crash or run out of time or memory. Their work is tried again by others.`,
      runbook: 'function-errors',
    },
    {
      id: 'FunctionsSlow',
      metric: nearTimeout(stage, functions),
      when: ['>', 95],
      periods: [3, 6],
      missing: 'notBreaching',
      says: `The functions of ${name} come near their timeout again and again. Nothing is missing yet.`,
      runbook: 'functions-slow',
    },
    ...(tables === undefined ? [] : tableWatches(connector, tables)),
  ];
}

/** Less than half a day: what is loaded late is read late. */
const LOAD_LATE = Duration.hours(2);

const tableWatches = ({ name }: Connector, { events, failures }: TableLoader): Watch[] => [
  {
    id: 'LoadsFailing',
    metric: failures.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum', period: PERIOD }),
    when: ['>', 0],
    periods: [1, 1],
    missing: 'notBreaching',
    says: `What ${name} delivered could not be loaded into tables for hours. Nothing is lost: the receipts are there, and the tables are old.`,
    runbook: 'loads-failing',
  },
  {
    id: 'LoadsLate',
    metric: events.metricApproximateAgeOfOldestMessage({ statistic: 'Maximum', period: PERIOD }),
    when: ['>', LOAD_LATE.toSeconds()],
    periods: [3, 3],
    missing: 'notBreaching',
    says: `What ${name} delivered waits to be loaded into tables for more than two hours. Nothing is lost; the tables are old.`,
    runbook: 'loads-failing',
  },
];

/** How often housekeeping reports. A stack of which no queue has reported yet is new, and its housekeeping has its first run ahead. */
function reports(of: (metric: Metric, options: MetricOptions) => IMetric, tasks: IQueue): MathExpression {
  const each = { statistic: 'SampleCount', period: Duration.minutes(15) };
  return new MathExpression({
    label: 'reports',
    expression: 'IF(FILL(alive, 0) > 0, FILL(reports, 0), 1)',
    usingMetrics: { alive: tasks.metricApproximateNumberOfMessagesVisible(each), reports: of('SyncsOpen', each) },
    period: each.period,
  });
}

function sumOf(
  { work, housekeeping }: Watched['functions'],
  metric: (of: LambdaFunction) => ReturnType<LambdaFunction['metricErrors']>,
  label: string,
): MathExpression {
  return new MathExpression({
    label,
    expression: 'SUM([work, housekeeping])',
    usingMetrics: { work: metric(work), housekeeping: metric(housekeeping) },
    period: PERIOD,
  });
}

/** The longest run of either function, in percent of its timeout. */
function nearTimeout({ workerTimeoutSeconds }: Stage, { work, housekeeping }: Watched['functions']): MathExpression {
  /** Milliseconds to percent. */
  const share = (of: LambdaFunction, id: string, timeout: number) =>
    new MathExpression({
      expression: `${id} / ${10 * timeout}`,
      usingMetrics: { [id]: of.metricDuration({ statistic: 'Maximum', period: PERIOD }) },
      period: PERIOD,
    });
  return new MathExpression({
    label: 'longest run, % of the timeout',
    expression: 'MAX([workShare, housekeepingShare])',
    usingMetrics: {
      workShare: share(work, 'work', workerTimeoutSeconds),
      housekeepingShare: share(housekeeping, 'housekeeping', housekeeping.timeout?.toSeconds() ?? workerTimeoutSeconds),
    },
    period: PERIOD,
  });
}
