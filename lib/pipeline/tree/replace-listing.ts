import { type NarrowerWindows, narrowWindows } from '../../core/listing/slice.ts';
import type { SyncContext } from '../invocation.ts';
import { updateNode } from '../store/node.ts';
import type { ListedSlice } from '../store/slices.ts';
import { streamKey, syncKey } from '../store/sync-keys.ts';
import type { Chain, Listing, SyncState } from '../store/sync-state.ts';
import type { OpeningContext } from './next-opening.ts';
import { advanceNode } from './tree.ts';

/**
 * A listing that cannot be read as it was begun: its cursor has expired, or it is longer than the API lets be read. A group takes its place in
 * the tree, whose slices are listed instead. Nothing that was read of it counts any more.
 */
export type Replacement = NarrowerWindows & {
  readonly restarts: number;
  /** How many records the API lets be read, where that was found out just now. */
  readonly limit?: number;
};

/** How often a listing whose cursor expires is begun again. */
const MOST_RESTARTS = 3;

/** Begins a listing again; `undefined` if that was done often enough. */
export function restartListing(
  { slice: { from, to } }: ListedSlice,
  { restarts, byKey }: Chain,
): Replacement | undefined {
  return restarts < MOST_RESTARTS ? { width: Math.max(1, to - from), byKey, restarts: restarts + 1 } : undefined; // R28
}

/** Lists narrower windows instead; `undefined` if there are none. */
export function splitWindow(
  { stream, slice }: ListedSlice,
  { byKey, stray }: Pick<Chain | Listing, 'byKey' | 'stray'>,
): (Replacement & { restarts: 0 }) | undefined {
  const found = stray ? undefined : narrowWindows(stream, slice, byKey);
  return found && { ...found, restarts: 0 };
}

/** How many records of a listing the API lets be read, as the connector declares it or an earlier sync found out. */
export function readLimitOf({ stream: { paging }, of }: ListedSlice, sync: SyncState): number | undefined {
  return ('max' in paging ? paging.max : undefined) ?? (of === undefined ? sync.limit : undefined);
}

/** Statuses by which APIs refuse a page that lies beyond what they let be read. */
export const REFUSED_PAGE_STATUSES: ReadonlySet<number> = new Set([400, 403, 404, 410, 413, 416, 422]);

/** What a node is no longer when it becomes a group. */
const LISTING_ONLY_ATTRIBUTES = [
  ...[
    'open',
    'unsent',
    'opener',
    'stopped',
    'covered',
    'announced',
    'filled',
    'last',
    'limited',
    'told',
    'end',
    'broken',
    'barren',
    'size',
    'proven',
    'again',
    'redone',
  ],
  ...[
    'step',
    'cursor',
    'remembered',
    'seen',
    'ties',
    'lease',
    'owner',
    'began',
    'records',
    'stray',
    'trail',
    'sentinel',
  ],
];

/** The listing that is given up: its node, the stream that it is of, the block that showed it, and the requests that led to it. */
export type ReplacedListing = {
  readonly node: Chain | Listing;
  readonly of: string | undefined;
  readonly block?: string;
  readonly requests: number;
};

/**
 * Puts a group in the place of a listing that has not ended: its chain has not, or the block whose page showed that it is too long is still open. Who
 * comes too late changes nothing. A worker that still reads the old one finds that it is not wanted any more.
 */
export async function replaceListing(
  context: OpeningContext,
  { node, of, block = '', requests }: ReplacedListing,
  { width, byKey, restarts, limit }: Replacement,
): Promise<void> {
  if (limit !== undefined && of === undefined) await noteLimit(context, limit);
  const unchanged =
    node.kind === 'chain'
      ? [{ equal: ['step', node.step] } as const, { absent: 'ended' } as const]
      : [{ equal: ['kind', 'listing'] } as const, { contains: ['open', block] } as const]; // R35
  const written = await updateNode(
    context,
    {
      set: { kind: 'group', over: 'windows', width, byKey, restarts, opened: 0 },
      remove: LISTING_ONLY_ATTRIBUTES,
      add: { requests },
    },
    unchanged,
  );
  if (written.item?.kind !== 'group') return;
  if (!written.ok) await updateNode(context, { add: { requests } });
  context.log.info(restarts > 0 ? 'listing begun again' : 'slice cut', { ...context.ref, width, byKey, restarts });
  await advanceNode(context, written.item, true);
}

/** What one slice found out, the others of this sync and the syncs to come need not. */
async function noteLimit({ syncs, connector, clock, ref }: SyncContext, limit: number): Promise<void> {
  await syncs.update(syncKey(connector.name, ref), { set: { limit } }, [
    { either: [{ absent: 'limit' }, { greater: ['limit', limit] }] },
  ]);
  await syncs.update(streamKey(connector.name, ref), { set: { limit, limitAt: clock.now() } }, [
    { equal: ['current', ref.sync] },
  ]);
}
