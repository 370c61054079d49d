import { randomUUID } from 'node:crypto';

/**
 * A standard SQS queue in memory: delays, visibility, receive counts, dead letters. It gives more than SQS promises
 * (in order, nothing twice) and is lost with the process: messages are hints, the tree tells what to send again.
 */
export type Queue = {
  readonly name: string;
  readonly arn: string;
  readonly url: string;
  /** Adds a message and returns its id. `delay`: seconds until it can be received; default: the queue's. */
  send(message: { body: string; group?: string | undefined; delay?: number | undefined }): string;
  /** Takes a message that was received too often elsewhere, as it is. */
  adopt(message: DeadLetter): void;
  /** Takes up to `max` visible messages. `visibility`: seconds; default: the queue's. */
  receive(max: number, visibility?: number): Delivery[];
  /** Deletes the message, unless it was received again since: then the receipt is stale, and nothing happens. */
  remove(receipt: string): void;
  /** Hides the message for so many seconds from now. Says whether it did: not when it is no longer in flight. */
  changeVisibility(receipt: string, seconds: number): boolean;
  /** Shows the message at once, unless its receiver chose a time itself by `changeVisibility`. */
  giveBack(receipt: string): void;
  counts(): Counts;
  /** Calls the listener whenever messages have become visible. */
  onVisible(listener: () => void): void;
  /** Stops the timer. */
  close(): void;
};

export type DeadLetter = {
  readonly id: string;
  readonly body: string;
  readonly group: string | undefined;
  /** Epoch milliseconds. */
  readonly sentAt: number;
  readonly receives: number;
};

export type Delivery = DeadLetter & { readonly receipt: string; readonly firstReceivedAt: number };

export type Counts = { readonly visible: number; readonly delayed: number; readonly inFlight: number };

export type QueueOptions = {
  readonly name: string;
  readonly arn: string;
  readonly url: string;
  /** Seconds. */
  readonly visibilityTimeout: number;
  /** Seconds. */
  readonly delay: number;
  readonly deadLetters?: { readonly maxReceiveCount: number; readonly move: (message: DeadLetter) => void };
};

type Message = {
  readonly id: string;
  readonly body: string;
  readonly group: string | undefined;
  readonly sentAt: number;
  receives: number;
  firstReceivedAt: number | undefined;
  /** The latest receipt; an older one is stale. */
  receipt: string | undefined;
  /** When a hidden message becomes visible, in epoch milliseconds. */
  visibleAt: number;
  /** Its receiver chose `visibleAt`. */
  deferred: boolean;
};

const SECOND = 1_000;

export function createQueue(options: QueueOptions): Queue {
  const { deadLetters } = options;
  /** In the order in which they became visible. */
  const visible = new Set<Message>();
  const hidden = new Set<Message>();
  const byReceipt = new Map<string, Message>();
  const listeners: (() => void)[] = [];
  /** No hidden message becomes visible before this. */
  let nextAt = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;

  const announce = () => {
    for (const listener of listeners) listener();
  };
  const arm = (at: number) => {
    nextAt = at;
    clearTimeout(timer);
    if (Number.isFinite(at)) timer = setTimeout(onTimer, Math.max(1, at - Date.now()));
  };
  const onTimer = () => {
    surface();
    if (visible.size > 0) announce();
  };
  /** Shows every message whose time has come. */
  const surface = () => {
    const now = Date.now();
    let earliest = Number.POSITIVE_INFINITY;
    for (const message of hidden) {
      if (message.visibleAt <= now) show(message);
      else earliest = Math.min(earliest, message.visibleAt);
    }
    arm(earliest);
  };
  const show = (message: Message) => {
    hidden.delete(message);
    visible.add(message);
  };
  const hide = (message: Message, seconds: number) => {
    visible.delete(message);
    hidden.add(message);
    message.visibleAt = Date.now() + seconds * SECOND;
    if (message.visibleAt < nextAt) arm(message.visibleAt);
  };
  /** Hides a message for so long, or shows it at once for 0. */
  const place = (message: Message, seconds: number) => {
    if (seconds > 0) return hide(message, seconds);
    show(message);
    announce();
  };
  const forget = (message: Message) => {
    visible.delete(message);
    hidden.delete(message);
    if (message.receipt) byReceipt.delete(message.receipt);
  };
  const add = (letter: DeadLetter, delay: number) =>
    place({ ...letter, firstReceivedAt: undefined, receipt: undefined, visibleAt: 0, deferred: false }, delay);
  const deliver = (message: Message, visibility: number): Delivery => {
    if (message.receipt) byReceipt.delete(message.receipt);
    message.receives += 1;
    message.deferred = false;
    message.firstReceivedAt ??= Date.now();
    const receipt = randomUUID();
    message.receipt = receipt;
    byReceipt.set(receipt, message);
    hide(message, visibility);
    const { id, body, group, sentAt, receives, firstReceivedAt } = message;
    return { id, body, group, sentAt, receives, firstReceivedAt, receipt };
  };

  return {
    name: options.name,
    arn: options.arn,
    url: options.url,
    send({ body, group, delay = options.delay }) {
      const id = randomUUID();
      add({ id, body, group, sentAt: Date.now(), receives: 0 }, delay);
      return id;
    },
    adopt: (letter) => add(letter, 0),
    receive(max, visibility = options.visibilityTimeout) {
      if (Date.now() >= nextAt) surface();
      const deliveries: Delivery[] = [];
      for (const message of visible) {
        if (deliveries.length === max) break;
        if (deadLetters && message.receives >= deadLetters.maxReceiveCount) {
          forget(message);
          deadLetters.move(message);
        } else deliveries.push(deliver(message, visibility));
      }
      return deliveries;
    },
    remove(receipt) {
      const message = byReceipt.get(receipt);
      if (message) forget(message);
    },
    changeVisibility(receipt, seconds) {
      const message = byReceipt.get(receipt);
      if (!message || !hidden.has(message)) return false;
      message.deferred = true;
      place(message, seconds);
      return true;
    },
    giveBack(receipt) {
      const message = byReceipt.get(receipt);
      if (message && hidden.has(message) && !message.deferred) place(message, 0);
    },
    counts() {
      if (Date.now() >= nextAt) surface();
      const inFlight = [...hidden].filter((message) => message.receives > 0).length;
      return { visible: visible.size, inFlight, delayed: hidden.size - inFlight };
    },
    onVisible(listener) {
      listeners.push(listener);
    },
    close: () => clearTimeout(timer),
  };
}
