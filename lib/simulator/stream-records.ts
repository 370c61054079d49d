import type { Raw, Stream } from '../core/connector/connector.ts';
import { type DateMark, dateMark } from '../core/connector/since.ts';
import { parseInstant } from '../core/dates.ts';
import { BETWEEN_CHANGES, FIRST_CHANGE, recordDates, roundedDown } from './dates.ts';
import { LEAST_PARENTS } from './probed.ts';
import { type Maker, type Recipe, recordMaker } from './records.ts';
import { SimulatorRefusal } from './refusal.ts';

/** What the simulated API holds of one stream: `count` records, oldest change first. None of them is kept: each is made when asked for. */
export type StreamRecords = {
  readonly count: number;
  /** The record with this index, from 0 to `count` - 1, as the API sends it. */
  readonly record: Maker;
  /** A record of the same schema in which nothing optional is missing. */
  readonly complete: Maker;
  /** When it was changed, in epoch milliseconds as its own field tells it; `undefined` without `since`. */
  readonly changedAt: ((index: number) => number) | undefined;
};

/** `picks`: what other streams pick of these records, to list by it. */
export type RecordsOptions = {
  readonly seed: number;
  readonly count: number;
  readonly picks: readonly ((record: Raw) => unknown)[];
};

/** Makes a stream's records and proves on a sample that they fit its schema, differ by key, and carry their dates. */
export function streamRecords(stream: Stream, name: string, options: RecordsOptions): StreamRecords {
  const { seed, count, picks } = options;
  const { schema } = stream;
  const since = dateMark(stream.since);
  const own = typeof stream.key === 'string' ? [stream.key] : stream.key;
  const least = { label: name, seed, count: Math.max(count, picks.length > 0 ? LEAST_PARENTS : 1), keys: own };
  const picked = picks.flatMap((pick) => pathsRead(pick, recordMaker(schema, { ...least, complete: true })(0)));
  const recipe = { ...least, keys: [...own, ...picked.map((path) => path.slice(1))] };
  const complete = recordMaker(schema, { ...recipe, complete: true });
  const dated = since === undefined ? undefined : datedRecords(stream, since, recipe, complete(0));
  const record = dated?.record ?? recordMaker(schema, recipe);
  verify(stream, own, record, sampleOf(count));
  return { count, record, complete, changedAt: dated?.changedAt };
}

/** Indexes that stand for all: the first ones, some far out, the last ones. */
export function sampleOf(count: number): readonly number[] {
  const near = Array.from({ length: 32 }, (_, index) => index);
  const far = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent).flatMap((power) => [power - 1, power]);
  const last = near.map((index) => count - 1 - index);
  const sample = new Set([...near, ...far, ...last].filter((index) => index >= 0 && index < Math.max(count, 1)));
  return [...sample].sort((a, b) => a - b);
}

function verify({ schema }: Stream, keys: readonly string[], record: Maker, sample: readonly number[]): void {
  const seen = new Set<string>();
  for (const index of sample) {
    const parsed = schema.safeParse(record(index));
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new SimulatorRefusal(
        `the simulator cannot make records for its "schema": at "${issue?.path.join('/')}", ${issue?.message}.`,
      );
    }
    const key = JSON.stringify(keys.map((field) => parsed.data[field]));
    if (seen.has(key)) {
      throw new SimulatorRefusal(`the simulator cannot make records whose "key" differs: ${key} came twice.`);
    }
    seen.add(key);
  }
}

/** The third one changed on another day, at an odd time: a form that loses more than it says is found out. */
const DATED_SAMPLE = [0, 1, 54_321];

type Since = DateMark<Raw>;
type Dated = { readonly record: Maker; readonly changedAt: (index: number) => number };

/** Looks for the field that `since.field` reads, and for a way to write a date there that both it and the schema accept. */
function datedRecords({ schema }: Stream, since: Since, recipe: Recipe, complete: unknown): Dated {
  const start = Math.max(FIRST_CHANGE, parseInstant(since.start) ?? 0);
  const date = (index: number) => start + index * BETWEEN_CHANGES;
  for (const path of pathsRead(since.field, complete)) {
    for (const { value, resolution } of recordDates) {
      const record = recordMaker(schema, { ...recipe, pin: { path, maker: (index) => value(date(index)) } });
      const changedAt = (index: number) => roundedDown(date(index), resolution);
      const isRead = DATED_SAMPLE.every(
        (index) => schema.safeParse(record(index)).success && told(since.field, record(index)) === changedAt(index),
      );
      if (isRead) return { record, changedAt };
    }
  }
  throw new SimulatorRefusal(
    'the simulator finds no field that it could set so that "since.field" gives the date it should. Read one field of the record, as it is.',
  );
}

function told(field: Since['field'], record: unknown): number | undefined {
  try {
    return parseInstant(field(record));
  } catch {
    return undefined;
  }
}

/** Paths of the plain values that the function reads in the record, in the order in which it reads them. */
function pathsRead(read: (record: unknown) => unknown, record: unknown): readonly string[] {
  const paths = new Set<string>();
  const watch = (value: object, path: string): object =>
    new Proxy(value, {
      get: (target, name) => {
        const found: unknown = Reflect.get(target, name);
        if (typeof name !== 'string') return found;
        if (typeof found === 'object' && found !== null) return watch(found, `${path}/${name}`);
        if (Object.hasOwn(target, name)) paths.add(`${path}/${name}`);
        return found;
      },
    });
  try {
    if (typeof record === 'object' && record !== null) read(watch(record, ''));
  } catch {
    // What it read before it failed is still worth trying.
  }
  return [...paths];
}
