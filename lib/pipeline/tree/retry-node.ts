import { compareEdges, pagesAround } from '../../core/listing/edges.ts';
import { BLOCK_PAGES, isCutShort, toPageRanges, writeRanges } from '../../core/listing/listing.ts';
import type { SyncContext } from '../invocation.ts';
import type { Item } from '../ports.ts';
import { isExhausted, listedSlice } from '../store/slices.ts';
import { childPath, indexOfSlice } from '../store/sync-keys.ts';
import type { Chain, Group, Listing } from '../store/sync-state.ts';
import { largeGroup, type ReadTree, readTree, type TreeListing } from './read-tree.ts';

/**
 * The pages of a listing that are asked for again. `round`: of repair, in which pages are read again that came; 0 where they did not. No page:
 * only the end is looked for again; `undefined`: nothing is.
 */
export type WantedPages = {
  readonly round: number;
  readonly pages: (listing: Listing, leaf: TreeListing) => readonly number[] | undefined;
};

const FAILED: WantedPages = {
  round: 0,
  // Where the last record stands may have changed since: what follows it is looked for anew.
  pages: (listing, { blocks, failed }) =>
    failed.length > 0 || isCutShort(listing)
      ? failed.filter(({ node }) => blocks.get(node)?.first === undefined).map(({ page }) => page)
      : undefined,
};

/**
 * The node by which a later phase reads what is missing at a place: it inherits how far its place was read, has again what failed there, and
 * goes on where it was cut short. `undefined`: nothing is missing. A pure function of a tree that no longer changes, so all who ask get the same.
 */
export function retryItemOf(tree: ReadTree, place: string, wanted: WantedPages = FAILED): Item | undefined {
  const node = tree.places.get(place);
  if (node === undefined) return undefined;
  if (node.kind === 'group') return retryGroup(node, brokenChildren(tree, place, wanted), wanted);
  const leaf = tree.leaves.get(place);
  if (leaf === undefined) return undefined;
  if (node.kind === 'chain') return wanted.round === 0 ? retryChain(node) : undefined;
  return retryListing(node, leaf, wanted);
}

const sliceOf = ({ from, to, of, parents, restarts, byKey, stray }: Group | Listing | Chain): Item =>
  present({ from, to, of, parents, restarts, byKey, stray });

/** An item has no place for what is absent. */
const present = (fields: Readonly<Record<string, Item[string] | undefined>>): Item =>
  Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));

function retryChain(chain: Chain): Item | undefined {
  if (chain.ended !== 'failed') return undefined;
  const { step, records, cursor, remembered, seen, ties, began } = chain;
  return { kind: 'chain', ...sliceOf(chain), ...present({ step, records, cursor, remembered, seen, ties, began }) };
}

function retryListing(listing: Listing, leaf: TreeListing, { round, pages }: WantedPages): Item | undefined {
  const wanted = pages(listing, leaf);
  if (wanted === undefined) return undefined;
  const { covered, announced, limited, told, size } = listing;
  // What moved may have moved the end: it is looked for again.
  const { filled, end } = round === 0 || wanted.length === 0 ? listing : {};
  const { proven } = round === 0 ? listing : {};
  const again = writeRanges(toPageRanges(wanted, BLOCK_PAGES));
  return {
    kind: 'listing',
    opened: 0,
    ...sliceOf(listing),
    ...present({ covered, announced, filled, limited, told, size, end, proven, again }),
  };
}

/** The same of a place in a tree that may be too large to be read whole. */
export async function retryItemAt(
  context: SyncContext,
  phase: number,
  place: string,
  wanted: WantedPages = FAILED,
): Promise<Item | undefined> {
  const large = await largeGroup(context, phase, place);
  if (large === undefined) return retryItemOf(await readTree(context, phase, place), place, wanted);
  const first = await retryItemAt(context, phase, large.first, wanted);
  const broken = first === undefined ? [] : [0];
  for await (const tree of large.others()) broken.push(...brokenChildren(tree, place, wanted));
  return retryGroup(large.node, broken, wanted);
}

/** The children in which something is missing, by their numbers. */
function brokenChildren(tree: ReadTree, place: string, wanted: WantedPages): number[] {
  const children = tree.children.get(place) ?? [];
  const broken = children.filter((name) => retryItemOf(tree, childPath(place, name), wanted) !== undefined);
  return broken.flatMap((name) => indexOfSlice(name) ?? []);
}

/** A group has again the children where something is missing; if the one that finds the parents is among them, more may be found. */
function retryGroup(group: Group, indexes: readonly number[], wanted: WantedPages): Item | undefined {
  if (indexes.length === 0 && isExhausted(group)) return undefined;
  const { opened, over, width, after, line } = group;
  return {
    kind: 'group',
    ...sliceOf(group),
    ...{ opened, over, width, after, line, redone: 0, repair: wanted.round },
    again: writeRanges(toPageRanges(indexes, Number.POSITIVE_INFINITY)),
    exhausted: group.exhausted && !indexes.includes(0),
  };
}

/** The pages around each place where neighbours do not agree, for a round of repair. A listing that lacks pages anyway is not repaired. */
export const movedPages = (context: SyncContext, round: number): WantedPages => ({
  round,
  pages(listing, { blocks, parts, failed }) {
    const { paging } = listedSlice(context, listing).stream;
    if (paging.kind !== 'offsets' || failed.length > 0 || isCutShort(listing)) return undefined;
    const pages = parts.flatMap((part) => part.pages);
    const tails = new Set([...blocks.values()].flatMap(({ first }) => first ?? []));
    const { broken } = compareEdges(pages, listing.size ?? paging.size, tails);
    if (broken.length === 0) return undefined;
    // Where only the end does not agree, it may be enough to look for it anew.
    if (round === 1 && broken.every((index) => tails.has(index))) return [];
    const others = parts.filter(({ node }) => blocks.get(node)?.first === undefined).flatMap((part) => part.pages);
    const last = others.reduce((all, [index, records]) => (records > 0 ? Math.max(all, index) : all), 0);
    return pagesAround(broken, round, last);
  },
});
