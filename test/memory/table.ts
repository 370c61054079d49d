import { refuseChange, refuseClauses, refuseItem } from '../../lib/aws/refusals.ts';
import type { Change, Clause, Item, Key, Table, Value, Written } from '../../lib/pipeline/ports.ts';

/** Limits of DynamoDB, in bytes (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html). */
const MAX_PARTITION_KEY = 2_048;
const MAX_SORT_KEY = 1_024;
const MAX_ITEM = 400 * 1_024;

/** A table in memory. Each write takes place at once, so writes that race are decided in the order of their calls. */
export function memoryTable(): Table {
  const partitions = new Map<string, Map<string, Item>>();
  const find = ({ pk, sk }: Key): Item | undefined => partitions.get(pk)?.get(sk);

  function put(key: Key, item: Item): void {
    refuseSize(key, item);
    const partition = partitions.get(key.pk) ?? new Map<string, Item>();
    partitions.set(key.pk, partition.set(key.sk, copy(item)));
  }

  async function write(
    key: Key,
    change: Change,
    when: readonly Clause[],
    guard: readonly Clause[],
  ): Promise<Written<Item>> {
    refuseChange(change);
    refuseClauses(when);
    const old = find(key);
    const whole: Item = old === undefined ? {} : { ...old, ...key };
    if (![...guard, ...when].every((clause) => holds(clause, whole))) return { ok: false, item: old && copy(old) };
    const item = changed(old ?? {}, change);
    put(key, item);
    return { ok: true, item: copy(item) };
  }

  return {
    async get(key) {
      const item = find(key);
      return item && copy(item);
    },
    async create(key, item) {
      refuseItem(item);
      const old = find(key);
      if (old !== undefined) return { ok: false, item: copy(old) };
      put(key, item);
      return { ok: true, item: copy(item) };
    },
    update: (key, change, when = []) => write(key, change, when, [{ present: 'pk' }]),
    upsert: (key, change, when = []) => write(key, change, when, []),
    async *query(pk, prefix, after = '') {
      const partition = partitions.get(pk) ?? new Map<string, Item>();
      const wanted = [...partition.keys()].filter((sk) => sk.startsWith(prefix) && order(sk, after) > 0);
      for (const sk of wanted.sort(order)) yield { ...copy(partition.get(sk) ?? {}), pk, sk };
    },
    /** Like an index that projects nothing but keys. */
    async *live(value) {
      for (const [pk, partition] of partitions) {
        for (const [sk, { live }] of partition) if (live === value) yield { pk, sk, live };
      }
    },
    async *stalest(value) {
      const found = [...partitions].flatMap(([pk, partition]) =>
        [...partition].flatMap(([sk, { fresh, freshAt }]) =>
          fresh === value && typeof freshAt === 'number' ? { pk, sk, freshAt } : [],
        ),
      );
      yield* found.sort((a, b) => a.freshAt - b.freshAt);
    },
  };
}

const copy = (item: Item): Item =>
  Object.fromEntries(Object.entries(item).map(([name, value]) => [name, isSet(value) ? new Set(value) : value]));

const isSet = (value: Value | undefined): value is ReadonlySet<string> => value instanceof Set;

/** Text is ordered by its bytes in UTF-8, not, as JavaScript does it, by its UTF-16 units. */
const order = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

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
