import type { Invocation, SyncContext } from '../invocation.ts';
import {
  childPath,
  failedPageKey,
  nodeKey,
  parentOf,
  partKey,
  phaseOf,
  placeOf,
  rootPath,
  sliceChild,
} from '../store/sync-keys.ts';
import {
  type Block,
  type Chain,
  type FailedPage,
  failedPageState,
  type Group,
  type Listing,
  type Node,
  nodeState,
  type Part,
  partState,
} from '../store/sync-state.ts';
import { isPartCounted } from './read-parts.ts';

/** A listing of the tree, with what was read of it in all phases. */
export type TreeListing = {
  /** As the last phase has it that read of it: only that one knows how far it came. */
  readonly node: Listing | Chain;
  /** Of a numbered listing, by path. */
  readonly blocks: Map<string, Block>;
  readonly parts: Part[];
  /** Parts that were read only to be compared. Those that hold something else are among the others, too: they are delivered. */
  readonly looks: Part[];
  /** The last phase in which pages were asked for to be compared; 0: none. */
  readonly lookPhase: number;
  /** Pages that failed, and that no later phase brought, or set aside again. */
  readonly failed: readonly FailedPage[];
  /** Pages that were to show the end and failed, where a later phase looked for it anew. */
  readonly forgone: number;
};

/** A sync's tree, or what is below one place of it, as it stands at the end of a phase. */
export type ReadTree = {
  /** Every node of every phase, by path. */
  readonly nodes: ReadonlyMap<string, Node>;
  /** Groups and listings by their place, as the last phase has them that has them. */
  readonly places: ReadonlyMap<string, Group | Listing | Chain>;
  /** The names of the groups and listings below each place. */
  readonly children: ReadonlyMap<string, readonly string[]>;
  /** The listings that count, by place. */
  readonly leaves: ReadonlyMap<string, TreeListing>;
};

/** A place, or all places whose text begins so. */
type Below = { readonly place: string; readonly asText?: boolean };

/** So many children of a group are read at once, about. */
const CHILDREN_AT_ONCE = 1_000;
/** So many bundles of them are read ahead. */
const BUNDLES_AHEAD = 2;

/** A group of so many children that they are read some at a time: itself, what is below its first child, and below the others. */
export type LargeGroup = {
  readonly node: Group;
  readonly first: string;
  readonly others: () => AsyncIterable<ReadTree>;
};

/** The group at a place, as the last phase has it, if it is too large to be read whole. */
export async function largeGroup(context: SyncContext, phase: number, place: string): Promise<LargeGroup | undefined> {
  const node = await lastNode(context, phase, place);
  if (node?.kind !== 'group' || node.opened <= CHILDREN_AT_ONCE) return undefined;
  return {
    node,
    first: childPath(place, sliceChild(0)),
    async *others() {
      const mapped = await readMapped(context, phase);
      const read = ({ index, whole }: Bundle): Promise<ReadTree> =>
        readBelow(context, phase, { place: childPath(place, sliceChild(index)), asText: whole }, mapped);
      yield* readAhead(bundles(node.opened), read);
    },
  };
}

type Bundle = { readonly index: number; readonly whole: boolean };

/** Reads one after the other, a few ahead of the reader: the table answers while it reckons. */
async function* readAhead<T, R>(all: Iterable<T>, read: (one: T) => Promise<R>): AsyncIterable<R> {
  const ahead: Promise<R>[] = [];
  for (const one of all) {
    const next = read(one);
    // Its reader hears of its failure; until then none does.
    next.catch(() => {});
    ahead.push(next);
    if (ahead.length <= BUNDLES_AHEAD) continue;
    const first = ahead.shift();
    if (first !== undefined) yield await first;
  }
  for (const left of ahead) yield await left;
}

/**
 * A group's children after the first one, in bundles: all whose number begins with the same digits, or one alone whose number has fewer.
 */
export function* bundles(opened: number): Iterable<Bundle> {
  const from = 10 ** (String(opened - 1).length - String(CHILDREN_AT_ONCE).length);
  for (let index = 1; index < Math.min(opened, 10 * from); index++) yield { index, whole: index >= from };
}

