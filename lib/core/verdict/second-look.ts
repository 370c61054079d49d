import type { Stream } from '../connector/stream.ts';

/**
 * The second look. A total and an end prove nothing where records move between pages while these are read. So some pages are asked for again, and the keys
 * of their records are compared with those of the first reading. What is read again is decided by what was read: every worker that closes a sync decides the same.
 */

/** One reading of one page. `keys`: a fingerprint of the set of its records' keys. `look`: it was asked for again only to be compared. */
export type PageReading = {
  readonly index: number;
  readonly records: number;
  readonly keys: string;
  /** The phase of the sync that read it, from 0. */
  readonly phase: number;
  readonly look: boolean;
};

/** What a listing's second look showed so far. */
export type LookState = {
  /** Pages with records, as they count now. */
  readonly pages: readonly number[];
  /** Pages that were asked for again since the listing was last read, and those of them that differ. */
  readonly looked: readonly number[];
  readonly moved: readonly number[];
  /** Pages that were asked for again in any look, and those that differed. */
  readonly everLooked: number;
  readonly everMoved: number;
  /** All readings that were asked for beyond the first: looks and repairs. */
  readonly extra: number;
  /** The listing was read again after a look. */
  readonly repaired: boolean;
};

/** `looks`: phases that looked; a sentinel, which the first phase reads, is none. */
export function lookState(readings: readonly PageReading[]): LookState {
  const read = readings.filter(({ look }) => !look);
  const lastRead = read.reduce((last, { phase }) => Math.max(last, phase), 0);
  const current = new Map<number, PageReading>();
  for (const each of read) if ((current.get(each.index)?.phase ?? -1) <= each.phase) current.set(each.index, each);
  const fresh = readings.filter(({ look, phase }) => look && phase >= lastRead);
  const differs = ({ index, keys }: PageReading): boolean => current.get(index)?.keys !== keys;
  const byIndex = (all: readonly PageReading[]): number[] =>
    [...new Set(all.map(({ index }) => index))].sort(ascending);
  const first = new Map<number, string>();
  for (const { index, keys } of read) if (!first.has(index)) first.set(index, keys);
  const everMoved = new Set(
    readings.filter(({ look, index, keys }) => look && first.get(index) !== keys).map(({ index }) => index),
  );
  return {
    pages: byIndex([...current.values()].filter(({ records }) => records > 0)),
    // A sentinel alone is no look: it is compared once the same page is asked for at the end.
    looked: fresh.some(({ phase }) => phase > lastRead) ? byIndex(fresh) : [],
    moved: fresh.some(({ phase }) => phase > lastRead) ? byIndex(fresh.filter(differs)) : [],
    everLooked: byIndex(readings.filter(({ look, phase }) => look && phase > 0)).length,
    everMoved: everMoved.size,
    extra: readings.length - new Set(read.filter(({ phase }) => phase === 0).map(({ index }) => index)).size,
    repaired: lastRead > 0,
  };
}

const ascending = (a: number, b: number): number => a - b;

/** Of a listing of so few pages all but the last are asked for again. */
export const FEW_PAGES = 10;
/** The largest sample of a listing that states no total. */
const LARGEST_SAMPLE = 100;

/** How many of so many pages are asked for again: ⌈√N⌉ where each answer states a total, ⌈2√N⌉ where none does. */
export function sampleSize(pages: number, hasTotal: boolean): number {
  if (pages <= FEW_PAGES) return Math.max(0, pages - 1);
  return hasTotal ? Math.ceil(Math.sqrt(pages)) : Math.min(LARGEST_SAMPLE, Math.ceil(2 * Math.sqrt(pages)));
}

/**
 * The sample of a listing, evenly spread: the first page and the last full one are in it. `pages`: those with records, ascending. The last one is never asked
 * for: what is added to a listing stands there, and what vanishes from it moves nothing.
 */
