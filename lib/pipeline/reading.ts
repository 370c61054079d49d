import type { Reason } from '../core/judge.ts';
import type { SyncRef } from '../core/tasks.ts';
import { type Account, metersOf } from './account.ts';
import type { Setup } from './fetch-page.ts';
import type { Invocation } from './invocation.ts';
import type { MeterPlace } from './meters.ts';
import { setupOf } from './setup.ts';
import { type Listed, listed } from './slices.ts';
import type { Chain, Listing, SyncState } from './sync-state.ts';

/** What is known of a node's listing while pages of it are read. */
export type Reading = {
  readonly ref: SyncRef;
  /** The node that they are of: a block, or a chain. */
  readonly path: string;
  readonly account: Account | Reason;
  readonly sync: SyncState;
  readonly meters: readonly MeterPlace[];
  readonly listed: Listed;
  readonly setup: Setup;
};

/** What is known before the node is looked at. */
export type Given = Pick<Reading, 'account' | 'sync'>;

/** `patience`: how far ahead a slot may be, in milliseconds. `asks`: pages are asked for, so the stream's setup has to be known. */
export async function beginReading(
  invocation: Invocation,
  ref: SyncRef,
  path: string,
  { account, sync }: Given,
  { node, patience, asks }: { readonly node: Listing | Chain; readonly patience: number; readonly asks: boolean },
): Promise<Reading> {
  const what = listed(invocation, ref, node);
  const meters = metersOf(account, what.name);
  const setup: Setup = asks
    ? await setupOf(invocation, ref, what, account, { meters, patience })
    : { value: undefined };
  return { ref, path, account, sync, meters, listed: what, setup };
}
