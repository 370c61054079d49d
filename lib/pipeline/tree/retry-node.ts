import { bytesOf, LONGEST_CURSORS } from '../../core/bounds.ts';
import { compareEdges, pagesAround } from '../../core/listing/edges.ts';
import {
  BLOCK_PAGES,
  indexesOf,
  isCutShort,
  rangeLength,
  readRanges,
  toPageRanges,
  writeRanges,
} from '../../core/listing/listing.ts';
import { judgeListing } from '../../core/verdict/judge-listing.ts';
import { pageLot } from '../../core/verdict/second-look.ts';
import type { SyncContext } from '../invocation.ts';
import type { Item } from '../ports.ts';
import { readCursors } from '../store/page-cursors.ts';
import { isExhausted, listedSlice } from '../store/slices.ts';
import { childPath, indexOfSlice } from '../store/sync-keys.ts';
import type { Chain, Group, Listing } from '../store/sync-state.ts';
import { largeGroup, type ReadTree, readTree, type TreeListing } from './read-tree.ts';
import { tallyListing } from './tally-listing.ts';

/**
 * The pages of a listing that are asked for again. `round`: of repair, in which pages are read again that came; 0 where they did not. No page:
 * only the end is looked for again; `undefined`: nothing is.
 */
export type WantedPages = {
  readonly round: number;
  /** The share of the pages of many listings that a second look asks for. */
  readonly sample?: number;
  /** The node by which a listing is read again; `undefined`: nothing of it is. */
  readonly item: (leaf: TreeListing, place: string) => Item | undefined;
};

/** What failed. `only`: of that these pages, by their index; default all of them. */
export const failedPages = (only?: readonly number[]): WantedPages => ({
  round: 0,
  item({ node, blocks, failed }) {
    const isChosen = (page: number): boolean => only?.includes(page) ?? true;
    if (node.kind === 'chain')
      return node.ended === 'failed' && isChosen(node.step) ? chainFrom(node, node) : undefined;
    if (failed.length === 0 && !isCutShort(node)) return undefined;
    // Where the last record stands may have changed since: what follows it is looked for once more.
    const pages = failed.filter(({ node: at }) => blocks.get(at)?.first === undefined).map(({ page }) => page);
    const chosen = pages.filter(isChosen);
    return chosen.length === 0 && only !== undefined ? undefined : retryListing(node, chosen, 0);
  },
});
const FAILED = failedPages();

/**
 * The node by which a later phase reads what is missing at a place: it inherits how far its place was read, has again what failed there, and
 * goes on where it was cut short. `undefined`: nothing is missing. A pure function of a tree that no longer changes, so all who ask get the same.
 */
export function retryItemOf(tree: ReadTree, place: string, wanted: WantedPages = FAILED): Item | undefined {
  const node = tree.places.get(place);
  if (node === undefined) return undefined;
  if (node.kind === 'group') return retryGroup(node, brokenChildren(tree, place, wanted), wanted);
  const leaf = tree.leaves.get(place);
  return leaf && wanted.item(leaf, place);
}

const sliceOf = ({ from, to, of, parents, file, restarts, byKey, stray }: Group | Listing | Chain): Item =>
  present({ from, to, of, parents, file, restarts, byKey, stray });

/** An item has no place for what is absent. */
const present = (fields: Readonly<Record<string, Item[string] | undefined>>): Item =>
  Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));

/** The chain goes on from where it stood. */
const chainFrom = (
  chain: Chain,
  { step, records, cursor, remembered, seen, ties, trail, began }: Partial<Chain> & Pick<Chain, 'step'>,
): Item => ({
  kind: 'chain',
  ...sliceOf(chain),
  ...present({ step, records, cursor, remembered, seen, ties, trail, began }),
});

function retryListing(listing: Listing, wanted: readonly number[], round: number): Item {
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
  if (large === undefined) {
    const tree = await readTree(context, phase, place);
    const item = retryItemOf(tree, place, wanted);
    const leaf = tree.leaves.get(place);
    return item && leaf ? withCursors(context, leaf, item) : item;
  }
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
    ...present({ sample: wanted.sample }),
    again: writeRanges(toPageRanges(indexes, Number.POSITIVE_INFINITY)),
    exhausted: group.exhausted && !indexes.includes(0),
  };
}

/** The sample of the second look at a listing of several. */
export const sampleOf = (
  place: string,
  sample: number | undefined,
): ((pages: readonly number[]) => readonly number[]) | undefined =>
  place === '' || sample === undefined
    ? undefined
    : (pages) => pages.slice(0, -1).filter((index) => pageLot(place, index) < sample);

