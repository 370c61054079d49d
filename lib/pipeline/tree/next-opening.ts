import type { Stream } from '../../core/connector/connector.ts';
import { dateMark } from '../../core/connector/since.ts';
import { parseInstant } from '../../core/dates.ts';
import { filesName, filesStream, readJobFile } from '../../core/listing/job.ts';
import {
  BLOCK_PAGES,
  type DispatchWindow,
  indexesOf,
  isMostlyFailing,
  nextListingStep,
  pageStride,
  rangeLength,
} from '../../core/listing/listing.ts';
import { windowAt, windowCount } from '../../core/listing/slice.ts';
import { FEW_PAGES } from '../../core/verdict/second-look.ts';
import { FIRST_START } from '../../core/verdict/watermark.ts';
import type { Invocation, NodeContext, SyncContext } from '../invocation.ts';
import type { Item } from '../ports.ts';
import { isExhausted, type ListedSlice, listedSlice, streamNamed } from '../store/slices.ts';
import { childPath, phaseOf, placeOf, sliceChild } from '../store/sync-keys.ts';
import type { Group, Listing, Node } from '../store/sync-state.ts';
import { type DispatchContext, dispatchWindowFor } from '../tasks/dispatch.ts';
import { nextParents } from './next-parents.ts';
import { firstPageInfo, lastBlockRepeats, lastPageWithRecords } from './read-parts.ts';
import { pagesToCheck, retryItemAt } from './retry-node.ts';
import { newNodeItem } from './root-node.ts';

/** An invocation's work on a node whose children it may open. */
export type OpeningContext = DispatchContext & NodeContext;

export type OpeningNode = Listing | Group;
export const opensChildren = (node: Node): node is OpeningNode => node.kind === 'listing' || node.kind === 'group';

/** What a node opens next: its children by name, and what it then knows. */
export type NextOpening = {
  readonly children: ReadonlyMap<string, Item>;
  /** How many of them were never opened in an earlier phase. */
  readonly fresh: number;
  readonly set: Item;
};

const widest = ({ settings }: Invocation): number => 2 * settings.MAXIMUM_CONCURRENCY;

/** What a node opens next; `undefined`: nothing now, or nothing any more. */
export async function nextOpening(context: OpeningContext, node: OpeningNode): Promise<NextOpening | undefined> {
  if (node.kind === 'group') return nextSlices(context, node);
  if (node.look) return nextLook(node);
  if (node.opened === 1 && node.open.size === 0 && !node.told) {
    // Who read the first page died before he could say what it told.
    const { stream } = listedSlice(context, node);
    const told = await firstPageInfo(context, node, stream.paging);
    return { children: new Map(), fresh: 0, set: { told: true, ...told } };
  }
  if (isMostlyFailing(node) && !node.stopped) return { children: new Map(), fresh: 0, set: { stopped: true } }; // R16
  const sentinel = sentinelOf(context, node);
  if (sentinel !== undefined) return sentinel;
  const next = listingStepOf(context, node, dispatchWindowFor(context));
  if (next === 'done' && !isEndProven(node)) return nextTail(context, node);
  if (typeof next === 'string') return undefined;
  const told = node.announced !== undefined && node.covered < node.announced;
  if (!told && node.last !== undefined && (await lastBlockRepeats(context, node)))
    return { children: new Map(), fresh: 0, set: { limited: true } };
  const { from, to } = next.open;
  const pages = new Set(Array.from({ length: to - from + 1 }, (_, i) => String(from + i)));
  // Named by its pages: a worker that died here may have had other limits in mind, and cut the listing otherwise.
  const name = `${from}-${to}`;
  const children = new Map([[name, { kind: 'block', open: pages }]]);
  return { children, fresh: 1, set: { covered: Math.max(node.covered, to + 1), last: name } };
}

/** All pages of a second look stand in one block. */
function nextLook({ opened, stopped, again }: Listing): NextOpening | undefined {
  if (opened > 0 || stopped) return undefined;
  const pages = indexesOf(again, 0, rangeLength(again));
  const block = { kind: 'block', open: new Set(pages.map(String)), look: true };
  return { children: new Map([[`${pages[0] ?? 0}-${pages.at(-1) ?? 0}`, block]]), fresh: 1, set: {} };
}

/**
 * The sentinel: the last page that is surely full is asked for before the others. The second look asks for it once more at the end. What was inserted or
 * deleted before it meanwhile shows there as a shift, however long the listing is.
 */
function sentinelOf(context: OpeningContext, listing: Listing): NextOpening | undefined {
  const { announced, sentinel, stopped, limited } = listing;
  if (announced === undefined || announced <= FEW_PAGES || sentinel || stopped || limited) return undefined;
  const { paging, secondLook } = listedSlice(context, listing).stream;
  if (paging.kind !== 'pages' || secondLook === 'none' || phaseOf(context.path) > 0) return undefined;
  const block = { kind: 'block', open: new Set([String(announced - 2)]), look: true };
  return { children: new Map([[SENTINEL, block]]), fresh: 0, set: { sentinel: true } };
}

const SENTINEL = 'sentinel';

/** Whether a listing is done does not depend on its window. */
export const SMALLEST_WINDOW: DispatchWindow = { blocks: 1, blockPages: 1, taskPages: 1 };

export const listingStepOf = (context: SyncContext, listing: Listing, window: DispatchWindow) =>
  nextListingStep(
    listedSlice(context, listing).stream.paging.kind === 'offsets' ? 'offsets' : 'pages',
    { ...listing, outstanding: listing.open.size },
    window,
  );

/** Whether nothing is left to be shown of a listing's end. Where a total says it, nothing is. */
export function isEndProven(listing: Listing): boolean {
  const { proven, announced, broken, stopped } = listing;
  return proven || announced !== undefined || broken || stopped;
}

