import { readTrail } from '../../core/listing/chain-end.ts';
import { isCutShort } from '../../core/listing/listing.ts';
import type { ListingTally } from '../../core/verdict/judge-listing.ts';
import { phaseOf } from '../store/sync-keys.ts';
import type { Part } from '../store/sync-state.ts';
import type { TreeListing } from './read-tree.ts';

/** What the tree says of one listing, but for the keys that came more than once: those stand in objects. */
export function tallyListing({
  node,
  blocks,
  parts,
  looks,
  lookPhase,
  failed,
  forgone,
}: TreeListing): Omit<ListingTally, 'again'> {
  const read = parts.filter(({ look }) => !look);
  const readings = [...read, ...looks].flatMap(({ pages, node: at, look, instead }) =>
    instead === undefined
      ? pages.map(([index, records, , , keys = '']) => ({ index, records, keys, look, phase: phaseOf(at) }))
      : [],
  );
  const lastRead = Math.max(0, ...read.map(({ node: at }) => phaseOf(at)));
  const statedBy = (all: readonly Part[]): number[] =>
    all.flatMap(({ leastTotal, greatestTotal }) =>
      leastTotal === undefined || greatestTotal === undefined ? [] : [leastTotal, greatestTotal],
    );
  const first = statedBy(read);
  // Of a listing that is read only in part, a total says nothing; a look would state it all the same.
  const stated = first.length === 0 ? first : [...first, ...statedBy(looks)];
  return {
    // The parts come in the order of their phases.
    pages: read.flatMap(({ pages, instead }) =>
      instead === undefined ? pages.map(([index, records, first, last]) => [index, records, first, last] as const) : [],
    ),
    tails: new Set([...blocks.values()].flatMap(({ first }) => first ?? [])),
    behind: new Set(
      parts.filter(({ node }) => blocks.get(node)?.first !== undefined).flatMap(({ pages }) => pages.map(([i]) => i)),
    ),
    size: node.kind === 'listing' ? node.size : undefined,
    planned: node.kind === 'listing' ? node.covered - forgone : node.step + (node.ended === 'failed' ? 1 : 0),
    failed,
    readings,
    lookTried: lookPhase > lastRead,
    doubts: read.flatMap(({ doubts }) => doubts),
    counting: node.kind === 'chain' && readTrail(node.trail).nature === 'counts',
    cutShort: node.kind === 'listing' ? isCutShort(node) : node.ended === 'failed',
    delivered: add(parts, ({ delivered }) => delivered),
    quarantined: add(parts, ({ quarantined }) => quarantined),
    dropped: add(parts, ({ repeated }) => repeated),
    estimate: greatest(parts.flatMap(({ estimate }) => estimate ?? [])),
    totals: stated.length === 0 ? undefined : { least: Math.min(...stated), greatest: Math.max(...stated) },
  };
}

const add = <T>(all: readonly T[], count: (each: T) => number): number =>
  all.reduce((sum, each) => sum + count(each), 0);
const greatest = (values: readonly number[]): number | undefined =>
  values.reduce<number | undefined>((all, one) => Math.max(all ?? one, one), undefined);
