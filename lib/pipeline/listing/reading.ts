import type { Ties } from '../../core/listing/chain.ts';
import type { Reason } from '../../core/response/judge.ts';
import type { SyncRef, TaskOf } from '../../core/tasks.ts';
import { SECOND } from '../../core/time.ts';
import { type Account, metersOf } from '../credentials/account.ts';
import type { Invocation } from '../invocation.ts';
import type { MeterPlace } from '../limits/meters.ts';
import type { PageContent } from '../records/read-records.ts';
import type { Setup } from '../requests/fetch-page.ts';
import type { FetchedPage, Refusal } from '../requests/fetched-page.ts';
import { setupOf } from '../requests/setup.ts';
import { type Listed, listed } from '../store/slices.ts';
import type { Block, Chain, Listing, SyncState } from '../store/sync-state.ts';
import { attemptOf, type Received } from '../tasks/outcome.ts';
import type { Instead } from '../tree/replace-listing.ts';

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

export type PagesTask = Received<TaskOf<'pages'>>;

/** How far ahead a page's slot may be for the page to wait for it here, in milliseconds. A longer wait must cost nothing. */
export const PAGE_PATIENCE = 2 * SECOND;

/** What the pages of one block's tasks have in common. */
export type BlockRun = Reading & { readonly block: Block; readonly listing: Listing };

/** What became of one page. */
export type PageOutcome =
  | { readonly is: 'content'; readonly content: PageContent; readonly page: FetchedPage }
  | { readonly is: 'refused'; readonly refusal: Refusal };

/** Whether a refusal ends a page: it cannot heal, or had every chance to. */
export const isFinal = ({ settings }: Invocation, task: PagesTask, { heals, excused }: Refusal): boolean =>
  !heals || (excused === undefined && attemptOf(task) >= settings.ATTEMPTS);

/**
 * How far ahead a page's slot may be for the walk to wait for it, in milliseconds. More than a numbered page has, so that listings
 * that book as far ahead as they may leave room for a chain, which books for one page at a time.
 */
export const CHAIN_PATIENCE = 4 * SECOND;

/** `owner`: whoever walks, by a name of his own. */
export type Walk = Reading & { readonly owner: string };

/** Pages that were read but are not committed yet, and where the chain stands behind them. */
export type Ahead = {
  readonly contents: PageContent[];
  readonly since: number;
  cursor: string | undefined;
  remembered: string | undefined;
  /** The pages that were last read, and how many in a row were alike. */
  seen: string | undefined;
  ties: Ties | undefined;
  ended: boolean;
  /** Records of the chain up to here. */
  records: number;
  stray: boolean;
};

/** Why a chain does not go on: its next page was refused, or other slices have to be listed in its place. */
export type Obstacle =
  | { readonly refusal: Refusal; readonly instead?: undefined }
  | { readonly instead: Instead; readonly requests: number; readonly refusal?: undefined };
