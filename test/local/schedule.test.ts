import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DeclaredSchedule } from '../../lib/local/plan.ts';
import { period, scheduledInput } from '../../lib/local/schedule.ts';
import { startSmall } from './small-stack.ts';
import { until } from './until.ts';
import { collectLogs, worker } from './worker.ts';

const schedule = (changes: Partial<DeclaredSchedule>): DeclaredSchedule => ({
  id: 'stack/Schedule',
  expression: 'rate(1 hour)',
  enabled: true,
  targetArn: 'arn',
  group: undefined,
  input: undefined,
  ...changes,
});

describe('scheduledInput', () => {
  const at = (time: string, input: string) => scheduledInput(schedule({ input }), new Date(time));

  it('puts the context in place of its attributes, wherever they stand', () => {
    const input = '{"a":"<aws.scheduler.scheduled-time>","b":["<aws.scheduler.scheduled-time>"]}';
    assert.equal(at('2026-01-02T03:04:05Z', input), '{"a":"2026-01-02T03:04:05Z","b":["2026-01-02T03:04:05Z"]}');
    assert.match(at('2026-01-02T03:04:05Z', '<aws.scheduler.schedule-arn>'), /^arn:aws:scheduler:.*stack\/Schedule$/);
    assert.notEqual(
      at('2026-01-02T03:04:05Z', '<aws.scheduler.execution-id>'),
      at('2026-01-02T03:04:05Z', '<aws.scheduler.execution-id>'),
    );
  });

  it('keeps the milliseconds of a time that Scheduler would not have', () => {
    assert.equal(at('2026-01-02T03:04:05.678Z', '<aws.scheduler.scheduled-time>'), '2026-01-02T03:04:05.678Z');
  });

  it('leaves everything else alone', () => {
    assert.equal(at('2026-01-02T03:04:05Z', '<aws.scheduler.nothing> <other>'), '<aws.scheduler.nothing> <other>');
  });
});

describe('period', () => {
  for (const [expression, milliseconds] of [
    ['rate(1 minute)', 60_000],
    ['rate(5 minutes)', 300_000],
    ['rate(2 hours)', 7_200_000],
    ['rate(1 day)', 86_400_000],
  ] as const) {
    it(expression, () => assert.equal(period(schedule({ expression })), milliseconds));
  }
  for (const expression of ['cron(0 * * * ? *)', 'at(2026-01-01T00:00:00)', 'rate(5 weeks)']) {
    it(`refuses ${expression}`, () => {
      const message = `stack/Schedule: the embedded run knows only rates, not ${expression}.`;
      assert.throws(() => period(schedule({ expression })), { message });
    });
  }
});

it('housekeeping runs by its rate, even after it failed, and syncs do not start by themselves', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const logs = collectLogs();
  const housekeeping = `export const handler = () => { console.log('{"clean":true}'); throw new Error('dirty'); };`;
  await startSmall(t, { work: worker(''), housekeeping }, logs);
  const cleanings = () => logs.lines.filter(({ json }) => json?.clean).length;
  t.mock.timers.tick(299_999);
  assert.equal(cleanings(), 0);
  t.mock.timers.tick(1);
  await until(() => cleanings() === 1);
  t.mock.timers.tick(3_600_000);
  await until(() => cleanings() === 13);
  assert.deepEqual(logs.batches(), []);
});