export function samplePages(pages: readonly number[], hasTotal: boolean, mode: 'all' | 'sample'): number[] {
  if (mode === 'all') return pages.slice(0, -1);
  const size = sampleSize(pages.length, hasTotal);
  if (pages.length <= FEW_PAGES) return pages.slice(0, size);
  const last = pages.length - 2;
  const chosen = new Set(Array.from({ length: size }, (_, i) => Math.round((i * last) / (size - 1))));
  return [...chosen].flatMap((at) => pages[at] ?? []);
}

/**
 * The pages that are read again where a look found that records moved: all between the neighbouring pages of the sample that agree; of a chain, all from the
 * last page that agrees on. `undefined`: they are more than a busy listing is worth. All that is asked for beyond the first reading is at most as
 * much as that.
 */
export function repairPages({ pages, looked, moved, extra }: LookState, isChain: boolean): number[] | undefined {
  const agreeing = looked.filter((page) => !moved.includes(page));
  if (isChain) {
    const from = agreeing.findLast((each) => each < (moved[0] ?? 0)) ?? 0;
    const rest = pages.filter((page) => page >= from);
    return extra + rest.length + looked.length <= pages.length ? rest : undefined;
  }
  const wanted = pages.filter((page) => {
    const before = agreeing.findLast((each) => each < page);
    const after = agreeing.find((each) => each > page);
    return !agreeing.includes(page) && moved.some((each) => each > (before ?? -1) && each < (after ?? Infinity));
  });
  return extra + wanted.length + looked.length <= pages.length ? wanted : undefined;
}

/** What a listing's second look asks for next. */
export type LookStep =
  | { readonly is: 'look'; readonly pages: readonly number[] }
  /** Pages are read again and delivered; a chain is walked again from the first of them. */
  | { readonly is: 'repair'; readonly pages: readonly number[] }
  /** Nothing moved. */
  | { readonly is: 'settled' }
  | { readonly is: 'moved' }
  /** Pages could not be asked for again, or the stream forbids it. */
  | { readonly is: 'unchecked' };

export type LookRule = {
  readonly mode: 'all' | 'sample' | 'none';
  readonly hasTotal: boolean;
  readonly isChain: boolean;
  /** A look was tried in an earlier phase since the listing was last read. */
  readonly tried: boolean;
  /** Chooses the sample; by default evenly spread over this listing. */
  readonly choose?: (pages: readonly number[]) => readonly number[];
};

/** Decides what follows for a listing that nothing else speaks against. */
export function nextLookStep(state: LookState, { mode, hasTotal, isChain, tried, choose }: LookRule): LookStep {
  if (state.pages.length < 2) return { is: 'settled' };
  if (mode === 'none') return { is: 'unchecked' };
  const sample = choose?.(state.pages) ?? samplePages(state.pages, hasTotal, mode);
  if (state.looked.length === 0) {
    // What moved was read again. Records that moved on pages that no look asked for are still missing, and a sample would not show them.
    if (state.repaired && state.everMoved > 0) return { is: 'moved' };
    if (sample.length === 0) return { is: 'settled' };
    return tried ? { is: 'unchecked' } : { is: 'look', pages: sample };
  }
  if (2 * state.looked.length < sample.length) return { is: 'unchecked' };
  if (state.moved.length === 0) return { is: 'settled' };
  const pages = state.repaired ? undefined : repairPages(state, isChain);
  return pages === undefined || pages.length === 0 ? { is: 'moved' } : { is: 'repair', pages };
}

/** How a stream's listings are looked at again. */
export const lookMode = ({ secondLook = 'sample' }: Pick<Stream, 'secondLook'>): LookRule['mode'] => secondLook;

/** A number from 0 to 1 that a page always has, as its place in the tree and its index tell it: by it the pages of many small listings are sampled. */
export function pageLot(place: string, index: number): number {
  let hash = 0x811c9dc5;
  for (const sign of `${place}#${index}`) hash = Math.imul(hash ^ (sign.codePointAt(0) ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}