async function lastNode(
  { syncs, connector, ref }: SyncContext,
  phase: number,
  place: string,
): Promise<Node | undefined> {
  for (let each = phase; each >= 0; each--) {
    const item = await syncs.get(nodeKey(connector.name, ref, rootPath(each) + place));
    if (item !== undefined) return nodeState.parse(item);
  }
  return undefined;
}

/** The tree of a sync, some of it at a time, however large it is: each node once, and each listing whole. */
export async function* readTrees(context: SyncContext, phase: number, place = ''): AsyncIterable<ReadTree> {
  const large = await largeGroup(context, phase, place);
  if (large === undefined) {
    yield await readTree(context, phase, place);
    return;
  }
  yield await readItself(context, phase, place);
  yield* readTrees(context, phase, large.first);
  yield* large.others();
}

/** A group without what is below it. */
async function readItself(context: SyncContext, phase: number, place: string): Promise<ReadTree> {
  const nodes = new Map<string, Node>();
  const places = new Map<string, Group | Listing | Chain>();
  for (let each = 0; each <= phase; each++) {
    const path = rootPath(each) + place;
    const item = await context.syncs.get(nodeKey(context.connector.name, context.ref, path));
    const node = item && nodeState.parse(item);
    if (node === undefined) continue;
    nodes.set(path, node);
    if (node.kind !== 'block' && !maps(node)) places.set(place, node);
  }
  return { nodes, places, children: new Map(), leaves: new Map() };
}

/** Reads the tree below a place. The root of the next phase may be there before that is begun: it is no part of this one. */
export const readTree = (context: SyncContext, phase: number, place = ''): Promise<ReadTree> =>
  readBelow(context, phase, { place });

/** Parts with what was mapped again hang on the root of their phase, wherever their listings stand. */
type Mapped = { readonly chains: ReadonlyMap<string, Node>; readonly parts: ReadonlyMap<string, Part> };
const NOTHING_MAPPED: Mapped = { chains: new Map(), parts: new Map() };

async function readMapped(context: SyncContext, phase: number): Promise<Mapped> {
  const { syncs, connector } = context;
  const chains = new Map<string, Node>();
  const parts = new Map<string, Part>();
  for (let each = 1; each <= phase; each++) {
    const path = rootPath(each);
    const item = await syncs.get(nodeKey(connector.name, context.ref, path));
    const node = item && nodeState.parse(item);
    if (node === undefined || !maps(node)) continue;
    chains.set(path, node);
    const { pk, sk } = partKey(connector.name, context.ref);
    for await (const part of syncs.query(pk, `${sk}${path}@`))
      parts.set(part.sk.slice(sk.length), partState.parse(part));
  }
  return { chains, parts };
}

async function readBelow(
  context: SyncContext,
  phase: number,
  from: Below,
  mapped: Mapped = NOTHING_MAPPED,
): Promise<ReadTree> {
  const { name } = context.connector;
  const below = <T>(key: typeof nodeKey, parse: (item: object) => T): Promise<Map<string, T>> =>
    collect(context, phase, from, (path) => key(name, context.ref, path), parse);
  const [nodes, parts, failures] = await Promise.all([
    below(nodeKey, (item) => nodeState.parse(item)),
    below(partKey, (item) => partState.parse(item)),
    below(failedPageKey, (item) => failedPageState.parse(item)),
  ]);
  const places = new Map<string, Group | Listing | Chain>();
  const lookPhases = new Map<string, number>();
  for (const [path, node] of nodes) {
    if (node.kind === 'listing' && node.look) lookPhases.set(placeOf(path), phaseOf(path));
    else if (node.kind !== 'block' && !maps(node)) places.set(placeOf(path), node);
  }

  type Open = TreeListing & { readonly fails: FailedPage[] };
  const leaves = new Map<string, Open>();
  for (const [at, node] of places)
    if (node.kind !== 'group')
      leaves.set(at, {
        ...{ node, blocks: new Map(), parts: [], looks: [], fails: [], failed: [], forgone: 0 },
        lookPhase: lookPhases.get(at) ?? 0,
      });
  /** A chain itself, or the listing of a block. A block whose listing was given up for others belongs to none. */
  const leafOf = (path: string): Open | undefined =>
    leaves.get(placeOf(nodes.get(path)?.kind === 'block' ? (parentOf(path)?.parent ?? '') : path));
  for (const [path, node] of nodes) if (node.kind === 'block' && !node.look) leafOf(path)?.blocks.set(path, node);
  for (const [id, part] of [...parts, ...mapped.parts]) {
    const leaf = part.place === undefined ? leafOf(part.node) : leaves.get(part.place);
    const node = nodes.get(part.node) ?? mapped.chains.get(part.node);
    if (leaf !== undefined && isPartCounted(id, part, node, leaf.node))
      (part.look ? leaf.looks : leaf.parts).push(part);
  }
  for (const fail of failures.values())
    if (hasFailed(nodes.get(fail.node), fail.page)) leafOf(fail.node)?.fails.push(fail);
  for (const leaf of leaves.values())
    leaf.parts.splice(0, Number.POSITIVE_INFINITY, ...withoutMapped([...leaf.parts, ...differingLooks(leaf)]));
  const children = new Map<string, string[]>();
  for (const up of [...places.keys()].flatMap((at) => parentOf(at) ?? []))
    children
      .set(up.parent, children.get(up.parent) ?? [])
      .get(up.parent)
      ?.push(up.name);
  return {
    nodes,
    places,
    children,
    leaves: new Map([...leaves].map(([at, { fails, ...leaf }]) => [at, { ...leaf, ...stillFailed(leaf, fails) }])),
  };
}

