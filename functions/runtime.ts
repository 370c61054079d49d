import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import type { Context } from 'aws-lambda';
import connector from '#connector';
import { powertoolsLog } from '../lib/aws/log.ts';
import { embeddedMetrics } from '../lib/aws/metrics.ts';
import { openPorts, sqsClient } from '../lib/aws/open-ports.ts';
import { environmentSchema } from '../lib/core/environment.ts';
import type { Invocation } from '../lib/pipeline/invocation.ts';
import { newWorkerMemory } from '../lib/pipeline/invocation.ts';

/** What a function is made of, built once and kept between invocations. */

/** The environment, parsed once. A variable that is missing fails the function at its start, by its name. */
export const settings = environmentSchema.parse(process.env);

export const logger = new Logger({ serviceName: settings.CONNECTOR });
export const metrics = new Metrics({ namespace: settings.METRICS_NAMESPACE, serviceName: settings.CONNECTOR });
/** For a batch's report. */
export const sqs = sqsClient();
const ports = openPorts(settings, { log: powertoolsLog(logger), metrics: embeddedMetrics(metrics) });

const memory = newWorkerMemory();

/** The ports and the time of one invocation. */
export function invocationOf(context: Context): Invocation {
  const remaining = (): number => context.getRemainingTimeInMillis();
  return { ...ports, connector, settings, memory, remaining, budget: remaining() };
}
