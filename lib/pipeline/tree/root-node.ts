import type { Stream } from '../../core/connector/connector.ts';
import { listingForm, type Slice } from '../../core/listing/slice.ts';
import { writeJson } from '../../core/response/json.ts';
import { atNode, type SyncContext, streamOf } from '../invocation.ts';
import type { Item } from '../ports.ts';
import { createNode } from '../store/node.ts';
import { ROOT_PATH } from '../store/sync-keys.ts';
import type { Group, SyncState } from '../store/sync-state.ts';

/** The root of a new sync, put if it is absent. `only`: the one parent whose children it lists, where the connection names one. */
export async function createRoot(context: SyncContext, { from, to }: SyncState, only: unknown): Promise<void> {
  const stream = streamOf(context, context.ref.stream);
  if (stream === undefined) return;
  const parents = only === undefined ? undefined : [only];
  await createNode(atNode(context, ROOT_PATH), newNodeItem(stream, { from, to, parents }));
}

/** The node that lists a slice of a stream, before anything of it is read. `of`: the stream's name, where it is not the sync's own. */
export function newNodeItem(
  stream: Stream,
  { from, to, parents, file }: Slice,
  of?: string,
  { restarts, byKey }: Pick<Group, 'restarts' | 'byKey'> = { restarts: 0, byKey: false },
): Item {
  const form = listingForm(stream, { from, to, parents, file });
  const slice = {
    from,
    to,
    ...(of === undefined ? {} : { of }),
    ...(parents === undefined ? {} : { parents: writeJson(parents) ?? '[]' }),
    ...(file === undefined ? {} : { file: writeJson(file) ?? '' }),
    ...(restarts === 0 ? {} : { restarts }),
    ...(byKey ? { byKey } : {}),
  };
  switch (form.is) {
    case 'parents':
    case 'files':
      return { kind: 'group', over: form.is, opened: 0, ...slice };
    case 'windows':
      return { kind: 'group', over: 'windows', opened: 0, width: form.width, ...slice };
    case 'listing':
      return { kind: 'listing', opened: 0, covered: 0, ...slice };
    case 'chain':
      return { kind: 'chain', step: 0, ...slice };
  }
}
