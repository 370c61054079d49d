import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { publishMetrics } from '../lib/aws/metrics.ts';
import { SECOND } from '../lib/core/time.ts';
import { housekeep } from '../lib/pipeline/sync/housekeep.ts';
import { invocationOf, logger, metrics } from './runtime.ts';

/** `idleSeconds`: take up syncs that are silent for so long; by default as long as the queue could explain. */
const eventSchema = z.object({ idleSeconds: z.number().min(0).optional() }).catch({});

/** Takes up the connector's stalled syncs, and tells how fresh its streams are. */
export const handler = middy()
  .use(injectLambdaContext(logger))
  .use(publishMetrics(metrics))
  .handler(async (event: unknown, context: Context): Promise<void> => {
    const { idleSeconds } = eventSchema.parse(event);
    await housekeep(invocationOf(context), { idle: idleSeconds === undefined ? undefined : idleSeconds * SECOND });
  });
