import { type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule, ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Duration, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { type Connector, ConnectorError } from '../core/connector/connector.ts';
import { MINUTE, span } from '../core/time.ts';
import { inline } from './permissions.ts';

/** How often a stream's sync starts. Throws a {@link ConnectorError} unless it is a whole number of minutes, at least 1. */
export function streamRate(connector: Connector, stream: string): Duration {
  const declared = connector.schedule(stream);
  const minutes = span(declared) / MINUTE;
  if (minutes < 1 || !Number.isInteger(minutes)) {
    throw new ConnectorError(
      `Connector "${connector.name}", stream "${stream}": its schedule is "${declared}", but must be a whole number of minutes, at least 1.`,
    );
  }
  return Duration.minutes(minutes);
}

/** The role in which EventBridge Scheduler, for this account's schedules only, does what the statements allow. */
export function schedulerRole(scope: Construct, id: string, ...statements: readonly PolicyStatement[]): Role {
  const stack = Stack.of(scope);
  const group = stack.formatArn({ service: 'scheduler', resource: 'schedule-group', resourceName: 'default' });
  return new Role(scope, id, {
    assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': stack.account, 'aws:SourceArn': group } },
    }),
    inlinePolicies: inline(statements),
  });
}

type Schedule = {
  readonly description: string;
  readonly every: Duration;
  readonly enabled: boolean;
  readonly target: { readonly arn: string; readonly role: Role; readonly input?: string };
};

export function schedule(scope: Construct, id: string, { description, every, enabled, target }: Schedule): void {
  const { arn, role, input } = target;
  new CfnSchedule(scope, id, {
    description,
    scheduleExpression: ScheduleExpression.rate(every).expressionString,
    flexibleTimeWindow: { mode: 'OFF' },
    state: enabled ? 'ENABLED' : 'DISABLED',
    target: { arn, roleArn: role.roleArn, ...(input !== undefined && { input }) },
  });
}
