import { GetQueueAttributesCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import type { Embedded } from '../../lib/local/embedded.ts';
import type { LogLine } from '../../lib/local/functions.ts';

/** A worker that logs each batch and then does as the body says. */
export const worker = (body: string): string => `
let invocations = 0;
export const handler = async ({ Records }, context) => {
  invocations += 1;
  const receives = Records.map(({ attributes }) => Number(attributes.ApproximateReceiveCount));
  console.log(JSON.stringify({ batch: Records.map((record) => record.body), receives, invocations }));
  ${body}
};`;

const batchSchema = z.object({ batch: z.array(z.string()), receives: z.array(z.number()), invocations: z.number() });
export type Batch = z.output<typeof batchSchema>;

/** What workers logged. */
export function collectLogs() {
  const lines: LogLine[] = [];
  return {
    lines,
    onLog: (line: LogLine) => {
      lines.push(line);
    },
    batches: (): Batch[] => lines.flatMap(({ json }) => batchSchema.safeParse(json).data ?? []),
    errors: (): unknown[] => lines.flatMap(({ json }) => (json?.level === 'ERROR' ? [json.errorMessage] : [])),
  };
}

const clientOf = ({ endpoint, credentials }: Embedded) => new SQSClient({ endpoint, region: 'us-east-1', credentials });

/** Sends one message for each body to the worker's queue, 10 in one call. */
export async function send(stack: Embedded, bodies: readonly string[]): Promise<void> {
  const client = clientOf(stack);
  const QueueUrl = stack.environment('work', 'api').QUEUE_URL;
  for (let at = 0; at < bodies.length; at += 10) {
    const Entries = bodies.slice(at, at + 10).map((MessageBody, i) => ({ Id: String(i), MessageBody }));
    await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  }
  client.destroy();
}

/** How many messages a queue holds: `[visible, in flight]`. */
export async function counts(stack: Embedded, queue: 'QUEUE_URL' | 'FAILURES_QUEUE_URL'): Promise<[number, number]> {
  const client = clientOf(stack);
  const QueueUrl = stack.environment('work', 'api')[queue];
  const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  client.destroy();
  return [Number(Attributes?.ApproximateNumberOfMessages), Number(Attributes?.ApproximateNumberOfMessagesNotVisible)];
}
