import type { Task } from '../../lib/core/tasks.ts';
import { SECOND } from '../../lib/core/time.ts';
import type { Clock, TaskQueue } from '../../lib/pipeline/ports.ts';

/** Limits of SQS (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html). */
const MAX_BYTES = 1_048_576;
const MAX_DELAY_SECONDS = 900;

/** A message in the hands of whoever received it. */
export type Received<T> = {
  /** Good until the message is received again. */
  readonly receipt: string;
  readonly task: T;
  readonly group: string;
  /** How often it was received, this time included. */
  readonly receives: number;
};

export type MemoryQueue<T> = TaskQueue<T> & {
  /** Up to `max` visible messages, the oldest first. Each is hidden for the visibility timeout. */
  receive(max: number): readonly Received<T>[];
  /** Ends a message. */
  remove(receipt: string): void;
  /** Lets a hidden message be seen again after some seconds from now, as ChangeMessageVisibility does. */
  release(receipt: string, afterSeconds: number): void;
  /** When the next message can be received, in epoch milliseconds; `undefined` if the queue is empty. */
  next(): number | undefined;
};

/** `body`: the task as JSON, so that what it loses on the way to SQS it loses here. */
type Message = { readonly body: string; readonly group: string; visibleAt: number; receives: number };

/** A queue in memory, on a clock from outside. `visibility`: the visibility timeout in seconds. */
export function memoryQueue<T = Task>(clock: Clock, visibility: number): MemoryQueue<T> {
  const messages = new Map<number, Message>();
  let sent = 0;

  /** The message of a receipt, which is its number and the count of its receives. */
  function held(receipt: string): [number, Message] | undefined {
    const [number = Number.NaN, receives] = receipt.split('-').map(Number);
    const message = messages.get(number);
    return message !== undefined && message.receives === receives ? [number, message] : undefined;
  }

  return {
    async send(batch) {
      const accepted = batch.map(({ task, group, delay = 0 }): Message => {
        const body = JSON.stringify(task);
        if (Buffer.byteLength(body) > MAX_BYTES) throw new Error(`A message has at most ${MAX_BYTES} bytes.`);
        if (!Number.isInteger(delay) || delay < 0 || delay > MAX_DELAY_SECONDS) {
          throw new RangeError(`A delay is a whole number of seconds from 0 to ${MAX_DELAY_SECONDS}, not ${delay}.`);
        }
        return { body, group, visibleAt: clock.now() + delay * SECOND, receives: 0 };
      });
      for (const message of accepted) messages.set(sent++, message);
    },

    receive(max) {
      const visible = messages.entries().filter(([, { visibleAt }]) => visibleAt <= clock.now());
      return [...visible.take(max)].map(([number, message]) => {
        message.receives += 1;
        message.visibleAt = clock.now() + visibility * SECOND;
        const { body, group, receives } = message;
        return { receipt: `${number}-${receives}`, task: JSON.parse(body), group, receives };
      });
    },

    remove(receipt) {
      const [number] = held(receipt) ?? [];
      if (number !== undefined) messages.delete(number);
    },

    release(receipt, afterSeconds) {
      const [, message] = held(receipt) ?? [];
      const hidden = message !== undefined && message.visibleAt > clock.now();
      if (hidden) message.visibleAt = clock.now() + afterSeconds * SECOND;
    },

    next: () => [...messages.values()].map(({ visibleAt }) => visibleAt).reduce(least, undefined),
  };
}

const least = (a: number | undefined, b: number): number => Math.min(a ?? b, b);
