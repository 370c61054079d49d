import { setTimeout as pause } from 'node:timers/promises';
import { SendMessageBatchCommand, type SendMessageBatchRequestEntry, type SQSClient } from '@aws-sdk/client-sqs';
import type { Task } from '../core/tasks.ts';
import type { TaskQueue } from '../pipeline/ports.ts';

/** Limits of one SendMessageBatch (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html). */
const MAX_ENTRIES = 10;
const MAX_BYTES = 1_048_576;
const MAX_DELAY_SECONDS = 900;
const MAX_GROUP_LENGTH = 128;

/** Milliseconds before each try; the later ones are for messages that SQS, by no fault of theirs, did not take. */
const WAITS = [0, 50, 200, 800];

type Message<T> = { readonly task: T; readonly group: string; readonly delay?: number };

/** An SQS standard queue. Throws on a message over 1 MiB and on a delay outside of 0 to 900 s before anything is sent. */
export function sqsQueue<T = Task>(client: SQSClient, url: string): TaskQueue<T> {
  return {
    async send(messages: readonly Message<T>[]) {
      for (const batch of batches(messages.map(entryOf))) await sendBatch(client, url, batch);
    },
  };
}

async function sendBatch(
  client: SQSClient,
  url: string,
  batch: readonly SendMessageBatchRequestEntry[],
): Promise<void> {
  let left = batch;
  for (const wait of WAITS) {
    if (wait > 0) await pause(wait);
    const { Successful = [], Failed = [] } = await client.send(
      new SendMessageBatchCommand({ QueueUrl: url, Entries: [...left] }),
    );
    const refused = Failed.find(({ SenderFault }) => SenderFault === true);
    if (refused !== undefined) throw new Error(`SQS refused a message (${refused.Code}): ${refused.Message}`);
    const taken = new Set(Successful.map(({ Id }) => Id));
    left = left.filter(({ Id }) => !taken.has(Id));
    if (left.length === 0) return;
  }
  throw new Error(`SQS did not take ${left.length} of ${batch.length} messages.`);
}

function entryOf<T>({ task, group, delay = 0 }: Message<T>, index: number): SendMessageBatchRequestEntry {
  if (!Number.isInteger(delay) || delay < 0 || delay > MAX_DELAY_SECONDS) {
    throw new RangeError(`A delay is a whole number of seconds from 0 to ${MAX_DELAY_SECONDS}, not ${delay}.`);
  }
  return { Id: String(index), MessageBody: bodyOf(task), MessageGroupId: groupId(group), DelaySeconds: delay };
}

/** JSON with an escape for every character that SQS, or an emulator of it, refuses in a message. */
const bodyOf = (task: unknown): string =>
  JSON.stringify(task).replace(
    /[\ud800-\udfff\ufffe\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** The group only labels a tenant, so two names that become one share a fair portion, and nothing worse. */
const groupId = (group: string): string => group.replace(/[^!-~]/g, '_').slice(0, MAX_GROUP_LENGTH);

function batches(entries: readonly SendMessageBatchRequestEntry[]): SendMessageBatchRequestEntry[][] {
  const all: SendMessageBatchRequestEntry[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    const size = Buffer.byteLength(entry.MessageBody ?? '');
    if (size > MAX_BYTES) throw new Error(`A message of ${size} bytes is larger than SQS takes (${MAX_BYTES}).`);
    const last = all.at(-1);
    if (last === undefined || last.length === MAX_ENTRIES || bytes + size > MAX_BYTES) {
      all.push([entry]);
      bytes = size;
    } else {
      last.push(entry);
      bytes += size;
    }
  }
  return all;
}
