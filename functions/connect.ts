import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { readHttpEvent, toHttpResult } from '../lib/aws/function-url.ts';
import { connect } from '../lib/pipeline/consent/connect.ts';
import { invocationOf, logger } from './runtime.ts';

/** Answers the browser of a person who consents. */
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
  .use(injectLambdaContext(logger))
  .handler(async (event: APIGatewayProxyEventV2, context: Context) =>
    toHttpResult(await connect(invocationOf(context), readHttpEvent(event))),
  );
