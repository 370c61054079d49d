import { ChangeMessageVisibilityBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { type Task, taskSchema } from '../core/tasks.ts';
import { SECOND } from '../core/time.ts';
import type { ReceivedTask, TaskOutcome } from '../pipeline/tasks/outcome.ts';

/** The longest a message can be hidden, less what may have passed since it was received: a little under 12 hours, in seconds. */
const LONGEST_HIDING = 11 * 3_600;
/** Entries of one batch request. */
const ENTRIES = 10;

/** The tasks of a batch. A message that is none, or of a version this code does not know, is left out: it comes back. */
export const readBatch = (event: SQSEvent): ReceivedTask<Task>[] =>
  event.Records.flatMap(({ messageId, body, attributes }) => {
    const task = taskSchema.safeParse(parse(body));
    return task.success
      ? [{ id: messageId, task: task.data, receives: Number(attributes.ApproximateReceiveCount) }]
      : [];
  });

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/**
 * Reports a batch as Lambda wants it (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html): what is not
 * named is deleted. A message that is to come back at a certain time is hidden until then first; this is the last thing done
 * to it, so that a crash before leaves it to its visibility timeout. A message without an outcome comes back.
 */
export async function reportBatch(
  client: SQSClient,
  queue: string,
  event: SQSEvent,
  outcomes: ReadonlyMap<string, TaskOutcome | 'failed'>,
): Promise<SQSBatchResponse> {
  const kept = event.Records.filter(({ messageId }) => outcomes.get(messageId) !== 'done');
  const hidden = kept.flatMap((record) => {
    const outcome = outcomes.get(record.messageId);
    return typeof outcome === 'object' ? [{ record, seconds: hiding(outcome.later) }] : [];
  });
  for (let i = 0; i < hidden.length; i += ENTRIES) await hide(client, queue, hidden.slice(i, i + ENTRIES));
  return { batchItemFailures: kept.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

const hiding = (milliseconds: number): number => Math.min(LONGEST_HIDING, Math.ceil(milliseconds / SECOND));

/** A message that cannot be hidden comes back when its visibility ends: later than wanted, or sooner, but it comes back. */
async function hide(
  client: SQSClient,
  queue: string,
  messages: readonly { record: SQSRecord; seconds: number }[],
): Promise<void> {
  const Entries = messages.map(({ record, seconds }, index) => ({
    Id: String(index),
    ReceiptHandle: record.receiptHandle,
    VisibilityTimeout: seconds,
  }));
  await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: queue, Entries }));
}
