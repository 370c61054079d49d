import type { SyncRef } from '../../core/tasks.ts';
import type { Invocation } from '../invocation.ts';
import type { Change, Clause, Written } from '../ports.ts';
import { expiryOf, nodeKey } from './sync-keys.ts';
import { type Node, nodeState } from './sync-state.ts';

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
  await invocation.syncs.create(nodeKey(invocation.connector.name, ref, path), { ...item, at: now, ...expiryOf(now) });
}
