import { Alarm, ComparisonOperator, type IMetric, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { Connector } from '../core/connector/connector.ts';
import { CONNECTOR_DIMENSION, type Metric as MetricName, metricsNamespace } from '../core/metrics.ts';
import type { Stage } from './stage.ts';

/** A condition that somebody should know of. */
export type Watch = {
  /** Construct id: CloudFormation makes the alarm's name of it. */
  readonly id: string;
  readonly metric: IMetric;
  /** Goes off above this (`>`), or below it (`<`). */
  readonly when: readonly ['>' | '<', number];
  /** In how many of the last periods: `[1, 1]` is the last one. The period is the metric's own. */
  readonly periods: readonly [breaching: number, of: number];
  /** What a period without data means. `breaching`: that the reporter has stopped. */
  readonly missing: 'breaching' | 'notBreaching';
  /** What it means, and whether data is missing: one or two sentences for the person it wakes up. */
  readonly says: string;
  /** File name in docs/runbooks, without its ending. */
  readonly runbook: string;
};

/** Who is told, both when an alarm goes off and when it is over. */
export type Told = readonly ITopic[];

export function alarm(
  scope: Construct,
  told: Told,
  { id, metric, when, periods, missing, says, runbook }: Watch,
): Alarm {
  const [comparison, threshold] = when;
  const [datapointsToAlarm, evaluationPeriods] = periods;
  const made = new Alarm(scope, id, {
    metric,
    threshold,
    comparisonOperator:
      comparison === '>' ? ComparisonOperator.GREATER_THAN_THRESHOLD : ComparisonOperator.LESS_THAN_THRESHOLD,
    datapointsToAlarm,
    evaluationPeriods,
    treatMissingData: missing === 'breaching' ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    alarmDescription: `${says} What to do: docs/runbooks/${runbook}.md`,
  });
  for (const topic of told) {
    made.addAlarmAction(new SnsAction(topic));
    made.addOkAction(new SnsAction(topic));
  }
  return made;
}

/** How finely most things are looked at: as often as housekeeping reports. */
export const PERIOD = Duration.minutes(5);

/** One of a connector's own metrics. */
export const measured = (
  { name: stage }: Stage,
  { name: connector }: Pick<Connector, 'name'>,
  metricName: MetricName,
  { statistic = 'Sum', period = PERIOD }: { statistic?: string; period?: Duration } = {},
): Metric =>
  new Metric({
    namespace: metricsNamespace(stage),
    metricName,
    dimensionsMap: { [CONNECTOR_DIMENSION]: connector },
    statistic,
    period,
  });
