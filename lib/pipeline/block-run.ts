import type { TaskOf } from '../core/tasks.ts';
import { SECOND } from '../core/time.ts';
import type { FetchedPage, Refusal } from './fetched-page.ts';
import type { Invocation } from './invocation.ts';
import { attemptOf, type Received } from './outcome.ts';
import type { PageContent } from './read-records.ts';
import type { Reading } from './reading.ts';
import type { Block, Listing } from './sync-state.ts';

export type PagesTask = Received<TaskOf<'pages'>>;

/** How far ahead a page's slot may be for the page to wait for it here, in milliseconds. A longer wait must cost nothing. */
export const PATIENCE = 2 * SECOND;

/** What the pages of one block's tasks have in common. */
export type BlockRun = Reading & { readonly block: Block; readonly listing: Listing };

/** What became of one page. */
export type PageOutcome =
  | { readonly is: 'content'; readonly content: PageContent; readonly page: FetchedPage }
  | { readonly is: 'refused'; readonly refusal: Refusal };

/** Whether a refusal ends a page: it cannot heal, or had every chance to. */
export const isFinal = ({ settings }: Invocation, task: PagesTask, { heals, excused }: Refusal): boolean =>
  !heals || (excused === undefined && attemptOf(task) >= settings.ATTEMPTS);
