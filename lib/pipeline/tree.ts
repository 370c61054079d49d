import type { Stream } from '../core/connector.ts';
import { writeJson } from '../core/json.ts';
import { BLOCK_PAGES, indexesOf, nextStep, stride, type Window } from '../core/listing.ts';
import { formOf, type Slice, windowAt, windowCount } from '../core/slice.ts';
import { chainTask, type SyncRef, TASK_VERSION, type Task } from '../core/tasks.ts';
import { parseInstant } from '../core/time.ts';
import { accountOf } from './account.ts';
import { againAt } from './again.ts';
import { dispatch, pagesPortions, windowFor } from './dispatch.ts';
import { type Invocation, streamOf } from './invocation.ts';
import { movedPages } from './moved-pages.ts';
import type { Change, Clause, Item, Written } from './ports.ts';
import type { Portion } from './postpone.ts';
import { lastBlockRepeats, lastPage, nextParents, toldByFirstPage } from './read-parts.ts';
import { isExhausted, listed, streamNamed } from './slices.ts';
import {
  type Block,
  childPath,
  expires,
  type Group,
  type Listing,
  type Node,
  nodeKey,
  nodeState,
  parentOf,
  phaseOf,
  placeOf,
  ROOT,
  type SyncState,
  sliceChild,
} from './sync-state.ts';

/**
 * The completion tree. Each node holds the set of its open children; sets only shrink, and who finishes a node passes
 * the closing on to its parent. The tree is the truth: a message only says where to look.
 */

/** Whether nothing of a node is left to do. */
export function isDone(invocation: Invocation, ref: SyncRef, node: Node): boolean {
  if (node.kind === 'chain') return node.ended !== undefined;
  if (node.kind === 'block') return node.open.size === 0;
  if (node.open.size > 0) return false;
  if (node.kind === 'group') return node.stopped || isExhausted(node);
  return step(invocation, ref, node, SMALLEST) === 'done' && isProven(node);
}

export async function readNode(invocation: Invocation, ref: SyncRef, path: string): Promise<Node | undefined> {
  const item = await invocation.syncs.get(nodeKey(invocation.connector.name, ref, path));
  return item === undefined ? undefined : nodeState.parse(item);
}

/** Changes a node that exists and notes the time: a write is progress. */
export async function updateNode(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  change: Change,
  when: readonly Clause[] = [],
): Promise<Written<Node>> {
  const set = { ...change.set, at: invocation.clock.now() };
  const written = await invocation.syncs.update(
    nodeKey(invocation.connector.name, ref, path),
    { ...change, set },
    when,
  );
  if (written.ok) {
    measureRequests(invocation, change);
    return { ok: true, item: nodeState.parse(written.item) };
  }
  return { ok: false, item: written.item && nodeState.parse(written.item) };
}

/** Every request is counted at a node, once it is known what came of it: this is where requests are measured, too. */
function measureRequests({ metrics }: Invocation, { add = {} }: Change): void {
  for (const [counted, metric] of REQUESTS) {
    const count = add[counted];
    if (typeof count === 'number' && count > 0) metrics.add(metric, count);
  }
}

const REQUESTS = [
  ['requests', 'RequestsSent'],
  ['throttled', 'RequestsThrottled'],
  ['retried', 'RequestsRetried'],
] as const;

export async function createNode(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  item: Change['set'] & object,
): Promise<void> {
  const now = invocation.clock.now();
  await invocation.syncs.create(nodeKey(invocation.connector.name, ref, path), { ...item, at: now, ...expires(now) });
}

/** The root of a new sync, put if it is absent. */
export async function plant(invocation: Invocation, ref: SyncRef, { from, to }: SyncState): Promise<void> {
  const stream = streamOf(invocation, ref.stream);
  if (stream === undefined) return;
  const only = await onlyParent(invocation, ref, stream);
  const parents = only === undefined ? undefined : [only];
  await createNode(invocation, ref, ROOT, seedling(stream, { from, to, parents }));
}

