import type { Stream } from '../core/connector/connector.ts';
import type { Run } from './cursor-text.ts';
import { LEAST_PARENTS, PROBED } from './probed.ts';
import type { Maker } from './records.ts';
import { SimulatorRefusal } from './refusal.ts';
import { firstWhere, isBefore } from './sorted.ts';
import type { StreamRecords } from './stream-records.ts';

/** The records of another stream, as the requests of their children name them. */
export type Parents = {
  readonly count: number;
  /** How many of them one request may name. */
  readonly together: number;
  /** What is picked of the record with this index. */
  readonly parent: Maker;
  /** Index of the parent that has this text at this path; -1 if there is none. */
  readonly find: (path: string, text: string) => number;
};

type Leaf = readonly [path: string, value: string | number];

/** The texts and numbers of which a parent consists, each with its path; one that is a text itself has the path ``. */
export function leavesOf(parent: unknown, path = ''): readonly Leaf[] {
  if (typeof parent === 'string' || typeof parent === 'number') return [[path, parent]];
  if (typeof parent !== 'object' || parent === null) return [];
  return Object.entries(parent).flatMap(([name, value]) => leavesOf(value, `${path}/${name}`));
}

/** The parents of a stream. Throws a {@link SimulatorRefusal} if what is picked of them does not tell one from another. */
export function parentsOf(
  { pick, together = 1 }: NonNullable<Stream['each']>,
  { schema }: Stream,
  { count, record }: StreamRecords,
): Parents {
  const parent = (index: number): unknown => pick(schema.parse(record(index)));
  const leafAt = (path: string, index: number) => leavesOf(parent(index)).find(([found]) => found === path)?.[1];
  const rises = (path: string) =>
    PROBED.every((index, at) => at === 0 || isBefore(leafAt(path, PROBED[at - 1] ?? 0), leafAt(path, index)));
  if (!leavesOf(parent(0)).some(([path]) => rises(path))) {
    throw new SimulatorRefusal('its "each.pick" must give text or a number that differs from record to record.');
  }
  const find = (path: string, text: string): number => {
    const most = Math.max(count, LEAST_PARENTS);
    const wanted = typeof leafAt(path, 0) === 'number' ? Number(text) : text;
    const index = firstWhere(0, most, (one) => !isBefore(leafAt(path, one), wanted));
    return index < most && leafAt(path, index) === wanted ? index : -1;
  };
  return { count, together, parent, find };
}

/** The children of a parent, if there are `total` children in all: the first parents have few or none, the last have many. */
export function childrenOf({ count }: Parents, index: number, total: number): Run {
  const before = (parent: number) => Math.floor(total * (parent / count) ** 2);
  return { low: before(index), high: before(index + 1) };
}