/**
 * What is read again of a listing whose records may have moved while it was read. Offsets: the pages around each place where neighbours do not agree. Others:
 * some pages, only to be compared; then the pages between which records moved. A listing that lacks pages anyway is not looked at again.
 */
export const pagesToCheck = (
  context: SyncContext,
  { round, sample }: { readonly round: number; readonly sample?: number | undefined },
): WantedPages => ({
  round,
  ...(sample === undefined ? {} : { sample }),
  item(leaf, place) {
    const { node } = leaf;
    const { stream } = listedSlice(context, node);
    if (node.kind === 'listing' && stream.paging.kind === 'offsets') {
      const pages = pagesMoved(leaf, node, node.size ?? stream.paging.size, round);
      return pages && retryListing(node, pages, round);
    }
    const { look } = judgeListing(stream, { ...tallyListing(leaf), again: 0 }, sampleOf(place, sample));
    if (look.is === 'look') return lookNode(node, look.pages);
    if (look.is !== 'repair') return undefined;
    if (node.kind === 'listing') return retryListing(node, look.pages, round);
    const [step = 0] = look.pages;
    return chainFrom(node, { step, records: recordsBefore(leaf, step) });
  },
});

/** Pages of a listing that are only compared with what was read of them. */
function lookNode(node: Listing | Chain, pages: readonly number[]): Item {
  const covered = node.kind === 'listing' ? node.covered : node.step;
  const size = node.kind === 'listing' ? node.size : undefined;
  return {
    kind: 'listing',
    look: true,
    opened: 0,
    ...sliceOf(node),
    ...present({ size }),
    ...{ covered, announced: covered, limited: true, told: true },
    again: writeRanges(toPageRanges(pages, BLOCK_PAGES)),
  };
}

const recordsBefore = ({ parts }: TreeListing, step: number): number => {
  const records = new Map(parts.flatMap(({ pages }) => pages.map(([index, count]) => [index, count] as const)));
  return [...records].reduce((sum, [index, count]) => (index < step ? sum + count : sum), 0);
};

/** What led to the pages of a chain that are asked for again. A page whose cursor is not known is left out. */
async function withCursors(context: SyncContext, { node, parts }: TreeListing, item: Item): Promise<Item> {
  if (node.kind !== 'chain') return item;
  const { again, step, cursor } = item;
  if (item.kind === 'chain') {
    if (cursor !== undefined || typeof step !== 'number' || step === 0) return item;
    const found = (await readCursors(context, parts, new Set([step]))).get(step);
    return found === undefined ? { ...item, step: 0, records: 0 } : { ...item, cursor: found };
  }
  if (item.look !== true || typeof again !== 'string') return item;
  const ranges = readRanges(again);
  const wanted = indexesOf(ranges, 0, rangeLength(ranges));
  const found = await readCursors(context, parts, new Set(wanted));
  const cursors: Record<string, string> = {};
  let length = 0;
  for (const [index, each] of found) {
    length += bytesOf(JSON.stringify(each)) + 20;
    if (length <= LONGEST_CURSORS) cursors[index] = each;
  }
  const known = wanted.filter((index) => index === 0 || cursors[index] !== undefined);
  return { ...item, cursors: JSON.stringify(cursors), again: writeRanges(toPageRanges(known, BLOCK_PAGES)) };
}

/** The pages around each place where neighbours of a listing by offsets do not agree. */
function pagesMoved(
  { blocks, parts, failed }: TreeListing,
  listing: Listing,
  size: number,
  round: number,
): readonly number[] | undefined {
  if (failed.length > 0 || isCutShort(listing)) return undefined;
  const pages = parts
    .flatMap((part) => part.pages)
    .map(([index, records, first, last]) => [index, records, first, last] as const);
  const tails = new Set([...blocks.values()].flatMap(({ first }) => first ?? []));
  const { broken } = compareEdges(pages, size, tails);
  if (broken.length === 0) return undefined;
  // Where only the end does not agree, it may be enough to look for it once more.
  if (round === 1 && broken.every((index) => tails.has(index))) return [];
  const others = parts.filter(({ node }) => blocks.get(node)?.first === undefined).flatMap((part) => part.pages);
  const last = others.reduce((all, [index, records]) => (records > 0 ? Math.max(all, index) : all), 0);
  return pagesAround(broken, round, last);
}
