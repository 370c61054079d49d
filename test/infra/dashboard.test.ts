import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from 'aws-cdk-lib/core';
import * as z from 'zod';
import { METRICS } from '../../lib/core/metrics.ts';
import { DashboardStack } from '../../lib/infra/dashboard-stack.ts';
import { stages } from '../../lib/infra/stage.ts';
import { stacksOf } from './example.ts';
import { ofType, resourcesOf } from './resources.ts';

const { state, connector } = stacksOf(stages.prod);
const app = App.of(state);
assert.ok(app instanceof App);
const dashboard = new DashboardStack(app, 'dashboard', { stage: stages.prod, state, connectors: [connector] });

/** The widgets, as CloudWatch gets them: what only a deployment knows stands as `?`. */
function widgets() {
  const joined = z.object({ DashboardBody: z.object({ 'Fn::Join': z.tuple([z.literal(''), z.array(z.unknown())]) }) });
  const [only] = Object.values(ofType(resourcesOf(dashboard), 'AWS::CloudWatch::Dashboard', joined));
  const text = only?.DashboardBody['Fn::Join'][1].map((part) => (typeof part === 'string' ? part : '?')).join('') ?? '';
  const widget = z.object({
    type: z.string(),
    y: z.number(),
    properties: z.looseObject({
      markdown: z.string().optional(),
      title: z.string().optional(),
      metrics: z.array(z.array(z.unknown())).default([]),
      alarms: z.array(z.string()).default([]),
    }),
  });
  return z
    .object({ widgets: z.array(widget) })
    .parse(JSON.parse(text))
    .widgets.toSorted((a, b) => a.y - b.y);
}

test('it answers, from top to bottom, what is asked at night', () => {
  const questions = widgets().flatMap(({ properties }) => properties.markdown ?? []);
  assert.deepEqual(questions, [
    '## Is anything missing?',
    '## How stale is it?',
    '## What waits?',
    '## How near the limits?',
    '## What does it cost?',
  ]);
});

test('each question has graphs, and every alarm of the stage is at the top', () => {
  const all = widgets();
  const starts = all.filter(({ type }) => type === 'text').map(({ y }) => y);
  starts.forEach((start, i) => {
    const graphs = all.filter(
      ({ type, y }) => type === 'metric' && y > start && y < (starts[i + 1] ?? Number.POSITIVE_INFINITY),
    );
    assert.ok(graphs.length >= 3, `${i}`);
  });
  const status = all.find(({ type }) => type === 'alarm');
  assert.equal(status?.properties.alarms.length, state.alarms.length + connector.alarms.length);
});

test('it shows no metric of Headgate’s own that nobody measures, and leaves out none that tells something', () => {
  const shown = widgets().flatMap(({ properties }) =>
    properties.metrics.flatMap(([namespace, name]) => (namespace === 'Headgate/prod' ? String(name) : [])),
  );
  for (const name of shown) assert.ok(Object.hasOwn(METRICS, name), name);
  const missing = Object.keys(METRICS).filter((name) => !shown.includes(name));
  assert.deepEqual(missing, ['SchemaChanges', 'PagesSetAside'], 'what the alarms and the failures queue show');
});
