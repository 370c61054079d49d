import type { Hash } from 'node:crypto';
import type { KeysetTies } from '../../core/listing/chain.ts';
import type { ChainTrail } from '../../core/listing/chain-end.ts';
import type { Reason } from '../../core/response/judge.ts';
import type { TaskOf } from '../../core/tasks.ts';
import { SECOND } from '../../core/time.ts';
import { type AccountAccess, limitersOf } from '../credentials/account.ts';
import type { Invocation, NodeContext } from '../invocation.ts';
import type { LimiterKey } from '../limits/limiter-store.ts';
import type { MemoryHolding } from '../limits/memory-budget.ts';
import type { PageContent } from '../records/read-records.ts';
import type { SetupResult } from '../requests/fetch-page.ts';
import type { FetchedPage, PageRefusal, WholeAnswer } from '../requests/fetched-page.ts';
import { setupOf } from '../requests/setup.ts';
import { type ListedSlice, listedSlice } from '../store/slices.ts';
import type { Block, Chain, Listing, SyncState } from '../store/sync-state.ts';
import type { DispatchContext } from '../tasks/dispatch.ts';
import { attemptOf, type ReceivedTask } from '../tasks/outcome.ts';
import type { Replacement } from '../tree/replace-listing.ts';
import { decideRefusal, type RefusalDecision } from './refused-pages.ts';

/** An invocation's work on a block or a chain, and what is known of its listing. */
export type ReadingContext = PreparedContext & {
  readonly path: string;
  readonly meters: readonly LimiterKey[];
  readonly listed: ListedSlice;
  readonly setup: SetupResult;
};

/** An invocation's work on a sync that is open, with the account that its requests use. */
export type PreparedContext = DispatchContext & { readonly account: AccountAccess | Reason; readonly sync: SyncState };

/** `patience`: how far ahead a slot may be, in milliseconds. `asks`: pages are asked for, so the stream's setup has to be known. */
export async function beginReading(
  context: PreparedContext & NodeContext,
  { node, patience, asks }: { readonly node: Listing | Chain; readonly patience: number; readonly asks: boolean },
): Promise<ReadingContext> {
  const { account } = context;
  const unmarked = listedSlice(context, node);
  const { mark } = context.sync;
  // What parents are listed by is not what the sync asks for.
  const listed =
    mark === undefined || unmarked.name !== context.ref.stream
      ? unmarked
      : { ...unmarked, slice: { ...unmarked.slice, mark } };
  const meters = limitersOf(account, listed.name);
  const setup: SetupResult = asks
    ? await setupOf(context, listed, { account, meters, patience })
    : { value: undefined };
  return { ...context, meters, listed, setup };
}

export type PagesTask = ReceivedTask<TaskOf<'pages'>>;

/** How far ahead a page's slot may be for the page to wait for it here, in milliseconds. A longer wait must cost nothing. */
export const PAGE_PATIENCE = 2 * SECOND;

/** An invocation's work on a block. `tasks`: each open page that is asked for, with a task that does. */
export type BlockRun = ReadingContext & {
  readonly block: Block;
  readonly listing: Listing;
  readonly tasks: ReadonlyMap<number, PagesTask>;
  /** All pages are held until they are committed together. */
  readonly holding: MemoryHolding;
};

/** What became of one page. */
export type PageOutcome =
  | { readonly is: 'content'; readonly content: PageContent; readonly page: FetchedPage }
  | { readonly is: 'refused'; readonly refusal: PageRefusal };

/** What becomes of a page that one of these tasks asked for, and that was refused. */
export const decidePageRefusal = ({ settings }: Invocation, task: PagesTask, refusal: PageRefusal): RefusalDecision =>
  decideRefusal(refusal, attemptOf(task), settings.ATTEMPTS);

/**
 * How far ahead a page's slot may be for the walk to wait for it, in milliseconds. More than a numbered page has, so that listings
 * that book as far ahead as they may leave room for a chain, which books for one page at a time.
 */
export const CHAIN_PATIENCE = 4 * SECOND;

/** An invocation's work on a chain. `received`: the task that asks for it. `owner`: names the walk that has the chain's lease. */
export type ChainWalk = ReadingContext & { readonly received: ReceivedTask<TaskOf<'chain'>>; readonly owner: string };
/** A walk that has the lease. `from`: the chain as it was claimed. */
export type ClaimedWalk = ChainWalk & { readonly from: Chain };

/** A body that this worker holds: what was read of it, and where it goes on. */
export type OpenFile = {
  /** How it was asked for. */
  readonly asked: Pick<FetchedPage, 'url' | 'lag' | 'exchange'>;
  readonly whole: WholeAnswer;
  readonly next: number;
  /** Of everything before `next`. */
  readonly hash: Hash;
};

/** Pages that were read but are not committed yet, and where the chain stands after them. */
export type BufferedPages = {
  readonly contents: PageContent[];
  readonly since: number;
  cursor: string | undefined;
  remembered: string | undefined;
  /** The pages that were last read, and how many in a row were alike. */
  seen: string | undefined;
  ties: KeysetTies | undefined;
  ended: boolean;
  /** Records of the chain up to here. */
  records: number;
  stray: boolean;
  trail: ChainTrail;
  /** A job was started. */
  job: boolean;
  /** A body that is read in portions, from where `cursor` stands on. */
  file: OpenFile | undefined;
};

/** Why a chain does not go on: its next page was refused, or other slices have to be listed in its place. */
export type ChainBlocked =
  | { readonly refusal: PageRefusal; readonly instead?: undefined }
  | { readonly instead: Replacement; readonly requests: number; readonly refusal?: undefined };