/** The parent that the connection's parameters name. Parameters that do not fit are found out by the first request. */
async function onlyParent(invocation: Invocation, ref: SyncRef, { each }: Stream): Promise<unknown> {
  if (each?.only === undefined) return undefined;
  const account = await accountOf(invocation, ref.connection);
  return 'params' in account ? each.only({ params: account.params }) : undefined;
}

/** The node that lists a slice of a stream, before anything of it is read. `of`: the stream's name, where it is not the sync's own. */
function seedling(
  stream: Stream,
  { from, to, parents }: Slice,
  of?: string,
  { restarts, byKey }: Pick<Group, 'restarts' | 'byKey'> = { restarts: 0, byKey: false },
): Item {
  const form = formOf(stream, { from, to, parents });
  const slice = {
    from,
    to,
    ...(of === undefined ? {} : { of }),
    ...(parents === undefined ? {} : { parents: writeJson(parents) ?? '[]' }),
    ...(restarts === 0 ? {} : { restarts }),
    ...(byKey ? { byKey } : {}),
  };
  switch (form.is) {
    case 'parents':
      return { kind: 'group', over: 'parents', opened: 0, ...slice };
    case 'windows':
      return { kind: 'group', over: 'windows', opened: 0, width: form.width, ...slice };
    case 'listing':
      return { kind: 'listing', opened: 0, covered: 0, ...slice };
    case 'chain':
      return { kind: 'chain', step: 0, ...slice };
  }
}

/**
 * Passes the closing on: opens what a node opens next, and where a node is done takes it out of its parent, up to the
 * root, whose end asks for the sync's close. Safe to run at any time, by anybody, any number of times.
 * `heal`: also send again what may never have been sent; for whoever has a reason to think that somebody died. `healAbove`: the same of the nodes
 * above it.
 */
export async function settle(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  node: Node,
  heal = false,
  healAbove = heal,
): Promise<void> {
  if (heal || !isOpener(node)) return passOn(invocation, ref, path, node, heal, healAbove);
  // Children that end together would all open the same next ones. Whoever came first does it, and looks again for the others: he holds
  // a message of the same batch.
  const openers = openersOf(invocation);
  const { pk, sk } = nodeKey(invocation.connector.name, ref, path);
  const name = `${pk} ${sk}`;
  if (openers.has(name)) return void openers.set(name, 'again');
  try {
    let current: Node | undefined = node;
    do {
      openers.set(name, 'once');
      if (current !== undefined) await passOn(invocation, ref, path, current, heal, healAbove);
      if (openers.get(name) === 'again') current = await readNode(invocation, ref, path);
    } while (openers.get(name) === 'again');
  } finally {
    openers.delete(name);
  }
}

/** The nodes that an invocation is opening children of, and whether others of them have ended meanwhile. */
const OPENERS = new WeakMap<Invocation, Map<string, 'once' | 'again'>>();
function openersOf(invocation: Invocation): Map<string, 'once' | 'again'> {
  const openers = OPENERS.get(invocation) ?? new Map<string, 'once' | 'again'>();
  OPENERS.set(invocation, openers);
  return openers;
}

async function passOn(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  node: Node,
  heal: boolean,
  healAbove: boolean,
): Promise<void> {
  const settled = isOpener(node) ? await openChildren(invocation, ref, path, node, heal) : node;
  if (settled === undefined || !isDone(invocation, ref, settled)) return;
  const up = parentOf(path);
  if (up === undefined) {
    await send(invocation, [{ v: TASK_VERSION, kind: 'close', ...ref }]);
    return;
  }
  const broken = settled.kind === 'block' && settled.failed.size > 0;
  const left = await updateNode(invocation, ref, up.parent, {
    delete: { open: new Set([up.name]) },
    ...(broken ? { set: { broken: true } } : {}),
  });
  if (left.ok) await settle(invocation, ref, up.parent, left.item, healAbove);
}

