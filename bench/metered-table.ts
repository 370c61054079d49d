import type { Item, Table, Written } from '../lib/pipeline/ports.ts';

/** A table that adds up what its writes cost: a write unit for each begun KB of the item, as it is before or after, whichever is larger. */
export function meteredTable() {
  const cost = { units: 0, writes: 0, largest: new Map<string, number>() };
  const note = (sk: string, item: Item | undefined): void => {
    const size = sizeOf({ sk, ...item }) + 60;
    const kind = sk.startsWith('NODE') ? `NODE ${String(item?.kind)}` : (sk.split('#')[0] ?? sk);
    cost.largest.set(kind, Math.max(cost.largest.get(kind) ?? 0, size));
    cost.units += Math.ceil(size / 1_024);
    cost.writes += 1;
  };
  const noted = async (sk: string, written: Promise<Written<Item>>): Promise<Written<Item>> => {
    const result = await written;
    note(sk, result.item);
    return result;
  };
  const metered = (table: Table): Table => ({
    ...table,
    get: (key) => table.get(key),
    query: (...input) => table.query(...input),
    live: (value) => table.live(value),
    stalest: (value) => table.stalest(value),
    create: (key, item) => noted(key.sk, table.create(key, item)),
    update: (key, ...input) => noted(key.sk, table.update(key, ...input)),
    upsert: (key, ...input) => noted(key.sk, table.upsert(key, ...input)),
  });
  return { cost, metered };
}

const sizeOf = (item: Item): number =>
  Object.entries(item).reduce((sum, [name, value]) => sum + name.length + bytesOf(value), 0);
const bytesOf = (value: Item[string]): number =>
  value instanceof Set ? [...value].reduce((sum, each) => sum + each.length, 0) : String(value).length;
