import type { Stream } from '../core/connector.ts';
import { readJson } from '../core/json.ts';
import { type Told, tellsOf } from '../core/listing.ts';
import type { SyncRef } from '../core/tasks.ts';
import type { Invocation } from './invocation.ts';
import { remembered } from './memory.ts';
import { nodeKey, partKey } from './sync-keys.ts';
import {
  type Group,
  type Listing,
  type Node,
  nodeState,
  type PageEntry,
  type Part,
  partState,
  type Tail,
  tailOf,
} from './sync-state.ts';
import { parentOf, phaseOf, placeOf, rootOf } from './tree-path.ts';

/** What is opened next: the parents of each slice, and how far the parts that list them have then been read. */
export type FoundParents = {
  readonly batches: readonly (readonly unknown[])[];
  readonly after: string;
  readonly line: number;
  readonly exhausted: boolean;
};

/**
 * The next parents of a group, in the order of the parts that its first child left. Called when that child is done: no part that counts is
 * added any more, so whoever asks from the same place finds the same. A later phase goes on behind what earlier ones found. `batches`: how
 * many slices at most.
 */
export async function nextParents(
  invocation: Invocation,
  ref: SyncRef,
  listing: string,
  { after, line }: Group,
  { batches: most, together, of }: { batches: number; together: number; of: string },
): Promise<FoundParents> {
  const { syncs, connector } = invocation;
  const prefix = partKey(connector.name, ref);
  const batches: unknown[][] = [];
  let place = { after, line };
  const from = after === '' ? '' : prefix.sk + after;
  for (let phase = 0; phase <= phaseOf(listing); phase++) {
    const parts = prefix.sk + rootOf(phase) + placeOf(listing);
    for await (const { sk, ...item } of syncs.query(prefix.pk, parts, from)) {
      const id = sk.slice(prefix.sk.length);
      const part = partState.parse(item);
      if (part.of === of && part.delivered > 0 && (await counts(invocation, ref, id, part))) {
        const parents = await readParents(invocation, part);
        while (place.line < parents.length && batches.length < most) {
          batches.push(parents.slice(place.line, place.line + together));
          place = { ...place, line: place.line + together };
        }
        if (place.line < parents.length) return { batches, ...place, exhausted: false };
      }
      place = { after: id, line: 0 };
    }
  }
  return { batches, ...place, exhausted: true };
}

/** The part of parents that was read last: a group takes a few at a time. */
const lastRead = remembered<{ key: string; parents: readonly unknown[] }>(() => ({ key: '', parents: [] }));

/** Each parent once, although a part may list it twice. */
async function readParents(invocation: Invocation, { key }: Part): Promise<readonly unknown[]> {
  const last = lastRead(invocation);
  if (last.key === key) return last.parents;
  const body = await invocation.objects.get(key);
  if (body === undefined) throw new Error(`The part ${key} of parents is not there.`);
  const lines = new TextDecoder().decode(body).split('\n');
  const parents = [...new Set(lines)].filter((each) => each !== '').map((each) => readJson(each));
  Object.assign(last, { key, parents });
  return parents;
}

async function counts(invocation: Invocation, ref: SyncRef, id: string, part: Part): Promise<boolean> {
  const up = parentOf(part.node);
  const node = await readState(invocation, ref, part.node);
  return partCounts(id, part, node, up && (await readState(invocation, ref, up.parent)));
}

async function readState(invocation: Invocation, ref: SyncRef, path: string): Promise<Node | undefined> {
  const item = await invocation.syncs.get(nodeKey(invocation.connector.name, ref, path));
  return item === undefined ? undefined : nodeState.parse(item);
}

/**
 * Whether a part counts: a block of a listing holds its id, or a chain has gone past the step it begins at. Any other is an orphan, or
 * belongs to a listing in whose place others were read.
 */
export function partCounts(id: string, part: Part, node: Node | undefined, up: Node | undefined): boolean {
  if (node?.kind === 'block') return up?.kind === 'listing' && node.parts.has(id.slice(id.indexOf('@') + 1));
  return node?.kind === 'chain' && (part.pages[0]?.[0] ?? 0) < node.step;
}

/** What the first page of a numbered listing told, by its part; nothing if it did not come. */
export async function toldByFirstPage(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  listing: Listing,
  paging: Stream['paging'],
): Promise<Told> {
  if (paging.kind !== 'pages' && paging.kind !== 'offsets') return {};
  for await (const part of partsOf(invocation, ref, `${path}.`, listing, 0)) {
    for (const [index, fetched] of part.pages)
      if (index === 0) return tellsOf(paging, { fetched, total: part.greatestTotal });
  }
  return {};
}