type Opener = Listing | Group;
const isOpener = (node: Node): node is Opener => node.kind === 'listing' || node.kind === 'group';

/** What a node opens next: its children by name, and what it then knows. */
type Opening = {
  readonly children: ReadonlyMap<string, Item>;
  /** How many of them were never opened in an earlier phase. */
  readonly fresh: number;
  readonly set: Item;
};

/** Opens children until the node has enough open, or no more to open; gives the node as it then stands. */
async function openChildren(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  node: Opener,
  heal: boolean,
): Promise<Opener | undefined> {
  let current: Node | undefined = node;
  while (current !== undefined && isOpener(current)) {
    // Also what somebody else has opened meanwhile: to those above, it is sent when this returns.
    if (heal && current.unsent.size > 0) {
      for (const name of current.unsent) await sendChild(invocation, ref, childPath(path, name));
      current = await markSent(invocation, ref, path, current.unsent);
      continue;
    }
    const next = await nextOpening(invocation, ref, path, current);
    if (next === undefined) return current;
    current = await open(invocation, ref, path, current, next);
  }
  return undefined;
}

const widest = ({ settings }: Invocation): number => 2 * settings.MAXIMUM_CONCURRENCY;

async function nextOpening(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  node: Opener,
): Promise<Opening | undefined> {
  if (node.kind === 'group') return nextSlices(invocation, ref, path, node);
  if (node.opened === 1 && node.open.size === 0 && !node.told) {
    // Who read the first page died before he could say what it told.
    const { stream } = listed(invocation, ref, node);
    const told = await toldByFirstPage(invocation, ref, path, node, stream.paging);
    return { children: new Map(), fresh: 0, set: { told: true, ...told } };
  }
  const next = step(invocation, ref, node, await windowFor(invocation, ref));
  if (next === 'done' && !isProven(node)) return nextTail(invocation, ref, path, node);
  if (typeof next === 'string') return undefined;
  const told = node.announced !== undefined && node.covered < node.announced;
  if (!told && node.last !== undefined && (await lastBlockRepeats(invocation, ref, path, node)))
    return { children: new Map(), fresh: 0, set: { limited: true } };
  const { from, to } = next.open;
  const pages = new Set(Array.from({ length: to - from + 1 }, (_, i) => String(from + i)));
  // Named by its pages: whoever died here may have had other limits in mind, and cut the listing otherwise.
  const name = `${from}-${to}`;
  const children = new Map([[name, { kind: 'block', open: pages }]]);
  return { children, fresh: 1, set: { covered: Math.max(node.covered, to + 1), last: name } };
}

/** Whether a listing is done does not depend on its window. */
const SMALLEST: Window = { blocks: 1, blockPages: 1, taskPages: 1 };

const step = (invocation: Invocation, ref: SyncRef, listing: Listing, window: Window) =>
  nextStep(
    listed(invocation, ref, listing).stream.paging.kind === 'offsets' ? 'offsets' : 'pages',
    { ...listing, outstanding: listing.open.size },
    window,
  );

/** Whether nothing is left to be shown of a listing's end. Where a total says it, nothing is. */
function isProven(listing: Listing): boolean {
  const { proven, announced, broken, stopped } = listing;
  return proven || announced !== undefined || broken || stopped;
}

/**
 * Looks for the end of a listing behind its last record, wherever that stood: a page that was short or empty before others with records is no
 * end. Offsets can ask for a page that begins with that record: if it brings nothing else, the listing ends there. A short page alone shows no end: the
 * API may give fewer records than it was asked for.
 */
