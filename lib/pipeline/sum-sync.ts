import type { SyncListing, Tally } from '../core/completeness.ts';
import { isCutShort } from '../core/listing.ts';
import type { SchemaChange } from '../core/receipt.ts';
import { sliceName } from '../core/slice.ts';
import type { SyncRef } from '../core/tasks.ts';
import { readDrift } from './drift.ts';
import type { Invocation } from './invocation.ts';
import { type Leaf, readTree } from './read-tree.ts';
import { isExhausted, listed } from './slices.ts';
import { keysOf } from './store-part.ts';
import type { Part } from './sync-state.ts';

/** How many objects of key fingerprints are read at once. */
const READ_AT_ONCE = 20;

/** The sum over a sync's tree: everything its receipt says is derived from this, and from nothing else. */
export type Sum = {
  readonly listings: readonly (SyncListing & { readonly of: string | undefined })[];
  /** Slices were left that nobody listed. */
  readonly unopened: boolean;
  readonly requests: { readonly sent: number; readonly throttled: number; readonly retried: number };
  /** The parts that are delivered, in the order of their slices and pages. */
  readonly parts: readonly DeliveredPart[];
  readonly schema: readonly SchemaChange[];
  /** Highest value of the watermark field, and the API's clock at its first answer: epoch milliseconds. */
  readonly highest: number | undefined;
  readonly firstAnswered: number | undefined;
};

export type DeliveredPart = Part & { readonly slice: string | undefined };

export async function sumSync(invocation: Invocation, ref: SyncRef, phase: number): Promise<Sum> {
  const { nodes, places, leaves } = await readTree(invocation, ref, phase);
  const listings: Sum['listings'][number][] = [];
  const parts: (DeliveredPart & { readonly place: string })[] = [];
  await Promise.all(
    lanes(leaves, async ([place, leaf]) => {
      const { stream, slice: whole, of } = listed(invocation, ref, leaf.node);
      const slice = place === '' ? undefined : sliceName(stream, whole, of);
      listings.push({ stream, slice, of, tally: await tallyLeaf(invocation, leaf) });
      if (of === undefined) for (const part of leaf.parts) if (hasContent(part)) parts.push({ ...part, slice, place });
    }),
  );
  const all = [...nodes.values()];
  return {
    listings,
    unopened: [...places.values()].some((node) => node.kind === 'group' && !isExhausted(node)),
    requests: {
      sent: add(all, ({ requests }) => requests),
      throttled: add(all, ({ throttled }) => throttled),
      retried: add(all, ({ retried }) => retried),
    },
    parts: parts.sort((a, b) => compare(a.place, b.place) || firstPage(a) - firstPage(b)),
    schema: await readDrift(invocation, ref),
    highest: greatest(parts.flatMap(({ highest }) => highest ?? [])),
    firstAnswered: least([...leaves.values()].flatMap((leaf) => leaf.parts.map(({ answeredAt }) => answeredAt))),
  };
}

const hasContent = ({ delivered, quarantined }: Part): boolean => delivered + quarantined > 0;
const firstPage = ({ pages: [first] }: Part): number => first?.[0] ?? 0;
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

async function tallyLeaf(invocation: Invocation, { node, blocks, parts, failed }: Leaf): Promise<Tally> {
  const stated = parts.flatMap(({ leastTotal, greatestTotal }) =>
    leastTotal === undefined || greatestTotal === undefined ? [] : [leastTotal, greatestTotal],
  );
  return {
    // The parts come in the order of their phases.
    pages: parts.flatMap(({ pages, instead }) => (instead === undefined ? pages : [])),
    tails: new Set([...blocks.values()].flatMap(({ first }) => first ?? [])),
    behind: new Set(
      parts.filter(({ node }) => blocks.get(node)?.first !== undefined).flatMap(({ pages }) => pages.map(([i]) => i)),
    ),
    size: node.kind === 'listing' ? node.size : undefined,
    planned: node.kind === 'listing' ? node.covered : node.step + (node.ended === 'failed' ? 1 : 0),
    failed,
    cutShort: node.kind === 'listing' ? isCutShort(node) : node.ended === 'failed',
    delivered: add(parts, ({ delivered }) => delivered),
    quarantined: add(parts, ({ quarantined }) => quarantined),
    dropped: add(parts, ({ repeated }) => repeated),
    again: await countRepeatedKeys(invocation, parts),
    estimate: greatest(parts.flatMap(({ estimate }) => estimate ?? [])),
    totals: stated.length === 0 ? undefined : { least: Math.min(...stated), greatest: Math.max(...stated) },
  };
}

const add = <T>(all: readonly T[], count: (each: T) => number): number =>
  all.reduce((sum, each) => sum + count(each), 0);
const least = (values: readonly number[]): number | undefined =>
  values.reduce<number | undefined>((all, one) => Math.min(all ?? one, one), undefined);
const greatest = (values: readonly number[]): number | undefined =>
  values.reduce<number | undefined>((all, one) => Math.max(all ?? one, one), undefined);

/** Does something for each of many, a bounded number at once. */
function lanes<T>(all: Iterable<T>, work: (each: T) => Promise<void>): Promise<void>[] {
  const queue = Iterator.from(all);
  const lane = async (): Promise<void> => {
    for (const each of queue) await work(each);
  };
  return Array.from({ length: READ_AT_ONCE }, lane);
}

/** How many delivered records of a listing have a key that another one has: by the fingerprints that each part keeps. */
async function countRepeatedKeys({ objects }: Invocation, parts: readonly Part[]): Promise<number> {
  const keep = parts.filter(({ of, delivered }) => of === undefined && delivered > 0);
  const bytes = new Uint8Array(8 * add(keep, ({ delivered }) => delivered));
  let filled = 0;
  await Promise.all(
    lanes(keep, async ({ key, keys, delivered }) => {
      const at = filled;
      filled += 8 * delivered;
      const stored = keys === undefined ? await objects.get(keysOf(key)) : Buffer.from(keys, 'base64');
      if (stored?.byteLength !== 8 * delivered)
        throw new Error(`The key fingerprints beside ${key} do not match its ${delivered} records.`);
      bytes.set(stored, at);
    }),
  );
  const sorted = new BigUint64Array(bytes.buffer).sort();
  let again = 0;
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) again += 1;
  return again;
}