/** What is known of one page of a numbered listing, if it came. */
export async function readEntry(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  listing: Listing,
  page: number,
): Promise<PageEntry | undefined> {
  for await (const { pages } of partsOf(invocation, ref, `${path}.`, listing, page)) {
    const entry = pages.find(([index]) => index === page);
    if (entry !== undefined) return entry;
  }
  return undefined;
}

/** The last page of a numbered listing that has records, and where it begins, if that does not follow from its index. */
export type LastPage = {
  readonly index: number;
  readonly records: number;
  /** The block behind the last record that it is of, if it is of one. */
  readonly tail: Tail | undefined;
  /** A page that was to begin with the last record came empty. */
  readonly gone: boolean;
};

/**
 * By its parts. Called when nothing of the listing is open. What a later phase read counts: the listing may be shorter or longer by now. A listing may
 * have as many blocks as pages, so from its end on only those are read that it takes to see which parts count.
 */
export async function lastPage(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  listing: Listing,
): Promise<LastPage | undefined> {
  const pages: (FoundPart & { readonly index: number; readonly records: number })[] = [];
  for await (const { id, part } of partsBelow(invocation, ref, `${path}.`))
    for (const [index, records] of part.pages) pages.push({ id, part, index, records });
  const counted = countedIn(invocation, ref, listing);
  /** Where the end was looked for in an earlier phase it may be another one by now. */
  const blockOf = async (found: FoundPart) => {
    const block = await counted(found);
    return block?.tail !== undefined && phaseOf(found.part.node) < phaseOf(path) ? undefined : block;
  };
  let gone = false;
  for (const page of pages) {
    // A block that was to begin with the last record is named by that page.
    if (page.records > 0 || !page.part.node.includes(`.${page.index}-`)) continue;
    gone ||= (await blockOf(page))?.tail?.first === page.index;
  }
  const known = new Set<number>();
  for (const page of pages.reverse().sort((a, b) => b.index - a.index)) {
    const block = known.has(page.index) ? undefined : await blockOf(page);
    if (block === undefined) continue;
    known.add(page.index);
    if (page.records > 0) return { index: page.index, records: page.records, tail: block.tail, gone };
  }
  return undefined;
}

type FoundPart = { readonly id: string; readonly part: Part };

/**
 * Whether all pages of a listing's last block are the same one: some APIs repeat their last page for whoever asks beyond it, and would be read
 * for ever. Called when nothing of the listing is open.
 */
export async function lastBlockRepeats(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  listing: Listing,
): Promise<boolean> {
  const pages: string[] = [];
  for await (const part of partsOf(invocation, ref, `${path}.${listing.last}@`, listing))
    for (const [, records, first, last] of part.pages) if (records > 0) pages.push(`${records} ${first} ${last}`);
  return pages.length > 1 && new Set(pages).size === 1;
}

/** The parts of a numbered listing that count, each with what its block says of it. `prefixed`: what their ids begin with. `page`: the one they have. */
async function* partsOf(
  invocation: Invocation,
  ref: SyncRef,
  prefixed: string,
  listing: Listing,
  page?: number,
): AsyncIterable<Part & { readonly tail: Tail | undefined }> {
  const counted = countedIn(invocation, ref, listing);
  for await (const found of partsBelow(invocation, ref, prefixed)) {
    if (page !== undefined && !found.part.pages.some(([index]) => index === page)) continue;
    const block = await counted(found);
    if (block !== undefined) yield { ...found.part, tail: block.tail };
  }
}

/** All parts, those that do not count as well, phase after phase. `prefixed`: what their ids begin with. */
async function* partsBelow(invocation: Invocation, ref: SyncRef, prefixed: string): AsyncIterable<FoundPart> {
  const prefix = partKey(invocation.connector.name, ref);
  for (let phase = 0; phase <= phaseOf(prefixed); phase++) {
    const below = prefix.sk + rootOf(phase) + placeOf(prefixed);
    for await (const { sk, ...item } of invocation.syncs.query(prefix.pk, below))
      yield { id: sk.slice(prefix.sk.length), part: partState.parse(item) };
  }
}

/** What the block of a part of a listing says of it, if the part counts. Each block is read once. */
function countedIn(invocation: Invocation, ref: SyncRef, listing: Listing) {
  const blocks = new Map<string, Node | undefined>();
  return async ({ id, part }: FoundPart): Promise<{ readonly tail: Tail | undefined } | undefined> => {
    if (!blocks.has(part.node)) blocks.set(part.node, await readState(invocation, ref, part.node));
    const block = blocks.get(part.node);
    return block?.kind === 'block' && partCounts(id, part, block, listing) ? { tail: tailOf(block) } : undefined;
  };
}
