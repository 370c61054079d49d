import * as z from 'zod';
import { SECOND } from '../core/time.ts';
import { type Alarm, isOff, valueAt } from './alarms.ts';
import { jsonBackend, operation } from './json-protocol.ts';
import type { Series } from './metrics.ts';
import type { Backend } from './service.ts';

/** CloudWatch over what a run has measured: how its alarms stand right now. Nothing is kept of how they stood. */
export const cloudwatch = (alarms: readonly Alarm[], measured: () => readonly Series[]): Backend =>
  jsonBackend('1.0', {
    DescribeAlarms: operation(z.object({ AlarmNamePrefix: z.string().default('') }), ({ AlarmNamePrefix: prefix }) => {
      const [series, now] = [measured(), Date.now()];
      return {
        MetricAlarms: alarms
          .filter(({ name }) => name.startsWith(prefix))
          .map((alarm) => ({
            AlarmName: alarm.name,
            AlarmDescription: alarm.AlarmDescription,
            StateValue: isOff(alarm, series, now) ? 'ALARM' : 'OK',
            StateReason: `the last value is ${valueAt(alarm, series, now) ?? 'missing'}, the threshold ${alarm.Threshold}`,
            StateUpdatedTimestamp: now / SECOND,
          })),
      };
    }),
  });
