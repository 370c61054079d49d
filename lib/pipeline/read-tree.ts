import type { SyncRef } from '../core/tasks.ts';
import type { Invocation } from './invocation.ts';
import { partCounts } from './read-parts.ts';
import {
  type Block,
  type Chain,
  type Fail,
  failKey,
  failState,
  type Group,
  type Listing,
  type Node,
  nodeKey,
  nodeState,
  type Part,
  parentOf,
  partKey,
  partState,
  phaseOf,
  placeOf,
  rootOf,
} from './sync-state.ts';

/** A listing of the tree, with what was read of it in all phases. */
export type Leaf = {
  /** As the last phase has it that read of it: only that one knows how far it came. */
  readonly node: Listing | Chain;
  /** Of a numbered listing, by path. */
  readonly blocks: Map<string, Block>;
  readonly parts: Part[];
  /** Pages that failed, and that no later phase brought, or set aside again. */
  readonly failed: readonly Fail[];
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
  readonly leaves: ReadonlyMap<string, Leaf>;
};

/** Reads the tree below a place. The root of the next phase may be there before that is begun: it is no part of this one. */
export async function readTree(invocation: Invocation, ref: SyncRef, phase: number, place = ''): Promise<ReadTree> {
  const { name } = invocation.connector;
  const below = <T>(key: typeof nodeKey, parse: (item: object) => T): Promise<Map<string, T>> =>
    collect(invocation, phase, place, (path) => key(name, ref, path), parse);
  const nodes = await below(nodeKey, (item) => nodeState.parse(item));
  const places = new Map<string, Group | Listing | Chain>();
  for (const [path, node] of nodes) if (node.kind !== 'block' && !maps(node)) places.set(placeOf(path), node);

  type Open = Leaf & { readonly fails: Fail[] };
  const leaves = new Map<string, Open>();
  for (const [at, node] of places)
    if (node.kind !== 'group') leaves.set(at, { node, blocks: new Map(), parts: [], fails: [], failed: [] });
  /** A chain itself, or the listing of a block. A block whose listing was given up for others belongs to none. */
  const leafOf = (path: string): Open | undefined =>
    leaves.get(placeOf(nodes.get(path)?.kind === 'block' ? (parentOf(path)?.parent ?? '') : path));
  for (const [path, node] of nodes) if (node.kind === 'block') leafOf(path)?.blocks.set(path, node);
  for (const [id, part] of await below(partKey, (item) => partState.parse(item))) {
    const leaf = part.place === undefined ? leafOf(part.node) : leaves.get(part.place);
    if (leaf !== undefined && partCounts(id, part, nodes.get(part.node), leaf.node)) leaf.parts.push(part);
  }
  for (const fail of (await below(failKey, (item) => failState.parse(item))).values())
    if (hasFailed(nodes.get(fail.node), fail.page)) leafOf(fail.node)?.fails.push(fail);
  for (const leaf of leaves.values()) leaf.parts.splice(0, Number.POSITIVE_INFINITY, ...withoutMapped(leaf.parts));
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
    leaves: new Map([...leaves].map(([at, { fails, ...leaf }]) => [at, { ...leaf, failed: stillFailed(leaf, fails) }])),
  };
}

/** Items of one kind below a place, phase after phase, by what follows the sync in their sort key. */
async function collect<T>(
  { syncs }: Invocation,
  phase: number,
  place: string,
  key: (path: string) => { pk: string; sk: string },
  parse: (item: object) => T,
): Promise<Map<string, T>> {
  const found = new Map<string, T>();
  const cut = key('').sk.length;
  for (let each = 0; each <= phase; each++) {
    const { pk, sk: prefix } = key(rootOf(each) + place);
    for await (const item of syncs.query(pk, prefix))
      if (BELOW.has(item.sk.charAt(prefix.length))) found.set(item.sk.slice(cut), parse(item));
  }
  return found;
}

/** What may follow a node's path in a sort key: nothing, its child, its part, its failure. */
const BELOW: ReadonlySet<string> = new Set(['', '.', '@', '#']);

/** It reads no listing: it maps what others quarantined. */
const maps = (node: Node | undefined): boolean => node?.kind === 'chain' && node.maps;

/** What was quarantined and then mapped again counts where that was stored. */
function withoutMapped(parts: readonly Part[]): Part[] {
  const mapped = new Set(parts.flatMap(({ instead }) => instead ?? []));
  return parts.map((part) => (mapped.has(part.key) ? { ...part, quarantined: 0 } : part));
}

/** The node says which pages failed: one that somebody set aside while another brought it did not. */
function hasFailed(node: Node | undefined, page: number): boolean {
  if (node?.kind === 'block') return node.failed.has(String(page));
  return node?.kind === 'chain' && !maps(node) && node.ended === 'failed' && node.step === page;
}

/** Of a page that was read in several phases the last one counts. */
function stillFailed({ parts }: Leaf, fails: readonly Fail[]): Fail[] {
  const last = new Map<number, number>();
  const note = (node: string, page: number): unknown => last.set(page, Math.max(last.get(page) ?? 0, phaseOf(node)));
  for (const { node, page } of fails) note(node, page);
  for (const { node, pages, instead } of parts) if (instead === undefined) for (const [page] of pages) note(node, page);
  return fails.filter(({ node, page }) => last.get(page) === phaseOf(node));
}
