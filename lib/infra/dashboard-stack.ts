import {
  AlarmStatusWidget,
  Color,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  MathExpression,
  PeriodOverride,
  TextWidget,
  TextWidgetBackground,
} from 'aws-cdk-lib/aws-cloudwatch';
import { CfnOutput, Duration, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { Metric as MetricName } from '../core/metrics.ts';
import { measured, PERIOD } from './alarm.ts';
import { MEMORY_MB } from './connector-function.ts';
import type { ConnectorStack } from './connector-stack.ts';
import type { Stage } from './stage.ts';
import { writes } from './state-alarms.ts';
import type { StateStack } from './state-stack.ts';

export type DashboardStackProps = {
  readonly stage: Stage;
  readonly state: StateStack;
  readonly connectors: readonly ConnectorStack[];
};

/** A dashboard is 24 units wide. */
const WIDE = 24;
const HEIGHT = 6;

/** One dashboard of a stage, which answers from top to bottom what is asked first at 3 a.m. */
export class DashboardStack extends Stack {
  constructor(scope: Construct, id: string, { stage, state, connectors }: DashboardStackProps) {
    super(scope, id, { description: `Headgate (${stage.name}): the dashboard.` });
    const alarms = [...connectors.flatMap((each) => each.alarms), ...state.alarms];
    const of = (name: MetricName, options: Parameters<typeof measured>[3] = {}): IMetric[] =>
      connectors.map(({ watched: { connector } }) =>
        measured(stage, connector, name, options).with({ label: connector.name }),
      );
    const rows: IWidget[][] = [
      question('Is anything missing?'),
      [new AlarmStatusWidget({ title: 'Alarms', alarms, width: WIDE, height: 4 })],
      graphs([
        { title: 'Syncs INCOMPLETE', left: of('SyncsIncomplete') },
        { title: 'Pages set aside, waiting', left: connectors.map(failuresWaiting) },
        { title: 'Records quarantined', left: of('RecordsQuarantined') },
        { title: 'Records delivered', left: of('RecordsDelivered') },
      ]),
      question('How stale is it?'),
      graphs([
        {
          title: 'Age of the stalest stream ÷ its schedule',
          left: of('Staleness', { statistic: 'Maximum' }),
          limit: 3,
        },
        { title: 'Syncs COMPLETE', left: of('SyncsComplete') },
        { title: 'Syncs UNKNOWN', left: of('SyncsUnknown') },
      ]),
      question('What waits?'),
      graphs([
        { title: 'Syncs that run', left: of('SyncsOpen', { statistic: 'Maximum' }) },
        { title: 'Tasks ready, and waiting for their time', left: connectors.flatMap(tasksWaiting) },
        { title: 'Connections paused', left: of('ConnectionsPaused', { statistic: 'Maximum' }) },
        {
          title: 'Consents that end soon, and secrets that are old',
          left: [
            ...of('ConnectionsAgeing', { statistic: 'Maximum' }),
            ...of('SecretsAgeing', { statistic: 'Maximum' }),
          ],
        },
      ]),
      question('How near the limits?'),
      graphs([
        { title: 'Requests sent', left: of('RequestsSent') },
        { title: 'Requests throttled', left: of('RequestsThrottled') },
        { title: 'Requests tried again', left: of('RequestsRetried') },
        { title: 'Answers that announce an end', left: of('DeprecatedResponses') },
        {
          title: 'Longest run of a worker, s',
          left: connectors.map(longestRun),
          limit: 0.95 * stage.workerTimeoutSeconds,
        },
      ]),
      question('What does it cost?'),
      graphs([
        {
          title: 'Writes to the tables an hour',
          left: [writes(state.tables, Duration.hours(1))],
          limit: stage.writesPerHour,
        },
        { title: 'Compute, GB-s an hour', left: connectors.map(compute) },
        { title: 'Pages delivered an hour', left: of('PagesDelivered', { period: Duration.hours(1) }) },
      ]),
    ];
    const dashboard = new Dashboard(this, 'Dashboard', {
      widgets: rows,
      periodOverride: PeriodOverride.INHERIT,
      defaultInterval: Duration.days(1),
    });
    new CfnOutput(this, 'DashboardName', { value: dashboard.dashboardName, description: 'In CloudWatch.' });
  }
}

const question = (text: string): IWidget[] => [
  new TextWidget({ markdown: `## ${text}`, width: WIDE, height: 1, background: TextWidgetBackground.TRANSPARENT }),
];

type Graph = {
  readonly title: string;
  readonly left: readonly IMetric[];
  /** Drawn as a line: above it an alarm goes off. */
  readonly limit?: number;
};

const graphs = (row: readonly Graph[]): IWidget[] =>
  row.map(
    ({ title, left, limit }) =>
      new GraphWidget({
        title,
        left: [...left],
        leftYAxis: { min: 0, showUnits: false },
        ...(limit !== undefined && { leftAnnotations: [{ value: limit, color: Color.RED, label: 'alarm' }] }),
        width: Math.floor(WIDE / row.length),
        height: HEIGHT,
      }),
  );

const failuresWaiting = ({ watched: { connector, failures } }: ConnectorStack): IMetric =>
  failures.metricApproximateNumberOfMessagesVisible({ label: connector.name, statistic: 'Maximum', period: PERIOD });

const tasksWaiting = ({ watched: { connector, tasks } }: ConnectorStack): IMetric[] => [
  tasks.metricApproximateNumberOfMessagesVisible({ label: connector.name, statistic: 'Maximum', period: PERIOD }),
  tasks.metricApproximateNumberOfMessagesDelayed({
    label: `${connector.name}, not yet`,
    statistic: 'Maximum',
    period: PERIOD,
  }),
];

/** `index`: the ids in the expressions of one graph differ. */
const longestRun = ({ watched: { connector, functions } }: ConnectorStack, index: number): IMetric =>
  new MathExpression({
    label: connector.name,
    expression: `longest${index} / 1000`,
    usingMetrics: { [`longest${index}`]: functions.work.metricDuration({ statistic: 'Maximum', period: PERIOD }) },
    period: PERIOD,
  });

const MEMORY_GB = MEMORY_MB / 1_024;

/** What Lambda bills: time × memory, of both functions. */
const compute = ({ watched: { connector, functions } }: ConnectorStack, index: number): IMetric => {
  const period = Duration.hours(1);
  const time = (of: typeof functions.work) => of.metricDuration({ statistic: 'Sum', period });
  return new MathExpression({
    label: connector.name,
    expression: `SUM([work${index}, housekeeping${index}]) / 1000 * ${MEMORY_GB}`,
    usingMetrics: {
      [`work${index}`]: time(functions.work),
      [`housekeeping${index}`]: time(functions.housekeeping),
    },
    period,
  });
};
