/** Chance without state: the same parts give the same number, so record 900,000 needs none of those before it. */

/** FNV-1a (32 bits) over the parts: which draw this is. */
export function saltOf(...parts: readonly (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const unit of parts.join('\u0000')) hash = Math.imul(hash ^ (unit.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
}

/** A whole number from 0 to 2^32 - 1, evenly spread: the finaliser of MurmurHash3 over the salt and the index. */
export function draw(salt: number, index: number): number {
  let hash = salt ^ Math.imul(index + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A whole number from 0 to `below` - 1. */
export const drawBelow = (below: number, salt: number, index: number): number =>
  Math.floor((draw(salt, index) / 2 ** 32) * below);
