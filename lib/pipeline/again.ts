import { BLOCK_PAGES, isCutShort, runs, writeRanges } from '../core/listing.ts';
import type { Item } from './ports.ts';
import type { Leaf, ReadTree } from './read-tree.ts';
import { isExhausted } from './slices.ts';
import { type Chain, childPath, type Group, indexOfSlice, type Listing } from './sync-state.ts';

/**
 * The node by which a later phase reads what is missing at a place: it inherits how far its place was read, has again what failed there, and
 * goes on where it was cut short. `undefined`: nothing is missing. A pure function of a tree that no longer changes, so all who ask get the same.
 */
export function againNode(tree: ReadTree, place: string): Item | undefined {
  const node = tree.places.get(place);
  if (node === undefined) return undefined;
  if (node.kind === 'group') return againGroup(tree, place, node);
  const leaf = tree.leaves.get(place);
  if (leaf === undefined) return undefined;
  return node.kind === 'chain' ? againChain(node) : againListing(node, leaf);
}

const sliceOf = ({ from, to, of, parents }: Group | Listing | Chain): Item => present({ from, to, of, parents });

/** An item has no place for what is absent. */
const present = (fields: Readonly<Record<string, Item[string] | undefined>>): Item =>
  Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));

function againChain(chain: Chain): Item | undefined {
  if (chain.ended !== 'failed') return undefined;
  const { step, cursor, remembered } = chain;
  return { kind: 'chain', ...sliceOf(chain), ...present({ step, cursor, remembered }) };
}

function againListing(listing: Listing, { failed }: Leaf): Item | undefined {
  if (failed.length === 0 && !isCutShort(listing)) return undefined;
  const { covered, announced, end } = listing;
  const again = writeRanges(
    runs(
      failed.map(({ page }) => page),
      BLOCK_PAGES,
    ),
  );
  return { kind: 'listing', opened: 0, ...sliceOf(listing), ...present({ covered, announced, end, again }) };
}

/** A group has again the children where something is missing; if the one that finds the parents is among them, more may be found. */
function againGroup(tree: ReadTree, place: string, group: Group): Item | undefined {
  const children = tree.children.get(place) ?? [];
  const broken = children.filter((name) => againNode(tree, childPath(place, name)) !== undefined);
  if (broken.length === 0 && isExhausted(group)) return undefined;
  const indexes = broken.flatMap((name) => indexOfSlice(name) ?? []);
  const { opened, over, width, after, line } = group;
  return {
    kind: 'group',
    ...sliceOf(group),
    ...{ opened, over, width, after, line, redone: 0 },
    again: writeRanges(runs(indexes, Number.POSITIVE_INFINITY)),
    exhausted: group.exhausted && !indexes.includes(0),
  };
}
