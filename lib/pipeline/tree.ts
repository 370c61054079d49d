import { nextStep, type PageRange, portions, runs } from '../core/listing.ts';
import { type SyncRef, TASK_VERSION, type Task, type TaskOf } from '../core/tasks.ts';
import { type Invocation, streamOf } from './invocation.ts';
import type { Change, Clause, Written } from './ports.ts';
import {
  type Block,
  childPath,
  expires,
  type Listing,
  type Node,
  nodeKey,
  nodeState,
  parentOf,
  ROOT,
} from './sync-state.ts';

/**
 * The completion tree. Each node holds the set of its open children; sets only shrink, and who finishes a node passes
 * the closing on to its parent. The tree is the truth: a message only says where to look.
 */

/** Whether nothing of a node is left to do. */
export function isDone(invocation: Invocation, ref: SyncRef, node: Node): boolean {
  if (node.kind === 'chain') return node.ended !== undefined;
  if (node.kind === 'block') return node.open.size === 0;
  return node.open.size === 0 && step(invocation, ref, node) === 'done';
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
  if (written.ok) return { ok: true, item: nodeState.parse(written.item) };
  return { ok: false, item: written.item && nodeState.parse(written.item) };
}

async function createNode(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  item: Change['set'] & object,
): Promise<void> {
  const now = invocation.clock.now();
  await invocation.syncs.create(nodeKey(invocation.connector.name, ref, path), { ...item, at: now, ...expires(now) });
}

/** The root of a new sync, put if it is absent: a chain, or a listing with no block yet. */
export async function plant(invocation: Invocation, ref: SyncRef): Promise<void> {
  const root = isNumbered(invocation, ref) ? { kind: 'listing', opened: 0, covered: 0 } : { kind: 'chain', step: 0 };
  await createNode(invocation, ref, ROOT, root);
}

const pagingKind = (invocation: Invocation, ref: SyncRef) => streamOf(invocation, ref.stream)?.paging.kind;
const isNumbered = (invocation: Invocation, ref: SyncRef): boolean => {
  const kind = pagingKind(invocation, ref);
  return kind === 'pages' || kind === 'offsets';
};

/**
 * Passes the closing on: opens what a listing opens next, and where a node is done takes it out of its parent, up to the
 * root, whose end asks for the sync's close. Safe to run at any time, by anybody, any number of times.
 * `heal`: also send again what may never have been sent; for whoever has a reason to think that somebody died.
 */
export async function settle(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  node: Node,
  heal = false,
): Promise<void> {
  const settled = node.kind === 'listing' ? await openBlocks(invocation, ref, path, node, heal) : node;
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
  if (left.ok) await settle(invocation, ref, up.parent, left.item, heal);
}

const step = (invocation: Invocation, ref: SyncRef, listing: Listing) =>
  nextStep(
    pagingKind(invocation, ref) === 'offsets' ? 'offsets' : 'pages',
    { ...listing, outstanding: listing.open.size },
    2 * invocation.settings.MAXIMUM_CONCURRENCY,
  );

/** Opens blocks until the listing has enough open, or no more to open; gives the listing as it then stands. */
async function openBlocks(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  node: Listing,
  heal: boolean,
): Promise<Listing | undefined> {
  let listing: Node | undefined = node;
  if (heal) for (const name of node.unsent) await sendBlock(invocation, ref, path, name);
  while (listing?.kind === 'listing') {
    const next = step(invocation, ref, listing);
    if (typeof next === 'string') return listing;
    listing = await openBlock(invocation, ref, path, listing.opened, next.open);
  }
  return undefined;
}

/** The block is there before its parent knows it, and its parent knows it before its tasks are out. */
async function openBlock(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  index: number,
  { from, to }: PageRange,
): Promise<Node | undefined> {
  const open = new Set(Array.from({ length: to - from + 1 }, (_, i) => String(from + i)));
  const name = String(index);
  const opener = invocation.random.id();
  await createNode(invocation, ref, childPath(path, name), { kind: 'block', open });
  const entered = await updateNode(
    invocation,
    ref,
    path,
    { set: { opened: index + 1, covered: to + 1, opener }, add: { open: new Set([name]), unsent: new Set([name]) } },
    [{ equal: ['opened', index] }],
  );
  // A write that is repeated because its answer was lost fails against its own effect.
  const mine = entered.item?.kind === 'listing' && entered.item.opener === opener;
  if (!entered.ok && !mine) return entered.item;
  await send(
    invocation,
    portions({ from, to }).map((range) => pagesTask(ref, childPath(path, name), range)),
  );
  return markSent(invocation, ref, path, name);
}

/** Sends a block's open pages again. */
async function sendBlock(invocation: Invocation, ref: SyncRef, path: string, name: string): Promise<void> {
  const node = await readNode(invocation, ref, childPath(path, name));
  if (node?.kind === 'block') await sendOpenPages(invocation, ref, childPath(path, name), node);
  await markSent(invocation, ref, path, name);
}

async function markSent(invocation: Invocation, ref: SyncRef, path: string, name: string): Promise<Node | undefined> {
  return (await updateNode(invocation, ref, path, { delete: { unsent: new Set([name]) } })).item;
}

export const sendOpenPages = (invocation: Invocation, ref: SyncRef, path: string, block: Block): Promise<void> =>
  send(
    invocation,
    runs([...block.open].map(Number)).map((range) => pagesTask(ref, path, range)),
  );

export const pagesTask = (ref: SyncRef, node: string, { from, to }: PageRange): TaskOf<'pages'> => ({
  v: TASK_VERSION,
  kind: 'pages',
  ...ref,
  node,
  from,
  to,
  attempts: 0,
});

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
