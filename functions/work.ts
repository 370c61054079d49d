import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { readBatch, reportBatch } from '../lib/aws/batch.ts';
import { publishMetrics } from '../lib/aws/metrics.ts';
import { runTasks } from '../lib/pipeline/work.ts';
import { invocationOf, logger, metrics, settings, sqs } from './runtime.ts';

/** Does a batch of the connector's tasks. A message that is no task we know is handed back, until it is dead-lettered. */
export const handler = middy<SQSEvent, SQSBatchResponse>()
  .use(injectLambdaContext(logger))
  .use(publishMetrics(metrics))
  .handler(async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const outcomes = await runTasks(invocationOf(context), readBatch(event));
    return reportBatch(sqs, settings.QUEUE_URL, event, outcomes);
  });
