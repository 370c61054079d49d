import type { Objects } from '../lib/pipeline/ports.ts';
import { countRepeats, type KeyedPart } from '../lib/pipeline/records/count-repeats.ts';

const EACH = 1_000;
/** Reads from one look at the memory to the next. */
const WATCHED_EVERY = 100;
/** One record in so many has the key of the one before it. */
const REPEATED = 10_000;

/** Counts the repeated keys of so many records, as the close does, and prints how long that takes and in how much memory. */
export async function countedKeys(records: number): Promise<void> {
  const parts = Array.from({ length: records / EACH }, (_, i): KeyedPart => {
    return { key: `${i}.ndjson.gz`, keys: undefined, delivered: EACH, quarantined: 0 };
  });
  let [read, most] = [0, 0];
  const objects: Objects = {
    create: async () => false,
    get: async (key) => {
      read += 1;
      if (read % WATCHED_EVERY === 0) most = Math.max(most, process.memoryUsage().arrayBuffers);
      return fingerprints(EACH * Number.parseInt(key, 10));
    },
  };
  const began = performance.now();
  const repeats = await countRepeats({ objects }, parts);
  const seconds = (performance.now() - began) / 1_000;
  if (repeats !== records / REPEATED) throw new Error(`${repeats} repeats counted, not ${records / REPEATED}.`);
  console.log(
    `keys of ${records.toLocaleString('en')} records: ${read / parts.length} pass${read === parts.length ? '' : 'es'}, ${seconds.toFixed(1)} s, at most ${(most / 1e6).toFixed(0)} MB held`,
  );
}

/** What stands for hashes: spread evenly, and the same whenever they are asked for. */
function fingerprints(from: number): Uint8Array {
  const words = new Uint32Array(2 * EACH);
  for (let i = 0; i < EACH; i++) {
    const record = (from + i) % REPEATED === 1 ? from + i - 1 : from + i;
    words[2 * i] = record;
    words[2 * i + 1] = mixed(record);
  }
  return new Uint8Array(words.buffer);
}

/** The finalizer of MurmurHash3, which changes half of the bits whatever changes. */
function mixed(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