async function nextTail(invocation: Invocation, ref: SyncRef, path: string, listing: Listing): Promise<Opening> {
  // An API that only repeats its last page shows no end.
  if (listing.limited) return { children: new Map(), fresh: 0, set: { proven: true } };
  const { paging } = listed(invocation, ref, listing).stream;
  const size = listing.size ?? ('size' in paging ? paging.size : 1);
  const last = await lastPage(invocation, ref, path, listing);
  const isFull = last !== undefined && last.records >= size;
  if (
    last !== undefined &&
    last.tail === undefined &&
    (paging.kind === 'pages' || isFull) &&
    listing.covered <= last.index + 1
  )
    return { children: new Map(), fresh: 0, set: { filled: last.index } };
  // A page that begins with the last record, and has no other, is such a page. Where an earlier phase looked for the end elsewhere, it is looked for anew.
  const isShown = last?.records === 1 && last.index > 0 && (last.tail !== undefined || phaseOf(path) === 0);
  // Where even that record is gone, the listing shrank meanwhile: the receipt says so, and nobody asks for ever.
  if (paging.kind === 'pages' || last === undefined || last.gone || isShown)
    return { children: new Map(), fresh: 0, set: { proven: true } };
  const { first: from, offset: begin } = last.tail ?? { first: 0, offset: 0 };
  const offset = begin + (last.index - from) * stride('offsets', size) + last.records - 1;
  // As long as what comes is full, there is more: twice as much is asked for each time.
  const pages = isFull && last.tail !== undefined ? Math.min(BLOCK_PAGES, 2 * (last.index - from + 1)) : 1;
  const { covered } = listing;
  const open = new Set(Array.from({ length: pages }, (_, i) => String(covered + i)));
  const block = { kind: 'block', open, first: covered, offset };
  const name = `${covered}-${covered + pages - 1}`;
  return { children: new Map([[name, block]]), fresh: 1, set: { covered: covered + pages, last: name } };
}

/** The slices that a group opens next. Refilled when it is half empty, so that a finished slice rarely costs more than its own leaving. */
async function nextSlices(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  group: Group,
): Promise<Opening | undefined> {
  const room = widest(invocation) - group.open.size;
  if (group.stopped || isExhausted(group) || 2 * room < widest(invocation)) return undefined;
  const left = indexesOf(group.again, group.redone, room);
  if (left.length > 0) return reopen(invocation, ref, path, group, left);
  const { opened } = group;
  const { stream, slice, of } = listed(invocation, ref, group);
  const { from, to, parents } = slice;
  if (group.over === 'windows') {
    const count = Math.min(room, windowCount(group) - opened);
    const windows = Array.from({ length: count }, (_, i) => windowAt(group, opened + i));
    const items = windows.map((window) => seedling(stream, { ...window, parents }, of, group));
    return { children: named(opened, items), fresh: count, set: {} };
  }
  if (stream.each === undefined) return undefined;
  const { of: parent, together = 1 } = stream.each;
  if (opened === 0) {
    const forebear = streamNamed(invocation, parent);
    const whole = { from: parseInstant(forebear.since?.start) ?? 0, to };
    return { children: named(0, [seedling(forebear, whole, parent)]), fresh: 1, set: {} };
  }
  // The first child finds the parents; only when it is done is it known who they are.
  if (group.open.has(sliceChild(0))) return undefined;
  const found = await nextParents(invocation, ref, childPath(path, sliceChild(0)), group, {
    batches: room,
    together,
    of: parent,
  });
  const items = found.batches.map((batch) => seedling(stream, { from, to, parents: batch }, of));
  const { after, line, exhausted } = found;
  return { children: named(opened, items), fresh: items.length, set: { after, line, exhausted } };
}

const named = (opened: number, items: readonly Item[]): Map<string, Item> =>
  new Map(items.map((item, i) => [sliceChild(opened + i), item]));

/** Children of a group in which an earlier phase left something. */
async function reopen(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  { redone, repair }: Group,
  indexes: readonly number[],
): Promise<Opening> {
  const wanted = repair > 0 ? movedPages(invocation, ref, repair) : undefined;
  const children = new Map<string, Item>();
  for (const name of indexes.map(sliceChild)) {
    const place = placeOf(childPath(path, name));
    const item = await againAt(invocation, ref, phaseOf(path) - 1, place, wanted);
    if (item !== undefined) children.set(name, item);
  }
  return { children, fresh: 0, set: { redone: redone + indexes.length } };
}

