import type { DeclaredQueue } from './plan.ts';
import { createQueue, type DeadLetter, type Queue } from './queue.ts';

/** The declared queues, by name. A message that was received too often moves to the queue that its own one names. */
export function createQueues(declared: readonly DeclaredQueue[]): ReadonlyMap<string, Queue> {
  const queues = new Map<string, Queue>();
  for (const { redrive, ...options } of declared) {
    const deadLetters = redrive && {
      maxReceiveCount: redrive.maxReceiveCount,
      move: moveTo(queues, redrive.deadLetterTargetArn),
    };
    queues.set(options.name, createQueue({ ...options, ...(deadLetters && { deadLetters }) }));
  }
  return queues;
}

const moveTo = (queues: ReadonlyMap<string, Queue>, arn: string) => (message: DeadLetter) => {
  const target = queues.get(arn.slice(arn.lastIndexOf(':') + 1));
  if (!target) throw new Error(`No queue is ${arn}.`);
  target.adopt(message);
};
