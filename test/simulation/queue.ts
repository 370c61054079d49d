import type { Task } from '../../lib/core/tasks.ts';
import { HOUR, SECOND } from '../../lib/core/time.ts';
import type { Random, TaskQueue } from '../../lib/pipeline/ports.ts';
import type { Tally } from './tally.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { Weather } from './weather.ts';

/**
 * A standard SQS queue as it really is: at least once, in no order, with late copies, delays, visibility, receive counts and native
 * dead-lettering, and, where the weather says so, with losses.
 */
export type SimulatedQueue = TaskQueue & {
  /** Up to `max` visible messages, drawn at random; each is hidden for the visibility timeout. */
  receive(max: number): Delivery[];
  /** The receiver is done with it. An old receipt, or bad luck, deletes nothing. */
  remove(delivery: Delivery): void;
  /** The receiver wants it again after so many milliseconds. */
  hide(delivery: Delivery, millis: number): void;
  readonly size: () => number;
  /** Calls back whenever a message may have become visible. */
  onVisible(listener: () => void): void;
};

export type Delivery = { readonly message: number; readonly receives: number; readonly task: Task };

type Message = { readonly body: string; visibleAt: number; receives: number };

export type QueueOptions = {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly weather: Weather;
  readonly tally: Tally;
  /** Seconds. */
  readonly visibility: number;
  readonly maximumReceives: number;
};

/** The longest that a message can be hidden from one receive on. */
const LONGEST_HIDING = 12 * HOUR;

export function simulatedQueue({
  time,
  random,
  weather,
  tally,
  visibility,
  maximumReceives,
}: QueueOptions): SimulatedQueue {
  const messages = new Map<number, Message>();
  const listeners: (() => void)[] = [];
  let made = 0;
  const chance = (rate: number): boolean => rate > 0 && random.number() < rate;
  const wake = (at: number): void => {
    for (const listener of listeners) time.after(at - time.now(), listener);
  };
  const add = (body: string, delay: number): void => {
    const visibleAt = time.now() + delay;
    messages.set(made++, { body, visibleAt, receives: 0 });
    wake(visibleAt);
  };
  const doomed = new Map<string, boolean>();
  const vanishes = (task: Task): boolean => {
    if (task.kind !== 'pages' && task.kind !== 'chain') return false;
    const work = task.kind === 'pages' ? `${task.sync} ${task.node} ${task.from}` : task.sync;
    const doom = doomed.get(work) ?? chance(weather.vanish);
    doomed.set(work, doom);
    return doom;
  };
  const held = ({ message, receives }: Delivery): Message | undefined => {
    const found = messages.get(message);
    return found?.receives === receives ? found : undefined;
  };

  return {
    async send(batch) {
      for (const { task, delay = 0 } of batch) {
        const body = JSON.stringify(task);
        if (!(Number.isInteger(delay) && delay >= 0 && delay <= 900)) throw new RangeError(`a delay of ${delay} s`);
        tally.count('messages sent');
        if (vanishes(task)) {
          tally.count('messages vanished');
          continue;
        }
        if (chance(weather.lostMessage)) tally.count('messages lost');
        else add(body, delay * SECOND + random.number() ** 2 * weather.delivery);
        if (!chance(weather.duplicate)) continue;
        tally.count('messages duplicated');
        add(body, delay * SECOND + random.number() * (chance(0.2) ? 2 * HOUR : 2 * SECOND));
      }
    },
    receive(max) {
      const visible = [...messages].filter(([, { visibleAt }]) => visibleAt <= time.now());
      const taken: Delivery[] = [];
      while (taken.length < max && visible.length > 0) {
        const [entry] = visible.splice(Math.floor(random.number() * visible.length), 1);
        if (entry === undefined) break;
        const [message, held] = entry;
        if (held.receives >= maximumReceives) {
          messages.delete(message);
          tally.count('messages dead-lettered');
          continue;
        }
        held.receives += 1;
        held.visibleAt = time.now() + visibility * SECOND;
        wake(held.visibleAt);
        taken.push({ message, receives: held.receives, task: JSON.parse(held.body) });
      }
      return taken;
    },
    remove(delivery) {
      if (held(delivery) === undefined) return;
      if (chance(weather.undeletable)) tally.count('deletes lost');
      else messages.delete(delivery.message);
    },
    hide(delivery, millis) {
      const message = held(delivery);
      if (message === undefined || message.visibleAt <= time.now()) return;
      message.visibleAt = time.now() + Math.min(LONGEST_HIDING, millis);
      wake(message.visibleAt);
    },
    size: () => messages.size,
    onVisible: (listener) => void listeners.push(listener),
  };
}