/** Children are there before their parent knows them, and their parent knows them before their tasks are out. */
async function open(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  node: Opener,
  { children, fresh, set }: Opening,
): Promise<Node | undefined> {
  const opener = invocation.random.id();
  const names = new Set(children.keys());
  await Promise.all([...children].map(([name, item]) => createNode(invocation, ref, childPath(path, name), item)));
  const entered = await updateNode(
    invocation,
    ref,
    path,
    {
      set: { ...set, opened: node.opened + fresh, opener },
      ...(names.size > 0 ? { add: { open: names, unsent: names } } : {}),
    },
    [{ equal: ['opened', node.opened] }, { equal: ['kind', node.kind] }, ...asRedone(node)],
  );
  // A write that is repeated because its answer was lost fails against its own effect.
  const mine = entered.item !== undefined && isOpener(entered.item) && entered.item.opener === opener;
  if ((!entered.ok && !mine) || names.size === 0) return entered.item;
  const window = await windowFor(invocation, ref);
  const tasks = [...children].flatMap(([name, item]) => firstTasks(window, ref, childPath(path, name), item));
  await dispatch(invocation, ref, tasks);
  for (const [name, { kind }] of children)
    if (kind === 'listing' || kind === 'group') await sendChild(invocation, ref, childPath(path, name));
  return markSent(invocation, ref, path, names);
}

/** Of a group that has children again: nobody else has opened the next of them. */
const asRedone = (node: Opener): Clause[] =>
  node.kind === 'group' && node.again.length > 0 ? [{ equal: ['redone', node.redone] }] : [];

/** The tasks of a node that was just put. One that opens children of its own has none. */
function firstTasks(window: Window, ref: SyncRef, path: string, { kind, open, step }: Item): Portion[] {
  if (kind === 'chain') return [{ task: chainTask(ref, path, Number(step)), requests: 1 }];
  return kind === 'block' && open instanceof Set ? pagesPortions(window, ref, path, open) : [];
}

/** Sends what a child has open. */
async function sendChild(invocation: Invocation, ref: SyncRef, path: string): Promise<void> {
  const node = await readNode(invocation, ref, path);
  if (node?.kind === 'block') await sendOpenPages(invocation, ref, path, node);
  else if (node?.kind === 'chain' && node.ended === undefined)
    await send(invocation, [chainTask(ref, path, node.step)]);
  // Whoever opens or heals the parent sends the others himself: to heal it from here would lead back to this child, for ever.
  else if (node !== undefined) await settle(invocation, ref, path, node, true, false);
}

async function markSent(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  names: ReadonlySet<string>,
): Promise<Node | undefined> {
  return (await updateNode(invocation, ref, path, { delete: { unsent: names } })).item;
}

export async function sendOpenPages(invocation: Invocation, ref: SyncRef, path: string, block: Block): Promise<void> {
  const window = await windowFor(invocation, ref);
  await dispatch(invocation, ref, pagesPortions(window, ref, path, block.open));
}

/** Moves a page from the open to the failed. What is known of it must have been set aside before. */
export function failPage(invocation: Invocation, ref: SyncRef, path: string, page: number): Promise<Written<Node>> {
  const pages = new Set([String(page)]);
  const change = { delete: { open: pages }, add: { failed: pages } };
  return updateNode(invocation, ref, path, change, [{ contains: ['open', String(page)] }]);
}

/** Sends tasks of one connection. `delay`: whole seconds. */
export async function send(invocation: Invocation, tasks: readonly Task[], delay = 0): Promise<void> {
  await invocation.queue.send(
    tasks.map((task) => ({ task, group: 'connection' in task ? task.connection : task.stream, delay })),
  );
}
