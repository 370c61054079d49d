import type { Stream } from '../../core/connector/stream.ts';
import { sliceName } from '../../core/listing/slice.ts';
import {
  type JudgedListings,
  NO_LISTINGS,
  type SyncListing,
  withListing,
  withUnopenedSlices,
} from '../../core/verdict/completeness.ts';
import type { ListingTally } from '../../core/verdict/judge-listing.ts';
import type { SchemaChange } from '../../core/verdict/receipt.ts';
import type { Invocation, SyncContext } from '../invocation.ts';
import { countRepeats, countStandingRepeats, type KeyedPart } from '../records/count-repeats.ts';
import { type DeliveredPart, openManifest } from '../records/manifest.ts';
import { readSchemaDrift } from '../records/schema-drift.ts';
import { isExhausted, listedSlice } from '../store/slices.ts';
import type { Part, SyncState } from '../store/sync-state.ts';
import { type ReadTree, readTrees, type TreeListing } from '../tree/read-tree.ts';
import { sampleOf } from '../tree/retry-node.ts';
import { tallyListing } from '../tree/tally-listing.ts';

/** How many listings are added up at once: each may have objects to read. */
const LISTINGS_AT_ONCE = 20;

/** The sum over a sync's tree: everything its receipt says is derived from this, and from nothing else. */
export type SyncSum = {
  judged: JudgedListings;
  /** Slices were left that were not listed. */
  unopened: boolean;
  readonly requests: { sent: number; throttled: number; retried: number };
  readonly pages: { planned: number; fetched: number; failed: number };
  readonly records: { delivered: number; quarantined: number; dropped: number };
  /** Records whose key another one has, too: of the same listing, or of another window of the same parents. */
  again: number;
  /** How many records the API stated, of all listings together; `undefined` where it stated nothing of one. */
  stated: number | undefined;
  /** None of these numbers is an estimate. */
  exact: boolean;
  /** Pages that a rule of the connector took for pages: why, and how many. */
  readonly notes: Map<string, number>;
  /** Highest value of the watermark field that may become a watermark: epoch milliseconds, or a number. */
  highest: number | undefined;
  /** The latest date that lies in the future; some date names no time zone, and the stream none for it. */
  future: number | undefined;
  zoneless: boolean;
  /** What the last page of a chain gave for the next sync. */
  token: string | undefined;
};

/** Besides, once per sync: the ways in which records depart from their schema, and the list of the delivered parts, compressed. */
export type SyncTotals = Readonly<SyncSum> & {
  readonly schema: readonly SchemaChange[];
  readonly manifest: Uint8Array;
};

/** Adds up a sync's tree, some of it at a time: a hundred thousand parents take hardly more memory than a thousand. */
export async function sumSync(
  context: SyncContext,
  stream: Stream,
  { phase, sample }: Pick<SyncState, 'phase' | 'sample'>,
): Promise<SyncTotals> {
  const sum: SyncSum = {
    ...{ judged: NO_LISTINGS, unopened: false, again: 0, stated: 0, exact: true },
    requests: { sent: 0, throttled: 0, retried: 0 },
    pages: { planned: 0, fetched: 0, failed: 0 },
    records: { delivered: 0, quarantined: 0, dropped: 0 },
    notes: new Map(),
    ...{ highest: undefined, future: undefined, zoneless: false, token: undefined },
  };
  const manifest = openManifest(context.gzip, stream);
  const windows: KeyedPart[] = [];
  for await (const tree of readTrees(context, phase)) {
    addNodes(sum, tree);
    const found = await tallyAll(context, tree, sample);
    for (const each of found) addListing(sum, each);
    const own = found.filter(({ ofParents }) => !ofParents);
    await manifest.add(own.flatMap(deliveredParts));
    for (const [parents, family] of Map.groupBy(own, ({ leaf }) => leaf.node.parents)) {
      const [first, second] = family;
      if (second === undefined && first?.slice === undefined) sum.again += first?.tally.again ?? 0;
      // The windows of the whole sync may be spread over several trees; those of one parent are not.
      else if (parents === undefined) windows.push(...family.flatMap(({ leaf }) => leaf.parts.map(keyed)));
      else sum.again += await repeatsOf(context, family);
    }
  }
  sum.again += await countRepeats(context, windows);
  if (sum.unopened) sum.judged = withUnopenedSlices(sum.judged, stream);
  return { ...sum, schema: await readSchemaDrift(context), manifest: await manifest.close() };
}

