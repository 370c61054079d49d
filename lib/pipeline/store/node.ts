import type { Invocation, NodeContext } from '../invocation.ts';
import type { Change, Clause, Written } from '../ports.ts';
import { expiryOf, nodeKey } from './sync-keys.ts';
import { type Node, nodeState } from './sync-state.ts';

export async function readNode(context: NodeContext): Promise<Node | undefined> {
  const item = await context.syncs.get(nodeKey(context.connector.name, context.ref, context.path));
  return item === undefined ? undefined : nodeState.parse(item);
}

/** Changes a node that exists and notes the time: a write is progress. */
export async function updateNode(
  context: NodeContext,
  change: Change,
  when: readonly Clause[] = [],
): Promise<Written<Node>> {
  const set = { ...change.set, at: context.clock.now() };
  const written = await context.syncs.update(
    nodeKey(context.connector.name, context.ref, context.path),
    { ...change, set },
    when,
  );
  if (written.ok) {
    measureRequests(context, change);
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

export async function createNode(context: NodeContext, item: Change['set'] & object): Promise<void> {
  const now = context.clock.now();
  await context.syncs.create(nodeKey(context.connector.name, context.ref, context.path), {
    ...item,
    at: now,
    ...expiryOf(now),
  });
}
