/** Virtual time: things happen in the order of their times, and between two of them every promise that can go on does. */
export type VirtualTime = {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Does something after so many milliseconds; of two at the same time, the one that was asked for first. */
  after(millis: number, action: () => void): void;
  /** Lets time pass until `done` says so or nothing is left to happen; gives up after so many events. */
  run(done: () => boolean, most: number): Promise<'done' | 'nothing left' | 'too many events'>;
  readonly events: () => number;
};

type Pending = { readonly at: number; readonly order: number; readonly action: () => void };

export function virtualTime(start: number): VirtualTime {
  const heap: Pending[] = [];
  let now = start;
  let order = 0;
  let events = 0;
  const before = (a: Pending, b: Pending): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
  return {
    now: () => now,
    events: () => events,
    after(millis, action) {
      push(heap, { at: now + Math.max(0, millis), order: order++, action }, before);
    },
    async run(done, most) {
      for (; events < most; events++) {
        if (done()) return 'done';
        const next = pop(heap, before);
        if (next === undefined) return 'nothing left';
        now = next.at;
        next.action();
        await everyPromise();
      }
      return 'too many events';
    },
  };
}

/** A turn of the event loop: by its end every promise that was resolved has been gone on from. */
const everyPromise = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function push<T>(heap: T[], item: T, before: (a: T, b: T) => boolean): void {
  let at = heap.push(item) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !before(item, above)) break;
    heap[at] = above;
    heap[parent] = item;
    at = parent;
  }
}

function pop<T>(heap: T[], before: (a: T, b: T) => boolean): T | undefined {
  const [top] = heap;
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return top;
  heap[0] = last;
  let at = 0;
  for (;;) {
    let least = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      const [a, b] = [heap[child], heap[least]];
      if (a !== undefined && b !== undefined && before(a, b)) least = child;
    }
    const [here, there] = [heap[at], heap[least]];
    if (least === at || here === undefined || there === undefined) return top;
    heap[at] = there;
    heap[least] = here;
    at = least;
  }
}
