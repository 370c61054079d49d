import { bytesOf, LONGEST_PARENTS } from '../../core/bounds.ts';
import { readJson } from '../../core/response/json.ts';
import type { Invocation } from '../invocation.ts';
import { atNode, type SyncContext, workerCache } from '../invocation.ts';
import { readNode } from '../store/node.ts';
import { parentOf, partKey, phaseOf, placeOf, rootPath } from '../store/sync-keys.ts';
import { type Group, type Part, partState } from '../store/sync-state.ts';
import { isPartCounted } from './read-parts.ts';

/** What is opened next: the parents of each slice, and how far the parts that list them have then been read. */
export type FoundParents = {
  readonly batches: readonly (readonly unknown[])[];
  readonly after: string;
  readonly line: number;
  readonly exhausted: boolean;
};

/**
 * The next parents of a group, in the order of the parts that its first child left, each once however often it is listed. Called when that child is done:
 * no part that counts is added any more, so every worker that asks from the same place finds the same. A later phase goes on after what earlier ones found.
 * `batches`: how many slices at most.
 */
export async function nextParents(
  context: SyncContext,
  listing: string,
  { after, line }: Group,
  { batches: most, together, of }: { batches: number; together: number; of: string },
): Promise<FoundParents> {
  const batches: unknown[][] = [];
  let place = { after, line };
  for await (const { id, parents } of listedParents(context, listing, of)) {
    if (id <= place.after) continue;
    let next = place.line;
    while (next < parents.length && batches.length < most) {
      const batch: unknown[] = [];
      for (let length = 0; next < parents.length && batch.length < together; next++) {
        const { text, isNew } = parents[next] ?? { text: '', isNew: false };
        length += bytesOf(text) + 1;
        if (batch.length > 0 && length > LONGEST_PARENTS) break;
        if (isNew) batch.push(readJson(text)); // R30
      }
      if (batch.length > 0) batches.push(batch);
    }
    if (next < parents.length) return { batches, after: place.after, line: next, exhausted: false };
    place = { after: id, line: 0 };
  }
  return { batches, ...place, exhausted: true };
}

/** A line of a part of parents. A parent that an earlier part listed is not new: records move while they are listed, and a listing may begin again. */
type Line = { readonly text: string; readonly isNew: boolean };

/** The parts of parents that were read last, in their order: a group takes a few parents at a time. */
const lastRead = workerCache<{ of: Listed }>(() => ({ of: newListed('') }));
type Listed = { readonly name: string; readonly parts: Map<string, readonly Line[]>; readonly seen: Set<string> };
const newListed = (name: string): Listed => ({ name, parts: new Map(), seen: new Set() });

/** What a listing has found in all phases so far. */
async function* listedParents(
  context: SyncContext,
  listing: string,
  of: string,
): AsyncIterable<{ readonly id: string; readonly parents: readonly Line[] }> {
  const { pk, sk } = partKey(context.connector.name, context.ref);
  const last = lastRead(context);
  const name = `${pk} ${sk}${listing}`;
  if (last.of.name !== name) last.of = newListed(name);
  const { parts, seen } = last.of;
  let read = '';
  for (const [id, parents] of parts) {
    yield { id, parents };
    read = id;
  }
  for (let phase = 0; phase <= phaseOf(listing); phase++)
    for await (const item of context.syncs.query(pk, sk + rootPath(phase) + placeOf(listing), read && sk + read)) {
      const id = item.sk.slice(sk.length);
      const part = partState.parse(item);
      if (part.of !== of || part.delivered === 0 || !(await counts(context, id, part))) continue; // R29
      const lines = parts.has(id) ? [] : await linesOf(context, part);
      // Two may read at once: both go from part to part in the same order, and who comes second takes what is there.
      const parents =
        parts.get(id) ?? lines.map((text) => ({ text, isNew: !seen.has(text) && seen.add(text).has(text) }));
      parts.set(id, parents);
      yield { id, parents };
    }
}

/** Each parent once, although a part may list it twice. */
async function linesOf({ objects }: Invocation, { key }: Part): Promise<readonly string[]> {
  const body = await objects.get(key);
  if (body === undefined) throw new Error(`The part ${key} of parents is not there.`);
  return [...new Set(new TextDecoder().decode(body).split('\n'))].filter((line) => line !== '');
}

async function counts(context: SyncContext, id: string, part: Part): Promise<boolean> {
  const up = parentOf(part.node);
  const node = await readNode(atNode(context, part.node));
  return isPartCounted(id, part, node, up && (await readNode(atNode(context, up.parent))));
}