type Found = SyncListing & { readonly place: string; readonly leaf: TreeListing };

function addNodes(sum: SyncSum, { nodes, places }: ReadTree): void {
  for (const { requests, throttled, retried } of nodes.values()) {
    sum.requests.sent += requests;
    sum.requests.throttled += throttled;
    sum.requests.retried += retried;
  }
  for (const node of places.values()) sum.unopened ||= node.kind === 'group' && !isExhausted(node);
}

function addListing(sum: SyncSum, found: Found): void {
  const { tally, leaf, ofParents } = found;
  sum.judged = withListing(sum.judged, found);
  sum.pages.planned += tally.planned;
  // However often they were read.
  sum.pages.fetched += new Set(tally.pages.map(([index]) => index)).size;
  sum.pages.failed += tally.failed.length;
  for (const { notes } of leaf.parts)
    for (const [why, pages] of Object.entries(notes)) sum.notes.set(why, (sum.notes.get(why) ?? 0) + pages);
  if (ofParents) return;
  sum.records.delivered += tally.delivered;
  sum.records.quarantined += tally.quarantined;
  sum.records.dropped += tally.dropped;
  const stated = tally.totals?.greatest ?? tally.estimate;
  sum.stated = sum.stated === undefined || stated === undefined ? undefined : sum.stated + stated;
  sum.exact &&= tally.totals !== undefined;
  for (const { highest, future, zoneless, token, look } of leaf.parts) {
    if (future !== undefined) sum.future = Math.max(sum.future ?? future, future);
    sum.zoneless ||= zoneless;
    if (highest !== undefined) sum.highest = Math.max(sum.highest ?? highest, highest);
    if (token !== undefined && !look) sum.token = token;
  }
}

/** The listings of a tree, in the order of their places. */
async function tallyAll(context: SyncContext, { leaves }: ReadTree, sample: number | undefined): Promise<Found[]> {
  const found: Found[] = [];
  const queue = leaves.entries();
  const lane = async (): Promise<void> => {
    for (const [place, leaf] of queue) {
      const { stream, slice: whole, of } = listedSlice(context, leaf.node);
      const slice = place === '' ? undefined : sliceName(stream, whole, of);
      found.push({
        ...{ place, leaf, stream, slice, ofParents: of !== undefined, tally: await tallyLeaf(context, leaf) },
        choose: sampleOf(place, sample),
      });
    }
  };
  await Promise.all(Array.from({ length: LISTINGS_AT_ONCE }, lane));
  return found.sort((a, b) => (a.place < b.place ? -1 : 1));
}

const deliveredParts = ({ leaf, slice }: Found): DeliveredPart[] =>
  leaf.parts
    .filter(({ delivered, quarantined }) => delivered + quarantined > 0)
    .map((part) => ({ ...part, slice }))
    .sort((a, b) => firstPage(a) - firstPage(b));
const firstPage = ({ pages: [first] }: Part): number => first?.[0] ?? 0;

const keyed = ({ key, keys, delivered, quarantined }: Part): KeyedPart => ({ key, keys, delivered, quarantined });

async function repeatsOf(invocation: Invocation, family: readonly Found[]): Promise<number> {
  const [first, second] = family;
  if (second === undefined) return first?.tally.again ?? 0;
  return countRepeats(
    invocation,
    family.flatMap(({ leaf }) => leaf.parts),
  );
}

async function tallyLeaf(context: SyncContext, leaf: TreeListing): Promise<ListingTally> {
  const tally = { ...tallyListing(leaf), again: await countRepeats(context, leaf.parts) };
  const { stream } = listedSlice(context, leaf.node);
  const isReadAgain = tally.readings.some(({ phase }) => phase > 0);
  if (stream.paging.kind !== 'offsets' || !isReadAgain || tally.again === 0) return tally;
  return { ...tally, standing: await countStandingRepeats(context, leaf.parts) };
}
