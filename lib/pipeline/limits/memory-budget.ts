import { type Invocation, workerCache } from '../invocation.ts';

/** Bytes that one worker holds of answers at once, estimated as what they become: with the program it fits into 512 MB. */
const WORKER_BYTES = 256_000_000;
/** What an answer is expected to take falls by so much with each that takes less. */
const DECAY = 0.9;

/** What some pages hold of their worker's memory, until it is disposed of. */
export type MemoryHolding = Disposable & {
  /** Room for one answer, as large as the largest of the last ones and as `least`; `undefined`: the worker holds as much as it can, and the page has to come back. */
  reserve(least?: number): ReservedMemory | undefined;
};

export type ReservedMemory = {
  /** Holds so many bytes in place of what was reserved, and says whether they fit. One answer alone always does. */
  settle(bytes: number): boolean;
};

const budgets = workerCache(() => ({ held: 0, expected: 0 }));

/** Backpressure for memory: a worker asks for no more pages at once than it can hold. */
export function holdMemory(invocation: Pick<Invocation, 'memory'>): MemoryHolding {
  const budget = budgets(invocation);
  let own = 0;
  const add = (bytes: number): void => {
    budget.held += bytes;
    own += bytes;
  };
  const fits = (bytes: number): boolean => budget.held === 0 || budget.held + bytes <= WORKER_BYTES;
  return {
    reserve(least = 0) {
      const expected = Math.max(budget.expected, least);
      if (!fits(expected)) return undefined;
      add(expected);
      return {
        settle(bytes) {
          budget.expected = Math.max(bytes, DECAY * budget.expected);
          add(-expected);
          if (!fits(bytes)) return false;
          add(bytes);
          return true;
        },
      };
    },
    [Symbol.dispose]() {
      add(-own);
    },
  };
}
