import { AsyncLocalStorage } from 'node:async_hooks';
import { assertChange, assertItem, refuseClauses, WRITE_ID } from '../../lib/aws/refusals.ts';
import type { Change, Clause, Item, Key, Table, Value, Written } from '../../lib/pipeline/ports.ts';

/** Limits of DynamoDB, in bytes (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html). */
const MAX_PARTITION_KEY = 2_048;
const MAX_SORT_KEY = 1_024;
const MAX_ITEM = 400 * 1_024;

let calls = 0;
const newWriteId = (): string => `w${calls++}`;
/** The id of a write that is sent twice. */
const repeated = new AsyncLocalStorage<string>();
const writeId = (): string => repeated.getStore() ?? newWriteId();

/** Makes a call with one write whose first answer is lost, so that the SDK sends it a second time; gives the second answer. */
export const sendTwice = <T>(call: () => Promise<T>): Promise<T> => repeated.run(newWriteId(), () => call().then(call));

/** A table in memory. Each write takes place at once, so writes that race are decided in the order of their calls. */
export function memoryTable(): Table {
  const partitions = new Map<string, Partition>();
  const find = ({ pk, sk }: Key): Item | undefined => partitions.get(pk)?.items.get(sk);

  function put(key: Key, item: Item): void {
    refuseSize(key, item);
    const { items, sorted } = partitions.get(key.pk) ?? { items: new Map<string, Item>(), sorted: [] };
    if (!items.has(key.sk)) sorted.splice(placeOf(sorted, key.sk), 0, key.sk);
    items.set(key.sk, { ...item });
    partitions.set(key.pk, { items, sorted });
  }

  async function write(
    key: Key,
    change: Change,
    when: readonly Clause[],
    guard: readonly Clause[],
  ): Promise<Written<Item>> {
    assertChange(change);
    refuseClauses(when);
    const old = find(key);
    const id = writeId();
    if (old?.[WRITE_ID] === id) return { ok: true, item: copy(old) };
    const whole: Item = old === undefined ? {} : { ...old, ...key };
    if (![...guard, ...when].every((clause) => holds(clause, whole))) return { ok: false, item: old && copy(old) };
    const item = changed(old ?? {}, change);
    put(key, { ...item, [WRITE_ID]: id });
    return { ok: true, item: copy(item) };
  }

  return {
    async get(key) {
      const item = find(key);
      return item && copy(item);
    },
    async create(key, item) {
      assertItem(item);
      const old = find(key);
      const id = writeId();
      if (old !== undefined) return { ok: old[WRITE_ID] === id, item: copy(old) };
      put(key, { ...item, [WRITE_ID]: id });
      return { ok: true, item: copy(item) };
    },
    update: (key, change, when = []) => write(key, change, when, [{ present: 'pk' }]),
    upsert: (key, change, when = []) => write(key, change, when, []),
    async *query(pk, prefix, after = '') {
      const { items, sorted } = partitions.get(pk) ?? { items: new Map<string, Item>(), sorted: [] };
      const wanted: string[] = [];
      for (let at = placeOf(sorted, prefix); sorted[at]?.startsWith(prefix); at++) wanted.push(sorted[at] ?? '');
      for (const sk of wanted) if (order(sk, after) > 0) yield { ...copy(items.get(sk) ?? {}), pk, sk };
    },
    /** Like an index that projects nothing but keys. */
    async *live(value) {
      for (const [pk, { items }] of partitions) {
        for (const [sk, { live }] of items) if (live === value) yield { pk, sk, live };
      }
    },
    async *stalest(value) {
      const found = [...partitions].flatMap(([pk, { items }]) =>
        [...items].flatMap(([sk, { fresh, freshAt }]) =>
          fresh === value && typeof freshAt === 'number' ? { pk, sk, freshAt } : [],
        ),
      );
      yield* found.sort((a, b) => a.freshAt - b.freshAt);
    },
  };
}

/** An item as its callers wrote it. */
const copy = ({ [WRITE_ID]: _id, ...item }: Item): Item =>
  Object.fromEntries(Object.entries(item).map(([name, value]) => [name, isSet(value) ? new Set(value) : value]));

