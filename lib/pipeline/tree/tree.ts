import { chainTask, TASK_VERSION } from '../../core/tasks.ts';
import { atNode, type Invocation, type NodeContext, type SyncContext } from '../invocation.ts';
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
  type OpeningContext,
  type OpeningNode,
  opensChildren,
  SMALLEST_WINDOW,
} from './next-opening.ts';

/**
 * The completion tree. Each node holds the set of its open children; sets only shrink, and who finishes a node passes
 * the closing on to its parent. The tree is the truth: a message only says where to look.
 */

/** Whether nothing of a node is left to do. */
export function isNodeDone(context: SyncContext, node: Node): boolean {
  if (node.kind === 'chain') return node.ended !== undefined;
  if (node.kind === 'block') return node.open.size === 0;
  if (node.open.size > 0) return false;
  if (node.kind === 'group') return node.stopped || isExhausted(node); // R12
  if (node.look) return node.opened > 0 || node.stopped;
  return listingStepOf(context, node, SMALLEST_WINDOW) === 'done' && isEndProven(node);
}

/**
 * Passes the closing on: opens what a node opens next, and where a node is done takes it out of its parent, up to the
 * root, whose end asks for the sync's close. Safe to run at any time, by anybody, any number of times.
 * `heal`: also send again what may never have been sent; for a caller that has a reason to think that a worker died. `healAbove`: the same of the nodes
 * above it.
 */
export async function advanceNode(context: OpeningContext, node: Node, heal = false, healAbove = heal): Promise<void> {
  if (heal || !opensChildren(node)) return completeNode(context, node, heal, healAbove);
  // Children that end together would all open the same next ones. The first caller does it, and looks again for the others: it holds
  // a message of the same batch.
  const openers = openersOf(context);
  const { pk, sk } = nodeKey(context.connector.name, context.ref, context.path);
  const name = `${pk} ${sk}`;
  if (openers.has(name)) return void openers.set(name, 'again');
  try {
    let current: Node | undefined = node;
    do {
      openers.set(name, 'once');
      if (current !== undefined) await completeNode(context, current, heal, healAbove);
      if (openers.get(name) === 'again') current = await readNode(context);
    } while (openers.get(name) === 'again');
  } finally {
    openers.delete(name);
  }
}

/** The nodes that an invocation is opening children of, and whether others of them have ended meanwhile. Each invocation has a `remaining` of its own. */
const OPENERS = new WeakMap<Invocation['remaining'], Map<string, 'once' | 'again'>>();
function openersOf({ remaining }: Invocation): Map<string, 'once' | 'again'> {
  const openers = OPENERS.get(remaining) ?? new Map<string, 'once' | 'again'>();
  OPENERS.set(remaining, openers);
  return openers;
}

async function completeNode(context: OpeningContext, node: Node, heal: boolean, healAbove: boolean): Promise<void> {
  const settled = opensChildren(node) ? await openChildren(context, node, heal) : node;
  if (settled === undefined || !isNodeDone(context, settled)) return;
  const up = parentOf(context.path);
  if (up === undefined) {
    await sendTasks(context, [{ v: TASK_VERSION, kind: 'close', ...context.ref }]);
    return;
  }
  const left = await removeFromParent(context, up, settled);
  if (left.ok) await advanceNode(atNode(context, up.parent), left.item, healAbove);
}

/** Takes a node that is done out of its parent, and tells what failed of it. What is counted of a block is counted once, by the worker that takes it out. */
async function removeFromParent(
  context: SyncContext,
  { parent, name }: { readonly parent: string; readonly name: string },
  node: Node,
): Promise<Written<Node>> {
  const broken = node.kind === 'block' && node.failed.size > 0 && !node.look;
  const change = {
    delete: { open: new Set([name]) },
    ...(broken ? { set: { broken: true } } : {}), // R17
  };
  if (broken && node.parts.size === 0) {
    const barren = { add: { barren: node.failed.size } };
    const first = await updateNode(atNode(context, parent), { ...change, ...barren }, [{ contains: ['open', name] }]);
    if (first.ok) return first;
  }
  return updateNode(atNode(context, parent), change);
}

const atChild = <C extends NodeContext>(context: C, name: string): C & NodeContext =>
  atNode(context, childPath(context.path, name));

/** Opens children until the node has enough open, or no more to open; gives the node as it then stands. */
async function openChildren(
  context: OpeningContext,
  node: OpeningNode,
  heal: boolean,
): Promise<OpeningNode | undefined> {
  let current: Node | undefined = node;
  while (current !== undefined && opensChildren(current)) {
    // Also what somebody else has opened meanwhile: to those above, it is sent when this returns.
    // R7
    if (heal && current.unsent.size > 0) {
      for (const name of current.unsent) await sendChild(atChild(context, name));
      current = await markSent(context, current.unsent);
      continue;
    }
    const next = await nextOpening(context, current);
    if (next === undefined) return current;
    current = await openNodes(context, current, next);
  }
  return undefined;
}

/** Children are there before their parent knows them, and their parent knows them before their tasks are out. */
export async function openNodes(
  context: OpeningContext,
  node: OpeningNode,
  { children, fresh, set }: NextOpening,
): Promise<Node | undefined> {
  const opener = context.random.id();
  const names = new Set(children.keys());
  await createChildren(context, children); // R5
  const entered = await updateNode(
    context,
    {
      set: { ...set, opened: node.opened + fresh, opener },
      ...(names.size > 0 ? { add: { open: names, unsent: names } } : {}), // R6
    },
    asSeen(node),
  );
  if (!entered.ok || names.size === 0) return entered.item;
  const window = dispatchWindowFor(context);
  const tasks = [...children].flatMap(([name, item]) => firstTasks(atChild(context, name), window, item));
  await dispatchTasks(context, tasks);
  for (const [name, { kind }] of children)
    if (kind === 'listing' || kind === 'group') await sendChild(atChild(context, name));
  return markSent(context, names);
}

async function createChildren(context: NodeContext, children: NextOpening['children']): Promise<void> {
  await Promise.all([...children].map(([name, item]) => createNode(atChild(context, name), item)));
}

/** That a node is as it was when it was decided what it opens: no other worker has opened anything, ended it, or put others in its place. */
function asSeen(node: OpeningNode): Clause[] {
  const same = (name: string, value: string | number | undefined): Clause =>
    value === undefined ? { absent: name } : { equal: [name, value] };
  return [
    same('kind', node.kind),
    same('opener', node.opener), // R10
    ...(node.stopped ? [] : [same('stopped', undefined)]),
    ...(node.kind === 'listing' ? [same('end', node.end)] : []), // R11
  ];
}

/** Sends what a child has open. */
async function sendChild(context: OpeningContext): Promise<void> {
  const node = await readNode(context);
  if (node?.kind === 'block') await sendOpenPages(context, node);
  else if (node?.kind === 'chain' && node.ended === undefined)
    await sendTasks(context, [chainTask(context.ref, context.path, node.step)]);
  // The worker that opens or heals the parent sends the others itself: to heal it from here would lead back to this child, for ever.
  else if (node !== undefined) await advanceNode(context, node, true, false);
}

async function markSent(context: NodeContext, names: ReadonlySet<string>): Promise<Node | undefined> {
  return (await updateNode(context, { delete: { unsent: names } })).item;
}

/** Moves a page from the open to the failed. What is known of it must have been set aside before. */
export function failPage(context: NodeContext, page: number): Promise<Written<Node>> {
  const pages = new Set([String(page)]);
  const change = { delete: { open: pages }, add: { failed: pages } };
  return updateNode(context, change, [{ contains: ['open', String(page)] }]);
}
