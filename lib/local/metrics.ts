import * as z from 'zod';
import { MINUTE } from '../core/time.ts';

/** What was measured in one minute of a run, as CloudWatch would keep it. */
export type Minute = { sum: number; count: number; least: number; greatest: number };

/** One metric: a name and what it is of. `minutes`: by the minute's start, in epoch milliseconds. */
export type Series = {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly minutes: Map<number, Minute>;
};

export type Metrics = {
  /** Every metric that was measured. */
  readonly series: () => readonly Series[];
  add(namespace: string, name: string, dimensions: Readonly<Record<string, string>>, value: number, at?: number): void;
  /** Takes a line that a function wrote; what is no metric is none of its business. */
  take(json: unknown): void;
  /** Forgets everything. */
  clear(): void;
};

/** The embedded metric format (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html). */
const line = z.looseObject({
  _aws: z.object({
    Timestamp: z.number(),
    CloudWatchMetrics: z.array(
      z.object({
        Namespace: z.string(),
        Dimensions: z.array(z.array(z.string())),
        Metrics: z.array(z.object({ Name: z.string() })),
      }),
    ),
  }),
});
const values = z.union([z.number().transform((one) => [one]), z.array(z.number())]);

/** What a run measures, kept as long as it runs. */
export function keepMetrics(): Metrics {
  const kept = new Map<string, Series>();

  const add: Metrics['add'] = (namespace, name, dimensions, value, at = Date.now()) => {
    const key = JSON.stringify([namespace, name, dimensions]);
    const series = kept.get(key) ?? { namespace, name, dimensions, minutes: new Map() };
    kept.set(key, series);
    const start = Math.floor(at / MINUTE) * MINUTE;
    const minute = series.minutes.get(start);
    if (minute === undefined) series.minutes.set(start, { sum: value, count: 1, least: value, greatest: value });
    else {
      minute.sum += value;
      minute.count += 1;
      minute.least = Math.min(minute.least, value);
      minute.greatest = Math.max(minute.greatest, value);
    }
  };

  return {
    series: () => [...kept.values()],
    add,
    clear: () => kept.clear(),
    take(json) {
      if (typeof json !== 'object' || json === null || !('_aws' in json)) return;
      const { _aws, ...rest } = line.parse(json);
      for (const { Namespace, Dimensions, Metrics } of _aws.CloudWatchMetrics) {
        for (const names of Dimensions) {
          const dimensions = Object.fromEntries(names.map((name) => [name, String(rest[name])]));
          for (const { Name } of Metrics)
            for (const value of values.parse(rest[Name])) add(Namespace, Name, dimensions, value, _aws.Timestamp);
        }
      }
    },
  };
}
