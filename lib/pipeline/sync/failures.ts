import type { SyncRef } from '../../core/tasks.ts';
import { forSync, type Invocation } from '../invocation.ts';
import { syncPartition } from '../store/sync-keys.ts';
import { type FailedPage, type StreamState, type SyncState, syncState } from '../store/sync-state.ts';
import { readTrees } from '../tree/read-tree.ts';
import { readStream } from './start-sync.ts';

/** A sync in which something stands that did not come. */
export type FailedSync = {
  readonly ref: SyncRef;
  readonly sync: SyncState;
  /** Pages that failed, and that no later phase brought. */
  readonly failed: readonly FailedPage[];
};

/**
 * The syncs of a stream in which pages are missing, the oldest first. One whose pages a later sync brought, as far as can be told,
 * is none of them; nor is one that is being read.
 */
export async function* failedSyncs(
  invocation: Invocation,
  place: Pick<SyncRef, 'connection' | 'stream'>,
): AsyncGenerator<FailedSync> {
  const stream = await readStream(forSync(invocation, { ...place, sync: '' }));
  for await (const { ref, sync } of closedSyncs(invocation, place)) {
    if (sync.accepted !== undefined || gotEverything(stream, ref.sync, sync) !== undefined) continue;
    const failed: FailedPage[] = [];
    for await (const { leaves } of readTrees(forSync(invocation, ref), sync.phase))
      for (const leaf of leaves.values()) failed.push(...leaf.failed);
    failed.sort((a, b) => a.page - b.page);
    if (failed.length > 0) yield { ref, sync, failed };
  }
}

/** The syncs of a stream that are closed and whose state is still kept, the oldest first. */
export async function* closedSyncs(
  { syncs, connector }: Invocation,
  place: Pick<SyncRef, 'connection' | 'stream'>,
): AsyncGenerator<Pick<FailedSync, 'ref' | 'sync'>> {
  for await (const { sk, ...item } of syncs.query(syncPartition(connector.name, place), 'SYNC#')) {
    const sync = syncState.parse(item);
    if (sync.status === 'closed' && sync.superseded === undefined)
      yield { ref: { ...place, sync: sk.slice('SYNC#'.length) }, sync };
  }
}

/**
 * The later sync that got what this one lacks, as far as can be told, or this one, where an operator accepted what it lacks; `undefined`: none did. What a full sync lacks, another full one alone brings: an
 * incremental one asks for no more than what changed.
 */
export function gotEverything(
  { lastCommitted = '', lastFullCommitted = '' }: StreamState,
  id: string,
  { mode }: Pick<SyncState, 'mode'>,
): string | undefined {
  const later = mode === 'full' ? lastFullCommitted : lastCommitted;
  return later >= id ? later : undefined;
}
