import type { Invocation } from '../invocation.ts';
import type { PageEntry, Part } from '../store/sync-state.ts';
import { KEY_BYTES, partKeysKey } from './store-part.ts';

/** What counting needs of a part. */
export type KeyedPart = Pick<Part, 'key' | 'keys' | 'delivered' | 'quarantined'>;

/** At most so many of them are held at once: 64 MB. */
const AT_ONCE = 8 * 1_024 * 1_024;
/** How many objects of them are read at once. */
const READ_AT_ONCE = 20;

/**
 * How many records of some parts have a key that another one of them has, by the fingerprints that each part keeps. What does not fit into memory is
 * counted in several passes, each over one range of fingerprints: they are spread evenly, as all hashes are. `atOnce`: how many are held. `pick`: those of a
 * part's fingerprints that count.
 */
export async function countRepeats(
  invocation: Pick<Invocation, 'objects'>,
  parts: readonly KeyedPart[],
  atOnce = AT_ONCE,
  pick: (part: KeyedPart, keys: Buffer) => Buffer = (_, keys) => keys,
): Promise<number> {
  const count = parts.reduce((all, { delivered, quarantined }) => all + delivered + quarantined, 0);
  if (count < 2) return 0;
  // Where there are several ranges, none has exactly its share.
  const passes = count <= atOnce ? 1 : Math.ceil((1.25 * count) / atOnce);
  const range = openRange(passes === 1 ? count : atOnce);
  let repeats = 0;
  for (let pass = 0; pass < passes; pass++) {
    await forEachPart(parts, async (part) => {
      const keys = pick(part, await keysOfPart(invocation, part));
      for (let at = 0; at < keys.length; at += KEY_BYTES) {
        const high = keys.readUInt32LE(at + 4);
        if (Math.floor((high * passes) / 2 ** 32) === pass) range.add(keys.readUInt32LE(at), high);
      }
    });
    repeats += range.close();
  }
  return repeats;
}

/**
 * The same of a listing by offsets of which pages were read again: only the last reading of each page counts. `undefined`: which of a part's keys are of which
 * page cannot be told, because some of its records are quarantined.
 */
export async function countStandingRepeats(
  invocation: Pick<Invocation, 'objects'>,
  parts: readonly Part[],
): Promise<number | undefined> {
  if (parts.some((part) => part.quarantined > 0)) return undefined;
  const standing = new Map(parts.flatMap((part) => part.pages.map(([index]) => [index, part] as const)));
  const counts = new Map(parts.map((part) => [part.key, part.pages.map(ownRecords)]));
  if (parts.some(({ key, delivered }) => counts.get(key)?.reduce((sum, count) => sum + count, 0) !== delivered))
    return undefined;
  const byKey = new Map(parts.map((part) => [part.key, part]));
  return countRepeats(invocation, parts, AT_ONCE, ({ key }, keys) => {
    const part = byKey.get(key);
    let from = 0;
    const chosen = (part?.pages ?? []).flatMap((page) => {
      const to = from + KEY_BYTES * ownRecords(page);
      const own = standing.get(page[0]) === part ? [keys.subarray(from, to)] : [];
      from = to;
      return own;
    });
    return Buffer.concat(chosen);
  });
}

/** The first record of a page by offsets is the last one of the page before. */
const ownRecords = ([index, records]: PageEntry): number => Math.max(0, index > 0 ? records - 1 : records);

/** The fingerprints of one pass, and then of the next. Where one repeats so often that they do not fit, its repeats are counted and dropped on the way. */
function openRange(room: number) {
  const held = new BigUint64Array(room);
  /** The same, without a bigint for each. */
  const words = new Uint32Array(held.buffer);
  let [filled, repeated] = [0, 0];
  function put(at: number, low: number, high: number): void {
    words[2 * at] = low;
    words[2 * at + 1] = high;
  }
  function tidy(): void {
    held.subarray(0, filled).sort();
    let distinct = 0;
    for (let at = 0; at < filled; at++) {
      const [low = 0, high = 0] = [words[2 * at], words[2 * at + 1]];
      if (distinct > 0 && words[2 * distinct - 2] === low && words[2 * distinct - 1] === high) repeated += 1;
      else put(distinct++, low, high);
    }
    filled = distinct;
  }
  return {
    add(low: number, high: number): void {
      if (filled === room) tidy();
      if (filled === room) throw new Error(`More than ${room} keys differ in one range of their fingerprints.`);
      put(filled++, low, high);
    },
    /** How many were repeated; the next range begins. */
    close(): number {
      tidy();
      const found = repeated;
      [filled, repeated] = [0, 0];
      return found;
    },
  };
}

async function keysOfPart(
  { objects }: Pick<Invocation, 'objects'>,
  { key, keys, delivered, quarantined }: KeyedPart,
): Promise<Buffer> {
  const stored = keys === undefined ? await objects.get(partKeysKey(key)) : Buffer.from(keys, 'base64');
  if (stored === undefined || stored.byteLength < KEY_BYTES * delivered)
    throw new Error(`The key fingerprints beside ${key} do not match its ${delivered} records.`);
  // Those of the quarantined records come last: where these were mapped again, they are another part's.
  const length = Math.min(stored.byteLength, KEY_BYTES * (delivered + quarantined));
  return Buffer.from(stored.buffer, stored.byteOffset, length);
}

/** Does something with each of many parts, a bounded number at once. */
async function forEachPart(parts: readonly KeyedPart[], work: (part: KeyedPart) => Promise<void>): Promise<void> {
  const queue = parts.values();
  const lane = async (): Promise<void> => {
    for (const part of queue) if (part.delivered + part.quarantined > 0) await work(part);
  };
  await Promise.all(Array.from({ length: Math.min(READ_AT_ONCE, parts.length) }, lane));
}
