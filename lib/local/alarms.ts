import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { SECOND } from '../core/time.ts';
import type { Assembly } from './assembly.ts';
import { resolve } from './intrinsics.ts';
import { calculate, type Value } from './metric-math.ts';
import type { Minute, Series } from './metrics.ts';
import { namesOf } from './names.ts';

const dimensions = z
  .array(z.object({ Name: z.string(), Value: z.string() }))
  .transform((all) => Object.fromEntries(all.map(({ Name, Value }) => [Name, Value])));
const metric = z.object({ Namespace: z.string(), MetricName: z.string(), Dimensions: dimensions });
const statistic = z.enum(['Sum', 'Maximum', 'Minimum', 'SampleCount', 'Average']);
const alarmSchema = z.object({
  AlarmDescription: z.string(),
  ...metric.partial().shape,
  Statistic: statistic.optional(),
  Period: z.number().optional(),
  Metrics: z
    .array(
      z.object({
        Id: z.string(),
        Expression: z.string().optional(),
        ReturnData: z.boolean().default(true),
        MetricStat: z.object({ Metric: metric, Period: z.number(), Stat: statistic }).optional(),
      }),
    )
    .default([]),
  Threshold: z.number(),
  ComparisonOperator: z.enum(['GreaterThanThreshold', 'LessThanThreshold']),
  EvaluationPeriods: z.number(),
  DatapointsToAlarm: z.number(),
  TreatMissingData: z.enum(['breaching', 'notBreaching']),
});

/** An alarm as its template declares it, every reference resolved. */
export type Alarm = z.output<typeof alarmSchema> & {
  readonly name: string;
  /** Of one period, in milliseconds. */
  readonly period: number;
};

/** The alarms that the templates declare. */
export const alarmsOf = (assembly: Assembly, endpoint: string): Alarm[] =>
  assembly.stacks.flatMap((stack) =>
    [...stack.resources].flatMap(([id, { type, properties }]) => {
      if (type !== 'AWS::CloudWatch::Alarm') return [];
      const names = namesOf(assembly, stack, endpoint);
      // Notification targets are ignored locally.
      const { AlarmActions: _alarm, OKActions: _ok, ...rest } = properties;
      const alarm = alarmSchema.parse(resolve(rest, names));
      const seconds = alarm.Period ?? Math.max(...alarm.Metrics.map(({ MetricStat }) => MetricStat?.Period ?? 0));
      return { ...alarm, name: `${stack.name}-${id}`, period: seconds * SECOND };
    }),
  );

/** What an alarm looks at, over the period that ends at a time; `undefined`: no data. */
export function valueAt(alarm: Alarm, series: readonly Series[], end: number): Value {
  if (alarm.Namespace !== undefined && alarm.MetricName !== undefined && alarm.Statistic !== undefined) {
    const { Namespace, MetricName, Dimensions = {}, Statistic } = alarm;
    return statisticOf(Statistic, minutesOf({ Namespace, MetricName, Dimensions }, series, end - alarm.period, end));
  }
  const valueIn = (id: string): Value => {
    const found = alarm.Metrics.find(({ Id }) => Id === id);
    if (found?.Expression !== undefined) return calculate(found.Expression, valueIn);
    if (found?.MetricStat === undefined) throw new Error(`${alarm.name} has no metric "${id}".`);
    const { Metric, Period, Stat } = found.MetricStat;
    return statisticOf(Stat, minutesOf(Metric, series, end - Period * SECOND, end));
  };
  return valueIn(alarm.Metrics.find(({ ReturnData }) => ReturnData)?.Id ?? '');
}

const minutesOf = (
  { Namespace, MetricName, Dimensions }: z.output<typeof metric>,
  series: readonly Series[],
  from: number,
  to: number,
): Minute[] => {
  const found = series.find(
    ({ namespace, name, dimensions }) =>
      namespace === Namespace && name === MetricName && isDeepStrictEqual({ ...dimensions }, Dimensions),
  );
  return [...(found?.minutes ?? [])].flatMap(([at, minute]) => (at > from && at <= to ? minute : []));
};

function statisticOf(
  statistic: 'Sum' | 'Maximum' | 'Minimum' | 'SampleCount' | 'Average',
  minutes: readonly Minute[],
): Value {
  if (minutes.length === 0) return undefined;
  const add = (of: 'sum' | 'count'): number => minutes.reduce((all, minute) => all + minute[of], 0);
  switch (statistic) {
    case 'Sum':
      return add('sum');
    case 'SampleCount':
      return add('count');
    case 'Average':
      return add('sum') / add('count');
    case 'Maximum':
      return Math.max(...minutes.map(({ greatest }) => greatest));
    case 'Minimum':
      return Math.min(...minutes.map(({ least }) => least));
  }
}

/** Whether a value is on the wrong side of the alarm's threshold; no data counts as the alarm says. */
export function breaches({ ComparisonOperator, Threshold, TreatMissingData }: Alarm, value: Value): boolean {
  if (value === undefined) return TreatMissingData === 'breaching';
  return ComparisonOperator === 'GreaterThanThreshold' ? value > Threshold : value < Threshold;
}

/** Whether an alarm has gone off: in enough of its last periods the threshold was crossed. */
export function isOff(alarm: Alarm, series: readonly Series[], now: number): boolean {
  const ends = Array.from({ length: alarm.EvaluationPeriods }, (_, i) => now - i * alarm.period);
  const breaching = ends.filter((end) => breaches(alarm, valueAt(alarm, series, end)));
  return breaching.length >= alarm.DatapointsToAlarm;
}
