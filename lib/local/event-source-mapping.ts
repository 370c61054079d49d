import { failedMessages } from './batch-result.ts';
import type { Outcome } from './function-process.ts';
import type { ProcessPool } from './process-pool.ts';
import type { Delivery, Queue } from './queue.ts';
import { md5, systemAttributes } from './sqs.ts';

export type MappingOptions = {
  readonly queue: Queue;
  readonly pool: ProcessPool;
  readonly batchSize: number;
  /** Whether the handler says which messages failed (ReportBatchItemFailures). If not, its result means nothing. */
  readonly reportsFailures: boolean;
  /** Region that the records carry. */
  readonly region: string;
};

/**
 * Hands a queue's messages to a function, as Lambda's event source mapping does: as many batches at once as the pool has
 * processes; what succeeded is deleted, what failed comes back when its visibility ends. Returns a function that stops it.
 *
 * One departure from AWS: the messages of a process that died are visible again at once. There it cannot be known whether
 * a silent worker still holds its messages, so they stay hidden for six function timeouts; here it is known that
 * none does. A time that the handler itself set before it died (ChangeMessageVisibility) still holds, as on AWS.
 */
export function startEventSourceMapping({
  queue,
  pool,
  batchSize,
  reportsFailures,
  region,
}: MappingOptions): () => void {
  let stopped = false;
  let planned = false;

  /** Not right away, so that the messages of one SendMessageBatch come in one batch. */
  const plan = () => {
    if (planned || stopped) return;
    planned = true;
    setImmediate(dispatch);
  };
  const dispatch = () => {
    planned = false;
    while (!stopped && pool.free() > 0) {
      const batch = queue.receive(batchSize);
      if (batch.length === 0) return;
      work(batch);
    }
  };
  const work = async (batch: readonly Delivery[]) => {
    const outcome = await pool.invoke({ Records: batch.map((delivery) => record(delivery, queue, region)) });
    settle(batch, outcome);
    plan();
  };
  const settle = (batch: readonly Delivery[], outcome: Outcome) => {
    if (!outcome.ok) {
      if (outcome.died) for (const { receipt } of batch) queue.giveBack(receipt);
      return;
    }
    const failed = reportsFailures ? failedMessages(outcome.result, new Set(batch.map(({ id }) => id))) : new Set();
    for (const { id, receipt } of batch) if (!failed.has(id)) queue.remove(receipt);
  };

  queue.onVisible(plan);
  plan();
  return () => {
    stopped = true;
  };
}

/** A message as a function gets it (Lambda developer guide, "Example Amazon SQS message event"). */
const record = (delivery: Delivery, queue: Queue, region: string) => ({
  messageId: delivery.id,
  receiptHandle: delivery.receipt,
  body: delivery.body,
  attributes: systemAttributes(delivery),
  messageAttributes: {},
  md5OfBody: md5(delivery.body),
  eventSource: 'aws:sqs',
  eventSourceARN: queue.arn,
  awsRegion: region,
});
