import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';

/** A message that only its receiver sees, until `hidden` is over. */
export type HeldMessage = { readonly receipt: string; readonly body: string; readonly receives: number };
export type QueueCounts = { readonly visible: number; readonly delayed: number; readonly inFlight: number };

/** A queue as an operator reads it. Functions never do: Lambda hands them their messages. */
export type QueueReader = {
  /** Up to 10 messages, hidden from other receivers for so many seconds; none: the queue is empty, or seems so. */
  receive(hidden: number): Promise<HeldMessage[]>;
  remove(receipt: string): Promise<void>;
  /** Gives a message back at once. */
  giveBack(receipt: string): Promise<void>;
  /** Approximate, by SQS's own word. */
  counts(): Promise<QueueCounts>;
};

/** Seconds of a long poll: without one SQS asks only some of its servers, and may find nothing where there is something. */
const LONG_POLL = 2;

export function queueReader(client: SQSClient, url: string): QueueReader {
  const queue = { QueueUrl: url };
  return {
    async receive(hidden) {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({
          ...queue,
          MaxNumberOfMessages: 10,
          VisibilityTimeout: hidden,
          WaitTimeSeconds: LONG_POLL,
          MessageSystemAttributeNames: ['ApproximateReceiveCount'],
        }),
      );
      return Messages.flatMap(({ ReceiptHandle: receipt, Body: body, Attributes }) =>
        receipt === undefined || body === undefined
          ? []
          : { receipt, body, receives: Number(Attributes?.ApproximateReceiveCount ?? 1) },
      );
    },
    async remove(receipt) {
      await client.send(new DeleteMessageCommand({ ...queue, ReceiptHandle: receipt }));
    },
    async giveBack(receipt) {
      await client.send(new ChangeMessageVisibilityCommand({ ...queue, ReceiptHandle: receipt, VisibilityTimeout: 0 }));
    },
    async counts() {
      const { Attributes: of = {} } = await client.send(
        new GetQueueAttributesCommand({
          ...queue,
          AttributeNames: [
            'ApproximateNumberOfMessages',
            'ApproximateNumberOfMessagesDelayed',
            'ApproximateNumberOfMessagesNotVisible',
          ],
        }),
      );
      return {
        visible: Number(of.ApproximateNumberOfMessages ?? 0),
        delayed: Number(of.ApproximateNumberOfMessagesDelayed ?? 0),
        inFlight: Number(of.ApproximateNumberOfMessagesNotVisible ?? 0),
      };
    },
  };
}
