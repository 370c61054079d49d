import { createHash } from 'node:crypto';
import * as z from 'zod';
import { jsonBackend, type Operation, operation } from './json-protocol.ts';
import type { Delivery, Queue } from './queue.ts';
import { type Backend, ServiceError } from './service.ts';

/** Bytes of one message, and of all messages of one call (SQS quotas, "Message size"). */
const LARGEST_MESSAGE = 1_048_576;
const LARGEST_BATCH = 10;

const seconds = (max: number) => z.int().min(0).max(max);
const visibilityTimeout = seconds(43_200);
const receiptSchema = z.object({ ReceiptHandle: z.string().min(1) });
const visibilitySchema = receiptSchema.extend({ VisibilityTimeout: visibilityTimeout });
/** Strict: a message attribute would be lost without a word. */
const messageSchema = z.strictObject({
  MessageBody: z
    .string()
    .min(1)
    .refine((body) => Buffer.byteLength(body) <= LARGEST_MESSAGE, 'A message holds at most 1 MiB.'),
  DelaySeconds: seconds(900).optional(),
  /** Printable ASCII without the space, as for FIFO queues. */
  MessageGroupId: z
    .string()
    .regex(/^[!-~]{1,128}$/)
    .optional(),
});
type Message = z.output<typeof messageSchema>;
const entrySchema = z.looseObject({ Id: z.string().regex(/^[\w-]{1,80}$/) });
const batchSchema = z.object({ QueueUrl: z.string(), Entries: z.array(entrySchema) });

/** SQS over the given queues, by name: sending, receiving, deleting, hiding, counting. */
export function sqs(queues: ReadonlyMap<string, Queue>): Backend {
  const queueOf = (url: string): Queue => {
    const queue = queues.get(url.slice(url.lastIndexOf('/') + 1));
    if (!queue) throw new ServiceError('com.amazonaws.sqs#QueueDoesNotExist', 'The specified queue does not exist.');
    return queue;
  };
  /** An operation on one queue; the rest of its input follows the schema. */
  const single = <S extends z.ZodType>(schema: S, run: (queue: Queue, input: z.output<S>) => object): Operation =>
    operation(z.looseObject({ QueueUrl: z.string() }), ({ QueueUrl, ...rest }) =>
      run(queueOf(QueueUrl), parse(schema, rest)),
    );
  /** The same for up to 10 entries, each of which succeeds or fails by itself. */
  const batch = <S extends z.ZodType>(schema: S, run: (queue: Queue, entry: z.output<S>) => object): Operation =>
    operation(batchSchema, ({ QueueUrl, Entries }) => {
      const queue = queueOf(QueueUrl);
      checkBatch(Entries);
      const results = Entries.map(({ Id, ...entry }) => attempt(Id, () => run(queue, parse(schema, entry))));
      return {
        Successful: results.filter((result) => !('Code' in result)),
        Failed: results.filter((result) => 'Code' in result),
      };
    });
  return jsonBackend('1.0', {
    SendMessage: single(messageSchema, send),
    SendMessageBatch: batch(messageSchema, send),
    ReceiveMessage: single(receiveSchema, receive),
    DeleteMessage: single(receiptSchema, remove),
    DeleteMessageBatch: batch(receiptSchema, remove),
    ChangeMessageVisibility: single(visibilitySchema, changeVisibility),
    ChangeMessageVisibilityBatch: batch(visibilitySchema, changeVisibility),
    GetQueueAttributes: single(z.object({}), attributes),
  });
}

function parse<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw new ServiceError('InvalidParameterValue', z.prettifyError(parsed.error));
  return parsed.data;
}

/** Refuses a batch as a whole, in the order in which SQS checks it. */
function checkBatch(entries: readonly z.output<typeof entrySchema>[]): void {
  const refuse = (code: string, message: string) => {
    throw new ServiceError(`com.amazonaws.sqs#${code}`, message);
  };
  if (entries.length === 0) refuse('EmptyBatchRequest', 'There should be at least one entry in the request.');
  if (entries.length > LARGEST_BATCH) refuse('TooManyEntriesInBatchRequest', 'A batch has at most 10 entries.');
  if (new Set(entries.map((entry) => entry.Id)).size < entries.length) {
    refuse('BatchEntryIdsNotDistinct', 'Two entries have one id.');
  }
  const bytes = entries.reduce(
    (sum, { MessageBody: body }) => sum + (typeof body === 'string' ? Buffer.byteLength(body) : 0),
    0,
  );
  if (bytes > LARGEST_MESSAGE) refuse('BatchRequestTooLong', 'The messages of a batch hold at most 1 MiB together.');
}

function attempt(id: string, run: () => object): object {
  try {
    return { Id: id, ...run() };
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return { Id: id, Code: error.code, Message: error.message, SenderFault: true };
  }
}

const send = (queue: Queue, { MessageBody: body, DelaySeconds: delay, MessageGroupId: group }: Message) => ({
  MessageId: queue.send({ body, delay, group }),
  MD5OfMessageBody: md5(body),
});

const receiveSchema = z.object({
  MaxNumberOfMessages: z.int().min(1).max(10).default(1),
  VisibilityTimeout: visibilityTimeout.optional(),
});
/** Answers at once: a long poll gets what is there. (The functions' own messages are pushed to them.) */
const receive = (queue: Queue, input: z.output<typeof receiveSchema>) => ({
  Messages: queue.receive(input.MaxNumberOfMessages, input.VisibilityTimeout).map((delivery) => ({
    MessageId: delivery.id,
    ReceiptHandle: delivery.receipt,
    Body: delivery.body,
    MD5OfBody: md5(delivery.body),
    Attributes: systemAttributes(delivery),
  })),
});

const remove = (queue: Queue, { ReceiptHandle }: z.output<typeof receiptSchema>) => {
  queue.remove(ReceiptHandle);
  return {};
};

const changeVisibility = (queue: Queue, input: z.output<typeof visibilitySchema>) => {
  if (queue.changeVisibility(input.ReceiptHandle, input.VisibilityTimeout)) return {};
  throw new ServiceError('com.amazonaws.sqs#MessageNotInflight', 'The specified message is not in flight.');
};

const attributes = (queue: Queue) => {
  const { visible, delayed, inFlight } = queue.counts();
  return {
    Attributes: {
      QueueArn: queue.arn,
      ApproximateNumberOfMessages: String(visible),
      ApproximateNumberOfMessagesDelayed: String(delayed),
      ApproximateNumberOfMessagesNotVisible: String(inFlight),
    },
  };
};

/** What SQS tells of a message beside its body. */
export const systemAttributes = (delivery: Delivery): Record<string, string> => ({
  ApproximateReceiveCount: String(delivery.receives),
  SentTimestamp: String(delivery.sentAt),
  ApproximateFirstReceiveTimestamp: String(delivery.firstReceivedAt),
  SenderId: 'EMBEDDED',
  ...(delivery.group && { MessageGroupId: delivery.group }),
});

export const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
