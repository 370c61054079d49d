import { type Alarm, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { alarm, PERIOD, type Told } from './alarm.ts';
import type { Stage } from './stage.ts';

/** A table, and the names of its indexes: DynamoDB counts what an index costs apart. */
export type WatchedTable = { readonly name: string; readonly table: Table; readonly indexes: readonly string[] };

/** What is watched of a stage as a whole: the tables that all its connectors share. */
export function stateAlarms(scope: Construct, stage: Stage, tables: readonly WatchedTable[], told: Told): Alarm[] {
  const alarms = new Construct(scope, 'Alarms');
  return [
    alarm(alarms, told, {
      id: 'StateThrottled',
      // Without the indexes: a write that an index throttles is throttled at its table, and an alarm looks at ten metrics at most.
      metric: sum(withoutIndexes(tables), ['WriteThrottleEvents', 'ReadThrottleEvents'], 'calls throttled', PERIOD),
      when: ['>', 0],
      periods: [3, 6],
      missing: 'notBreaching',
      says: `DynamoDB throttles the state of stage ${stage.name}. Nothing is lost; work is tried again and takes longer.`,
      runbook: 'state-throttled',
    }),
    alarm(alarms, told, {
      id: 'Writes',
      metric: writes(tables, Duration.hours(1)),
      when: ['>', stage.writesPerHour],
      periods: [1, 1],
      missing: 'notBreaching',
      says: `Stage ${stage.name} takes more write units than its cost guard allows (${stage.writesPerHour} an hour). Nothing is missing.`,
      runbook: 'writes',
    }),
  ];
}

/** Write units that the tables and their indexes consumed. */
export const writes = (tables: readonly WatchedTable[], period: Duration): MathExpression =>
  sum(tables, ['ConsumedWriteCapacityUnits'], 'writes', period);

function sum(
  tables: readonly WatchedTable[],
  metricNames: readonly string[],
  label: string,
  period: Duration,
): MathExpression {
  const metrics = metricNames.flatMap((metricName) =>
    tables.flatMap(({ name, table, indexes }) =>
      [undefined, ...indexes].map((index) => {
        const id = [metricName, 'of', name, ...(index === undefined ? [] : [index])].join('_');
        return [decapitalized(id), usage(table, index, metricName, period)] as const;
      }),
    ),
  );
  return new MathExpression({
    label,
    // DynamoDB reports only what happened, and an alarm on its metrics may take silence for more of the same.
    expression: `SUM([${metrics.map(([id]) => `FILL(${id}, 0)`).join(', ')}])`,
    usingMetrics: Object.fromEntries(metrics),
    period,
  });
}

const withoutIndexes = (tables: readonly WatchedTable[]): WatchedTable[] =>
  tables.map((each) => ({ ...each, indexes: [] }));

/** An id in a math expression begins with a small letter. */
const decapitalized = (text: string): string => `${text.charAt(0).toLowerCase()}${text.slice(1)}`;

const usage = (table: Table, index: string | undefined, metricName: string, period: Duration): Metric =>
  new Metric({
    namespace: 'AWS/DynamoDB',
    metricName,
    dimensionsMap: { TableName: table.tableName, ...(index !== undefined && { GlobalSecondaryIndexName: index }) },
    statistic: 'Sum',
    period,
  });
