import { dateMark } from '../core/connector/since.ts';
import { span } from '../core/time.ts';
import type { Receipt } from '../core/verdict/receipt.ts';
import type { Model } from './model.ts';
import { childrenOf } from './parents.ts';
import { SimulatorRefusal } from './refusal.ts';
import { keyOf } from './rehearsed.ts';
import type { StreamModel } from './stream-model.ts';
import type { Trouble } from './trouble.ts';

/** What an API that is made from a declaration knows of the records of one sync. */
export type Truth = {
  /** How many belong into the sync and were there throughout, and how many of them came. */
  readonly there: number;
  readonly came: number;
  /** Keys of those that did not. */
  readonly lost: readonly string[];
  /** How many others came, that need not: they came or went meanwhile, or had not changed. */
  readonly others: number;
  /** How many came that the API never had. */
  readonly strangers: number;
  /** How many came again. */
  readonly again: number;
};

export type Tally = {
  /** Takes the key of a record that was delivered; gives its index, or `undefined` if the API never had it. */
  readonly take: (key: string) => number | undefined;
  readonly truth: () => Truth;
};

/** Counts what a sync of a stream delivers against what the API has. */
export function tallyOf(
  { client: { connector }, streams }: Model,
  name: string,
  trouble: Trouble,
  receipt: Pick<Receipt, 'mode' | 'watermark'>,
): Tally {
  const [stream, held] = [connector.streams[name], streams.find((one) => one.name === name)];
  if (stream === undefined || held === undefined) throw new SimulatorRefusal(`There is no stream "${name}".`);
  const { count, record } = held.records;
  const isDue = dueOf(held, since(stream, receipt), trouble);
  const key = (index: number) => keyOf(stream, stream.schema.parse(record(index)));
  const indexes = new Map(Array.from({ length: count }, (_, index) => [key(index), index]));
  const came = new Uint8Array(count);
  let [strangers, again] = [0, 0];
  return {
    take(key) {
      const index = indexes.get(key);
      if (index === undefined) strangers += 1;
      else if (came[index] === 1) again += 1;
      else came[index] = 1;
      return index;
    },
    truth() {
      const due = [...indexes].filter(([, index]) => isDue(index));
      const lost = due.flatMap(([key, index]) => (came[index] === 1 ? [] : [key]));
      const all = came.reduce((sum, one) => sum + one, 0);
      const found = due.length - lost.length;
      return { there: due.length, came: found, lost, others: all - found, strangers, again };
    },
  };
}

type Stream = Model['client']['connector']['streams'][string];

/** From when on what has changed belongs into the sync, epoch milliseconds. */
const since = (stream: Stream, { mode, watermark }: Pick<Receipt, 'mode' | 'watermark'>): number =>
  mode === 'full' || watermark.before === null
    ? Number.NEGATIVE_INFINITY
    : Date.parse(watermark.before) - span(dateMark(stream.since)?.lookback ?? '0 seconds');

/** Whether the record with this index was there throughout, and changed since then. */
function dueOf(
  { parents, records }: StreamModel,
  from: number,
  { absent, vanished }: Trouble,
): (index: number) => boolean {
  const orphans = Array.from({ length: parents?.count ?? 0 }, (_, parent) => parent)
    .filter((parent) => vanished?.parent(parent))
    .flatMap((parent) => (parents === undefined ? [] : [childrenOf(parents, parent, records.count)]));
  return (index) =>
    (records.changedAt?.(index) ?? 0) >= from &&
    !orphans.some(({ low, high }) => index >= low && index < high) &&
    // Both at the beginning, and at the end.
    ![1, Number.MAX_SAFE_INTEGER].some((asked) => absent?.(index, asked));
}
