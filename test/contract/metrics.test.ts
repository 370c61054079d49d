import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { Metrics as Powertools } from '@aws-lambda-powertools/metrics';
import * as z from 'zod';
import { embeddedMetrics, publishMetrics } from '../../lib/aws/metrics.ts';
import type { Metric } from '../../lib/core/metrics.ts';
import type { Metrics } from '../../lib/pipeline/ports.ts';
import { memoryMetrics } from '../memory/metrics.ts';

/** What every `Metrics` does. `measured`: what came of it, by metric. */
function metricsContract(open: () => { metrics: Metrics; measured: () => Record<string, readonly number[]> }): void {
  test('every value that was added is there, under its name', () => {
    const { metrics, measured } = open();
    metrics.add('RequestsSent', 3);
    metrics.add('RequestsThrottled', 0);
    metrics.add('RequestsSent', 4);
    assert.deepEqual(measured(), { RequestsSent: [3, 4], RequestsThrottled: [0] });
  });

  test('more values than one line can hold are all there', () => {
    const { metrics, measured } = open();
    for (let value = 0; value < 250; value++) metrics.add('PagesSetAside', value);
    assert.deepEqual(
      measured().PagesSetAside,
      Array.from({ length: 250 }, (_, value) => value),
    );
  });
}

describe('Metrics in memory', () =>
  metricsContract(() => {
    const metrics = memoryMetrics();
    return { metrics, measured: () => Object.fromEntries(metrics.values) };
  }));

describe('Metrics in the embedded metric format', () => {
  const line = z.looseObject({
    _aws: z.object({
      CloudWatchMetrics: z.tuple([
        z.object({
          Namespace: z.literal('Headgate/test'),
          Dimensions: z.tuple([z.tuple([z.literal('service')])]),
          Metrics: z.array(z.object({ Name: z.string(), Unit: z.literal('Count') })),
        }),
      ]),
    }),
    service: z.literal('erp'),
  });
  let lines: z.output<typeof line>[];
  beforeEach(() => {
    lines = [];
    mock.method(console, 'log', (text: string) => lines.push(line.parse(JSON.parse(text))));
    // Powertools writes to the console of this process only in this mode.
    process.env.POWERTOOLS_DEV = 'true';
    process.env.POWERTOOLS_METRICS_DISABLED = 'false';
  });
  afterEach(() => {
    delete process.env.POWERTOOLS_DEV;
    delete process.env.POWERTOOLS_METRICS_DISABLED;
    mock.restoreAll();
  });
  metricsContract(() => {
    const powertools = new Powertools({ namespace: 'Headgate/test', serviceName: 'erp' });
    return {
      metrics: embeddedMetrics(powertools),
      measured() {
        powertools.publishStoredMetrics();
        const measured: Partial<Record<Metric | string, number[]>> = {};
        for (const { _aws, ...values } of lines) {
          for (const { Name } of _aws.CloudWatchMetrics[0].Metrics)
            measured[Name] = [...(measured[Name] ?? []), ...z.array(z.number()).parse([values[Name]].flat())];
        }
        return z.record(z.string(), z.array(z.number())).parse(measured);
      },
    };
  });
});

test('an invocation that measured nothing writes no line, and one that failed writes what it measured', () => {
  const lines: unknown[] = [];
  for (const method of ['log', 'warn'] as const) mock.method(console, method, (text: unknown) => lines.push(text));
  process.env.POWERTOOLS_DEV = 'true';
  process.env.POWERTOOLS_METRICS_DISABLED = 'false';
  try {
    const powertools = new Powertools({ namespace: 'Headgate/test', serviceName: 'erp' });
    const { after, onError } = publishMetrics(powertools);
    after();
    assert.deepEqual(lines, []);
    embeddedMetrics(powertools).add('RequestsSent', 1);
    onError();
    assert.equal(lines.length, 1);
  } finally {
    delete process.env.POWERTOOLS_DEV;
    delete process.env.POWERTOOLS_METRICS_DISABLED;
    mock.restoreAll();
  }
});