const isSet = (value: Value | undefined): value is ReadonlySet<string> => value instanceof Set;

/** Items by sort key, and the sort keys in their order. No item is ever removed. */
type Partition = { readonly items: Map<string, Item>; readonly sorted: string[] };

/** Where a sort key stands, or would. */
function placeOf(sorted: readonly string[], sk: string): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (order(sorted[middle] ?? '', sk) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Text is ordered by its bytes in UTF-8. That is how JavaScript orders it, unless there are surrogates. */
function order(a: string, b: string): number {
  if (SURROGATE.test(a) || SURROGATE.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : a > b ? 1 : 0;
}
const SURROGATE = /[\ud800-\udfff]/;

function holds(clause: Clause, item: Item): boolean {
  if ('absent' in clause) return item[clause.absent] === undefined;
  if ('present' in clause) return item[clause.present] !== undefined;
  if ('equal' in clause) return item[clause.equal[0]] === clause.equal[1];
  if ('less' in clause) return compared(item[clause.less[0]], clause.less[1]) < 0;
  if ('greater' in clause) return compared(item[clause.greater[0]], clause.greater[1]) > 0;
  if ('either' in clause) return clause.either.some((one) => holds(one, item));
  const [name, element] = clause.contains;
  const value = item[name];
  // DynamoDB looks into text as well: for a piece of it.
  return isSet(value) ? value.has(element) : typeof value === 'string' && value.includes(element);
}

/** Below 0, 0 or above it as an attribute is less than, equal to or greater than a value; `NaN`, for neither, if they cannot be compared. */
function compared(attribute: Value | undefined, value: string | number): number {
  if (typeof attribute === 'number' && typeof value === 'number') return attribute - value;
  if (typeof attribute === 'string' && typeof value === 'string') return order(attribute, value);
  return Number.NaN;
}

function changed(item: Item, { set = {}, remove = [], add = {}, delete: taken = {} }: Change): Item {
  const next = new Map(Object.entries({ ...item, ...set }));
  for (const name of remove) next.delete(name);
  for (const [name, operand] of Object.entries(add)) next.set(name, sum(name, next.get(name), operand));
  for (const [name, operand] of Object.entries(taken)) {
    const left = difference(name, next.get(name), operand);
    if (left.size > 0) next.set(name, left);
    else next.delete(name);
  }
  return Object.fromEntries(next);
}

function sum(name: string, value: Value | undefined, operand: number | ReadonlySet<string>): Value {
  if (typeof operand === 'number') {
    if (value === undefined || typeof value === 'number') return (value ?? 0) + operand;
  } else if (value === undefined || isSet(value)) return operand.union(value ?? new Set());
  throw new Error(`"${name}" is of another type than what is added to it.`);
}

function difference(name: string, value: Value | undefined, operand: ReadonlySet<string>): ReadonlySet<string> {
  if (value === undefined || isSet(value)) return new Set(value).difference(operand);
  throw new Error(`"${name}" is no set.`);
}

function refuseSize({ pk, sk }: Key, item: Item): void {
  for (const [key, limit] of [
    [pk, MAX_PARTITION_KEY],
    [sk, MAX_SORT_KEY],
  ] as const) {
    const size = Buffer.byteLength(key);
    if (size === 0 || size > limit) throw new Error(`A key of ${size} bytes: it has 1 to ${limit}.`);
  }
  const size = sizeOf({ ...item, pk, sk });
  if (size > MAX_ITEM) throw new Error(`An item of ${size} bytes: it has at most ${MAX_ITEM}.`);
}

const sizeOf = (item: Item): number =>
  Object.entries(item).reduce((size, [name, value]) => size + Buffer.byteLength(name) + bytesOf(value), 0);

function bytesOf(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'boolean') return 1;
  if (typeof value === 'number') return 1 + Math.ceil(String(value).length / 2);
  return [...value].reduce((size, element) => size + Buffer.byteLength(element), 0);
}
