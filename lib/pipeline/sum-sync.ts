import { isCutShort } from '../core/listing.ts';
import type { SchemaChange, Tally } from '../core/receipt.ts';
import type { SyncRef } from '../core/tasks.ts';
import type { Invocation } from './invocation.ts';
import { keysOf } from './store-part.ts';
import {
  type Fail,
  failKey,
  failState,
  type Node,
  nodeKey,
  nodeState,
  type Part,
  partKey,
  partState,
} from './sync-state.ts';

/** How many objects of key fingerprints are read at once. */
const READ_AT_ONCE = 20;
/** How many departures from the schema a receipt names. */
const NAMED_DEPARTURES = 50;

/** The sum over a sync's tree: everything its receipt says is derived from this, and from nothing else. */
export type Sum = {
  readonly tally: Tally;
  readonly requests: { readonly sent: number; readonly throttled: number; readonly retried: number };
  /** The parts that count, in the order of their pages. */
  readonly parts: readonly Part[];
  readonly schema: readonly SchemaChange[];
  /** Highest value of the watermark field, and the API's clock at its first answer: epoch milliseconds. */
  readonly highest: number | undefined;
  readonly firstAnswered: number | undefined;
};

export async function sumSync(invocation: Invocation, ref: SyncRef): Promise<Sum> {
  const nodes = await collect(invocation, nodeKey(invocation.connector.name, ref), (item) => nodeState.parse(item));
  const all = await collect(invocation, partKey(invocation.connector.name, ref), (item) => partState.parse(item));
  const failed = await collect(invocation, failKey(invocation.connector.name, ref), (item) => failState.parse(item));
  const parts = [...all]
    .filter(([id, part]) => counts(id, part, nodes.get(part.node)))
    .map(([, part]) => part)
    .sort((a, b) => firstPage(a) - firstPage(b));
  return {
    tally: {
      ...tallyParts(parts),
      ...tallyNodes(nodes, [...failed.values()]),
      again: await countRepeatedKeys(invocation, parts),
    },
    requests: {
      sent: add([...nodes.values()], (node) => node.requests),
      throttled: add([...nodes.values()], (node) => node.throttled),
      retried: add([...nodes.values()], (node) => node.retried),
    },
    parts,
    schema: schemaChanges(parts),
    highest: greatest(parts.flatMap(({ highest }) => highest ?? [])),
    firstAnswered: least(parts.map(({ answeredAt }) => answeredAt)),
  };
}

/** Items of one kind, by what follows the prefix in their sort key. */
async function collect<T>(
  { syncs }: Invocation,
  { pk, sk: prefix }: { pk: string; sk: string },
  parse: (item: object) => T,
): Promise<Map<string, T>> {
  const found = new Map<string, T>();
  for await (const item of syncs.query(pk, prefix)) found.set(item.sk.slice(prefix.length), parse(item));
  return found;
}

/** A part counts if a block holds its id, or if a chain has gone past the step it begins at. Any other is an orphan. */
function counts(id: string, part: Part, node: Node | undefined): boolean {
  if (node?.kind === 'block') return node.parts.has(id);
  return node?.kind === 'chain' && firstPage(part) < node.step;
}

const firstPage = ({ pages: [first] }: Part): number => first?.[0] ?? 0;

function tallyParts(parts: readonly Part[]) {
  const stated = parts.flatMap(({ leastTotal, greatestTotal }) =>
    leastTotal === undefined || greatestTotal === undefined ? [] : [{ least: leastTotal, greatest: greatestTotal }],
  );
  return {
    pages: parts.flatMap(({ pages }) => pages),
    delivered: add(parts, ({ delivered }) => delivered),
    quarantined: add(parts, ({ quarantined }) => quarantined),
    dropped: add(parts, ({ repeated }) => repeated),
    totals: stated.reduce<Tally['totals']>(
      (all, one) =>
        all === undefined
          ? one
          : { least: Math.min(all.least, one.least), greatest: Math.max(all.greatest, one.greatest) },
      undefined,
    ),
  };
}

function tallyNodes(
  nodes: ReadonlyMap<string, Node>,
  fails: readonly Fail[],
): Pick<Tally, 'planned' | 'failed' | 'cutShort'> {
  const all = [...nodes.values()];
  const listings = all.filter((node) => node.kind === 'listing');
  const chains = all.filter((node) => node.kind === 'chain');
  return {
    planned:
      add(listings, ({ covered }) => covered) + add(chains, ({ step, ended }) => step + (ended === 'failed' ? 1 : 0)),
    failed: fails.filter(({ node, page }) => hasFailed(nodes.get(node), page)),
    cutShort: chains.some(({ ended }) => ended === 'failed') || listings.some(isCutShort),
  };
}

/** The node says which pages failed: one that somebody set aside while another brought it did not. */
function hasFailed(node: Node | undefined, page: number): boolean {
  if (node?.kind === 'block') return node.failed.has(String(page));
  return node?.kind === 'chain' && node.ended === 'failed' && node.step === page;
}

const add = <T>(all: readonly T[], count: (each: T) => number): number =>
  all.reduce((sum, each) => sum + count(each), 0);
const least = (values: readonly number[]): number | undefined =>
  values.reduce<number | undefined>((all, one) => Math.min(all ?? one, one), undefined);
const greatest = (values: readonly number[]): number | undefined =>
  values.reduce<number | undefined>((all, one) => Math.max(all ?? one, one), undefined);

/** The first departure of each kind, by the page it was seen on. */
function schemaChanges(parts: readonly Part[]): SchemaChange[] {
  const all = parts.flatMap(({ departures }) => departures).sort((a, b) => a.page - b.page);
  const first = Map.groupBy(all, ({ path, change }) => `${path} ${change}`);
  return [...first.values()].flatMap(([each]) => each ?? []).slice(0, NAMED_DEPARTURES);
}

/** How many delivered records have a key that another delivered record has: by the fingerprints beside the parts. */
async function countRepeatedKeys({ objects }: Invocation, parts: readonly Part[]): Promise<number> {
  const bytes = new Uint8Array(8 * add(parts, ({ delivered }) => delivered));
  let filled = 0;
  const queue = parts.values();
  const lane = async (): Promise<void> => {
    for (const { key, delivered } of queue) {
      const at = filled;
      filled += 8 * delivered;
      const stored = await objects.get(keysOf(key));
      if (stored?.byteLength !== 8 * delivered)
        throw new Error(`The key fingerprints beside ${key} do not match its ${delivered} records.`);
      bytes.set(stored, at);
    }
  };
  await Promise.all(Array.from({ length: READ_AT_ONCE }, lane));
  const sorted = new BigUint64Array(bytes.buffer).sort();
  let again = 0;
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) again += 1;
  return again;
}
