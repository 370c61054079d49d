import type { Random } from '../../lib/pipeline/ports.ts';

/** The same seed, the same sequence: a schedule that broke something can be run again. Ids are unique to a seed. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  let ids = 0;
  return {
    /** Mulberry32, by Tommy Ettinger: 32 bits of state, all of them used. */
    number() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
    id: () => `s${seed >>> 0}n${ids++}`,
  };
}
