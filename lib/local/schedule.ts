import { randomUUID } from 'node:crypto';
import { ACCOUNT, REGION } from './names.ts';
import type { DeclaredSchedule } from './plan.ts';

/**
 * What EventBridge Scheduler delivers for the given time: the declared input with its context attributes replaced, or an
 * event of its own where none is declared (Scheduler user guide, "Adding context attributes" and "Managing targets").
 * Scheduled times are whole seconds; the milliseconds of another time are kept.
 */
export function scheduledInput({ id, input }: DeclaredSchedule, at: Date): string {
  const context: Readonly<Record<string, string>> = {
    'schedule-arn': `arn:aws:scheduler:${REGION}:${ACCOUNT}:schedule/default/${id}`,
    'scheduled-time': at.toISOString().replace('.000Z', 'Z'),
    'execution-id': randomUUID(),
    'attempt-number': '1',
  };
  const declared = input ?? DEFAULT_INPUT;
  return declared.replace(/<aws\.scheduler\.([a-z-]+)>/g, (whole, name: string) => context[name] ?? whole);
}

const DEFAULT_INPUT = JSON.stringify({
  version: '0',
  id: '<aws.scheduler.execution-id>',
  'detail-type': 'Scheduled Event',
  source: 'aws.scheduler',
  account: ACCOUNT,
  time: '<aws.scheduler.scheduled-time>',
  region: REGION,
  resources: ['<aws.scheduler.schedule-arn>'],
  detail: '{}',
});

const UNITS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** Milliseconds between two runs. Throws for anything but a rate. */
export function period({ id, expression }: DeclaredSchedule): number {
  const [, count, unit = ''] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  const milliseconds = Number(count) * (UNITS[unit] ?? Number.NaN);
  if (Number.isNaN(milliseconds)) throw new Error(`${id}: the embedded run knows only rates, not ${expression}.`);
  return milliseconds;
}