/**
 * Looks for the end of a listing after its last record, wherever that stood: a page that was short or empty before others with records is no
 * end. Offsets can ask for a page that begins with that record: if it brings nothing else, the listing ends there. A short page alone shows no end: the
 * API may give fewer records than it was asked for.
 */
async function nextTail(context: NodeContext, listing: Listing): Promise<NextOpening> {
  // An API that only repeats its last page shows no end.
  if (listing.limited) return { children: new Map(), fresh: 0, set: { proven: true } };
  const { paging } = listedSlice(context, listing).stream;
  const size = listing.size ?? ('size' in paging ? paging.size : 1);
  const last = await lastPageWithRecords(context, listing);
  const isFull = last !== undefined && last.records >= size;
  if (
    last !== undefined &&
    last.tail === undefined &&
    (paging.kind === 'pages' || isFull) &&
    listing.covered <= last.index + 1
  )
    return { children: new Map(), fresh: 0, set: { filled: last.index } };
  // A page that begins with the last record, and has no other, is such a page. Where an earlier phase looked for the end elsewhere, it is looked for anew.
  const isShown = last?.records === 1 && last.index > 0 && (last.tail !== undefined || phaseOf(context.path) === 0);
  // Where even that record is gone, the listing shrank meanwhile: the receipt says so, and it is not asked for for ever.
  if (paging.kind === 'pages' || last === undefined || last.gone || isShown)
    return { children: new Map(), fresh: 0, set: { proven: true } };
  const { first: from, offset: begin } = last.tail ?? { first: 0, offset: 0 };
  const offset = begin + (last.index - from) * pageStride('offsets', size) + last.records - 1;
  // As long as what comes is full, there is more: twice as much is asked for each time.
  const pages = isFull && last.tail !== undefined ? Math.min(BLOCK_PAGES, 2 * (last.index - from + 1)) : 1;
  const { covered } = listing;
  const open = new Set(Array.from({ length: pages }, (_, i) => String(covered + i)));
  const block = { kind: 'block', open, first: covered, offset };
  const name = `${covered}-${covered + pages - 1}`;
  return { children: new Map([[name, block]]), fresh: 1, set: { covered: covered + pages, last: name } };
}

/** The slices that a group opens next. Refilled when it is half empty, so that a finished slice rarely costs more than its own leaving. */
async function nextSlices(context: NodeContext, group: Group): Promise<NextOpening | undefined> {
  const room = widest(context) - group.open.size;
  if (group.stopped || isExhausted(group) || 2 * room < widest(context)) return undefined;
  const left = indexesOf(group.again, group.redone, room);
  if (left.length > 0) return reopen(context, group, left);
  const { opened } = group;
  const { stream, slice, of } = listedSlice(context, group);
  const { from, to, parents, file } = slice;
  if (group.over === 'windows') {
    const count = Math.min(room, windowCount(group) - opened);
    const windows = Array.from({ length: count }, (_, i) => windowAt(group, opened + i));
    const items = windows.map((window) => newNodeItem(stream, { ...window, parents, file }, of, group));
    return { children: named(opened, items), fresh: count, set: {} };
  }
  const source = group.over === 'files' ? filesOf(listedSlice(context, group)) : parentsOf(context, stream, to);
  if (source === undefined) return undefined;
  const { of: parent, together, first } = source;
  if (opened === 0) return { children: named(0, [first]), fresh: 1, set: {} };
  // The first child finds the parents; only when it is done is it known who they are.
  if (group.open.has(sliceChild(0))) return undefined; // R31
  const found = await nextParents(context, childPath(context.path, sliceChild(0)), group, {
    batches: room,
    together,
    of: parent,
  });
  const items = found.batches.map((batch) =>
    newNodeItem(
      stream,
      group.over === 'files' ? { from, to, parents, file: readJobFile(batch[0]) } : { from, to, parents: batch },
      of,
    ),
  );
  const { after, line, exhausted } = found;
  return { children: named(opened, items), fresh: items.length, set: { after, line, exhausted } }; // R32
}

/** Where a group's children come from: its first child, under which name that lists them, and how many are taken together. */
type Source = { readonly of: string; readonly together: number; readonly first: Item };

function parentsOf(context: NodeContext, { each }: Stream, to: number): Source | undefined {
  if (each === undefined) return undefined;
  const { of, together = 1 } = each;
  const parentStream = streamNamed(context, of);
  const whole = { from: parseInstant(dateMark(parentStream.since)?.start) ?? FIRST_START, to };
  return { of, together, first: newNodeItem(parentStream, whole, of) };
}

/** A job lists its files in one chain, for the slice as it is. */
function filesOf({ stream, slice, name }: ListedSlice): Source {
  const of = filesName(name);
  return { of, together: 1, first: newNodeItem(filesStream(stream), slice, of) };
}

const named = (opened: number, items: readonly Item[]): Map<string, Item> =>
  new Map(items.map((item, i) => [sliceChild(opened + i), item]));

/** Children of a group in which an earlier phase left something. */
async function reopen(
  context: NodeContext,
  { redone, repair, sample }: Group,
  indexes: readonly number[],
): Promise<NextOpening> {
  const wanted = repair > 0 ? pagesToCheck(context, { round: repair, sample }) : undefined;
  const children = new Map<string, Item>();
  for (const name of indexes.map(sliceChild)) {
    const place = placeOf(childPath(context.path, name));
    const item = await retryItemAt(context, phaseOf(context.path) - 1, place, wanted);
    if (item !== undefined) children.set(name, item);
  }
  return { children, fresh: 0, set: { redone: redone + indexes.length } };
}
