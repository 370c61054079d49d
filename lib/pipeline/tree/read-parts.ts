import type { Stream } from '../../core/connector/connector.ts';
import { type FirstPageInfo, readFirstPage } from '../../core/listing/listing.ts';
import { atNode, type NodeContext, type SyncContext } from '../invocation.ts';
import { readNode } from '../store/node.ts';
import { partKey, phaseOf, placeOf, rootPath } from '../store/sync-keys.ts';
import {
  type Listing,
  type Node,
  type PageEntry,
  type Part,
  partState,
  type Tail,
  tailOf,
} from '../store/sync-state.ts';

/**
 * Whether a part counts: a block of a listing holds its id, or a chain has gone past the step it begins at. Any other is an orphan, or
 * belongs to a listing in whose place others were read.
 */
export function isPartCounted(id: string, part: Part, node: Node | undefined, up: Node | undefined): boolean {
  if (part.look) return node?.kind === 'block' && node.parts.has(id.slice(id.indexOf('@') + 1));
  if (node?.kind === 'block') return up?.kind === 'listing' && node.parts.has(id.slice(id.indexOf('@') + 1)); // R4
  return node?.kind === 'chain' && (part.pages[0]?.[0] ?? 0) < node.step;
}

/** What the first page of a numbered listing told, by its part; nothing if it did not come. */
export async function firstPageInfo(
  context: NodeContext,
  listing: Listing,
  paging: Stream['paging'],
): Promise<FirstPageInfo> {
  if (paging.kind !== 'pages' && paging.kind !== 'offsets') return {};
  for await (const part of partsOf(context, `${context.path}.`, listing, 0)) {
    for (const [index, fetched] of part.pages)
      if (index === 0) return readFirstPage(paging, { fetched, total: part.greatestTotal });
  }
  return {};
}

/** What is known of one page of a numbered listing, if it came. */
export async function readPageEntry(
  context: NodeContext,
  listing: Listing,
  page: number,
): Promise<PageEntry | undefined> {
  for await (const { pages } of partsOf(context, `${context.path}.`, listing, page)) {
    const entry = pages.find(([index]) => index === page);
    if (entry !== undefined) return entry;
  }
  return undefined;
}

/** The last page of a numbered listing that has records, and where it begins, if that does not follow from its index. */
export type LastPage = {
  readonly index: number;
  readonly records: number;
  /** The block after the last record that it is of, if it is of one. */
  readonly tail: Tail | undefined;
  /** A page that was to begin with the last record came empty. */
  readonly gone: boolean;
};

/**
 * By its parts. Called when nothing of the listing is open. What a later phase read counts: the listing may be shorter or longer by now. A listing may
 * have as many blocks as pages, so from its end on only those are read that it takes to see which parts count.
 */
export async function lastPageWithRecords(context: NodeContext, listing: Listing): Promise<LastPage | undefined> {
  const pages: (FoundPart & { readonly index: number; readonly records: number })[] = [];
  for await (const { id, part } of partsBelow(context, `${context.path}.`))
    for (const [index, records] of part.pages) pages.push({ id, part, index, records });
  const counted = countedIn(context, listing);
  /** Where the end was looked for in an earlier phase it may be another one by now. */
  const blockOf = async (found: FoundPart) => {
    const block = await counted(found);
    return block?.tail !== undefined && phaseOf(found.part.node) < phaseOf(context.path) ? undefined : block;
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
 * Whether all pages of a listing's last block are the same one: some APIs repeat their last page for requests beyond it, and would be read
 * for ever. Called when nothing of the listing is open.
 */
export async function lastBlockRepeats(context: NodeContext, listing: Listing): Promise<boolean> {
  const pages: string[] = [];
  for await (const part of partsOf(context, `${context.path}.${listing.last}@`, listing))
    for (const [, records, first, last] of part.pages) if (records > 0) pages.push(`${records} ${first} ${last}`);
  return pages.length > 1 && new Set(pages).size === 1;
}

/** The parts of a numbered listing that count, each with what its block says of it. `prefixed`: what their ids begin with. `page`: the one they have. */
async function* partsOf(
  context: SyncContext,
  prefixed: string,
  listing: Listing,
  page?: number,
): AsyncIterable<Part & { readonly tail: Tail | undefined }> {
  const counted = countedIn(context, listing);
  for await (const found of partsBelow(context, prefixed)) {
    if (page !== undefined && !found.part.pages.some(([index]) => index === page)) continue;
    const block = await counted(found);
    if (block !== undefined) yield { ...found.part, tail: block.tail };
  }
}

/** All parts, those that do not count as well, phase after phase. `prefixed`: what their ids begin with. */
async function* partsBelow(context: SyncContext, prefixed: string): AsyncIterable<FoundPart> {
  const prefix = partKey(context.connector.name, context.ref);
  for (let phase = 0; phase <= phaseOf(prefixed); phase++) {
    const below = prefix.sk + rootPath(phase) + placeOf(prefixed);
    for await (const { sk, ...item } of context.syncs.query(prefix.pk, below))
      if (item.look !== true) yield { id: sk.slice(prefix.sk.length), part: partState.parse(item) };
  }
}

/** What the block of a part of a listing says of it, if the part counts. Each block is read once. */
function countedIn(context: SyncContext, listing: Listing) {
  const blocks = new Map<string, Node | undefined>();
  return async ({ id, part }: FoundPart): Promise<{ readonly tail: Tail | undefined } | undefined> => {
    if (!blocks.has(part.node)) blocks.set(part.node, await readNode(atNode(context, part.node)));
    const block = blocks.get(part.node);
    return block?.kind === 'block' && isPartCounted(id, part, block, listing) ? { tail: tailOf(block) } : undefined;
  };
}
