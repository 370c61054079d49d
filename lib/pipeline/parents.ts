import { readJson } from '../core/json.ts';
import type { SyncRef } from '../core/tasks.ts';
import type { Invocation } from './invocation.ts';
import {
  type Group,
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

/** What is opened next: the parents of each slice, and how far the parts that list them have then been read. */
export type FoundParents = {
  readonly batches: readonly (readonly unknown[])[];
  readonly after: string;
  readonly line: number;
  readonly exhausted: boolean;
};

/**
 * The next parents of a group, in the order of the parts that its first child left. Called when that child is done: no part that counts is
 * added any more, so whoever asks from the same place finds the same. A later phase goes on behind what earlier ones found. `batches`: how many slices at most.
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

/** Each parent once, although a part may list it twice. */
async function readParents({ objects }: Invocation, { key }: Part): Promise<unknown[]> {
  const body = await objects.get(key);
  if (body === undefined) throw new Error(`The part ${key} of parents is not there.`);
  const lines = new TextDecoder().decode(body).split('\n');
  return [...new Set(lines)].filter((each) => each !== '').map((each) => readJson(each));
}

async function counts(invocation: Invocation, ref: SyncRef, id: string, part: Part): Promise<boolean> {
  const read = async (path: string): Promise<Node | undefined> => {
    const item = await invocation.syncs.get(nodeKey(invocation.connector.name, ref, path));
    return item === undefined ? undefined : nodeState.parse(item);
  };
  const up = parentOf(part.node);
  return partCounts(id, part, await read(part.node), up && (await read(up.parent)));
}

/**
 * Whether a part counts: a block of a listing holds its id, or a chain has gone past the step it begins at. Any other is an orphan, or
 * belongs to a listing in whose place others were read.
 */
export function partCounts(id: string, part: Part, node: Node | undefined, up: Node | undefined): boolean {
  if (node?.kind === 'block') return up?.kind === 'listing' && node.parts.has(id.slice(id.indexOf('@') + 1));
  return node?.kind === 'chain' && (part.pages[0]?.[0] ?? 0) < node.step;
}