/** Items of one kind below a place, phase after phase, by what follows the sync in their sort key. */
async function collect<T>(
  { syncs }: Invocation,
  phase: number,
  { place, asText = false }: Below,
  key: (path: string) => { pk: string; sk: string },
  parse: (item: object) => T,
): Promise<Map<string, T>> {
  const found = new Map<string, T>();
  const cut = key('').sk.length;
  for (let each = 0; each <= phase; each++) {
    const { pk, sk: prefix } = key(rootPath(each) + place);
    for await (const item of syncs.query(pk, prefix))
      if (asText || BELOW.has(item.sk.charAt(prefix.length))) found.set(item.sk.slice(cut), parse(item));
  }
  return found;
}

/** What may follow a node's path in a sort key: nothing, its child, its part, its failure. */
const BELOW: ReadonlySet<string> = new Set(['', '.', '@', '#']);

/** It reads no listing: it maps what others quarantined. */
const maps = (node: Node | undefined): boolean => node?.kind === 'chain' && node.maps;

/** Parts of a second look that hold something that no other part holds. */
function differingLooks({ parts, looks }: TreeListing): Part[] {
  const known = new Set(parts.flatMap(({ pages }) => pages.map(([index, , , , keys]) => `${index} ${keys}`)));
  return looks.filter(({ pages }) => pages.some(([index, , , , keys]) => !known.has(`${index} ${keys}`)));
}

/** What was quarantined and then mapped again counts where that was stored. */
function withoutMapped(parts: readonly Part[]): Part[] {
  const mapped = new Set(parts.flatMap(({ instead }) => instead ?? []));
  return parts.map((part) => (mapped.has(part.key) ? { ...part, quarantined: 0 } : part));
}

/** The node says which pages failed: one that somebody set aside while another brought it did not. */
function hasFailed(node: Node | undefined, page: number): boolean {
  if (node?.kind === 'block') return !node.look && node.failed.has(String(page));
  return node?.kind === 'chain' && !maps(node) && node.ended === 'failed' && node.step === page;
}

/** Of a page that was read in several phases the last one counts; and of those that were to show where a listing ends, the last phase's. */
function stillFailed(
  { blocks, parts }: TreeListing,
  fails: readonly FailedPage[],
): Pick<TreeListing, 'failed' | 'forgone'> {
  const isTail = (node: string): boolean => blocks.get(node)?.first !== undefined;
  const lookedFor = [...blocks.keys()].reduce((last, node) => (isTail(node) ? Math.max(last, phaseOf(node)) : last), 0);
  const wanted = fails.filter(({ node }) => !isTail(node) || phaseOf(node) === lookedFor); // R60
  const last = new Map<number, number>();
  const note = (node: string, page: number): unknown => last.set(page, Math.max(last.get(page) ?? 0, phaseOf(node)));
  for (const { node, page } of wanted) note(node, page);
  for (const { node, pages, instead } of parts) if (instead === undefined) for (const [page] of pages) note(node, page);
  return {
    failed: wanted.filter(({ node, page }) => last.get(page) === phaseOf(node)), // R56
    forgone: fails.length - wanted.length,
  };
}
