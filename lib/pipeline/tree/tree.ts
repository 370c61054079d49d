import { chainTask, type SyncRef, TASK_VERSION } from '../../core/tasks.ts';
import type { Invocation } from '../invocation.ts';
import type { Clause, Written } from '../ports.ts';
import { createNode, readNode, updateNode } from '../store/node.ts';
import { isExhausted } from '../store/slices.ts';
import { childPath, nodeKey, parentOf } from '../store/sync-keys.ts';
import type { Node } from '../store/sync-state.ts';
import { dispatchTasks, dispatchWindowFor } from '../tasks/dispatch.ts';
import { firstTasks, sendOpenPages, sendTasks } from '../tasks/send-tasks.ts';
import {
  isEndProven,
  listingStepOf,
  type NextOpening,
  nextOpening,
  type OpeningNode,
  opensChildren,
  SMALLEST_WINDOW,
} from './next-opening.ts';

/**
 * The completion tree. Each node holds the set of its open children; sets only shrink, and who finishes a node passes
 * the closing on to its parent. The tree is the truth: a message only says where to look.
 */

/** Whether nothing of a node is left to do. */
export function isNodeDone(invocation: Invocation, ref: SyncRef, node: Node): boolean {
  if (node.kind === 'chain') return node.ended !== undefined;
  if (node.kind === 'block') return node.open.size === 0;
  if (node.open.size > 0) return false;
  if (node.kind === 'group') return node.stopped || isExhausted(node);
  return listingStepOf(invocation, ref, node, SMALLEST_WINDOW) === 'done' && isEndProven(node);
}

/**
 * Passes the closing on: opens what a node opens next, and where a node is done takes it out of its parent, up to the
 * root, whose end asks for the sync's close. Safe to run at any time, by anybody, any number of times.
 * `heal`: also send again what may never have been sent; for whoever has a reason to think that somebody died. `healAbove`: the same of the nodes
 * above it.
 */
export async function advanceNode(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  node: Node,
  heal = false,
  healAbove = heal,
): Promise<void> {
  if (heal || !opensChildren(node)) return completeNode(invocation, ref, path, node, heal, healAbove);
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
      if (current !== undefined) await completeNode(invocation, ref, path, current, heal, healAbove);
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

async function completeNode(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  node: Node,
  heal: boolean,
  healAbove: boolean,
): Promise<void> {
  const settled = opensChildren(node) ? await openChildren(invocation, ref, path, node, heal) : node;
  if (settled === undefined || !isNodeDone(invocation, ref, settled)) return;
  const up = parentOf(path);
  if (up === undefined) {
    await sendTasks(invocation, [{ v: TASK_VERSION, kind: 'close', ...ref }]);
    return;
  }
  const left = await removeFromParent(invocation, ref, up, settled);
  if (left.ok) await advanceNode(invocation, ref, up.parent, left.item, healAbove);
}

/** Takes a node that is done out of its parent, and tells what failed of it. What is counted of a block is counted by whoever takes it out, once. */
async function removeFromParent(
  invocation: Invocation,
  ref: SyncRef,
  { parent, name }: { readonly parent: string; readonly name: string },
  node: Node,
): Promise<Written<Node>> {
  const broken = node.kind === 'block' && node.failed.size > 0;
  const change = {
    delete: { open: new Set([name]) },
    ...(broken ? { set: { broken: true } } : {}),
  };
  if (broken && node.parts.size === 0) {
    const barren = { add: { barren: node.failed.size } };
    const first = await updateNode(invocation, ref, parent, { ...change, ...barren }, [{ contains: ['open', name] }]);
    if (first.ok) return first;
  }
  return updateNode(invocation, ref, parent, change);
}

/** Opens children until the node has enough open, or no more to open; gives the node as it then stands. */
async function openChildren(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  node: OpeningNode,
  heal: boolean,
): Promise<OpeningNode | undefined> {
  let current: Node | undefined = node;
  while (current !== undefined && opensChildren(current)) {
    // Also what somebody else has opened meanwhile: to those above, it is sent when this returns.
    if (heal && current.unsent.size > 0) {
      for (const name of current.unsent) await sendChild(invocation, ref, childPath(path, name));
      current = await markSent(invocation, ref, path, current.unsent);
      continue;
    }
    const next = await nextOpening(invocation, ref, path, current);
    if (next === undefined) return current;
    current = await openNodes(invocation, ref, path, current, next);
  }
  return undefined;
}

/** Children are there before their parent knows them, and their parent knows them before their tasks are out. */
export async function openNodes(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  node: OpeningNode,
  { children, fresh, set }: NextOpening,
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
    asSeen(node),
  );
  // A write that is repeated because its answer was lost fails against its own effect.
  const mine = entered.item !== undefined && opensChildren(entered.item) && entered.item.opener === opener;
  if ((!entered.ok && !mine) || names.size === 0) return entered.item;
  const window = await dispatchWindowFor(invocation, ref);
  const tasks = [...children].flatMap(([name, item]) => firstTasks(window, ref, childPath(path, name), item));
  await dispatchTasks(invocation, ref, tasks);
  for (const [name, { kind }] of children)
    if (kind === 'listing' || kind === 'group') await sendChild(invocation, ref, childPath(path, name));
  return markSent(invocation, ref, path, names);
}

/** That a node is as it was when it was decided what it opens: nobody else has opened anything, ended it, or put others in its place. */
function asSeen(node: OpeningNode): Clause[] {
  const same = (name: string, value: string | number | undefined): Clause =>
    value === undefined ? { absent: name } : { equal: [name, value] };
  return [
    same('kind', node.kind),
    same('opener', node.opener),
    ...(node.stopped ? [] : [same('stopped', undefined)]),
    ...(node.kind === 'listing' ? [same('end', node.end)] : []),
  ];
}

/** Sends what a child has open. */
async function sendChild(invocation: Invocation, ref: SyncRef, path: string): Promise<void> {
  const node = await readNode(invocation, ref, path);
  if (node?.kind === 'block') await sendOpenPages(invocation, ref, path, node);
  else if (node?.kind === 'chain' && node.ended === undefined)
    await sendTasks(invocation, [chainTask(ref, path, node.step)]);
  // Whoever opens or heals the parent sends the others himself: to heal it from here would lead back to this child, for ever.
  else if (node !== undefined) await advanceNode(invocation, ref, path, node, true, false);
}

async function markSent(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  names: ReadonlySet<string>,
): Promise<Node | undefined> {
  return (await updateNode(invocation, ref, path, { delete: { unsent: names } })).item;
}

/** Moves a page from the open to the failed. What is known of it must have been set aside before. */
export function failPage(invocation: Invocation, ref: SyncRef, path: string, page: number): Promise<Written<Node>> {
  const pages = new Set([String(page)]);
  const change = { delete: { open: pages }, add: { failed: pages } };
  return updateNode(invocation, ref, path, change, [{ contains: ['open', String(page)] }]);
}
