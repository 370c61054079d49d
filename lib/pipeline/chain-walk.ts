import type { Reason } from '../core/judge.ts';
import type { SyncRef } from '../core/tasks.ts';
import { SECOND } from '../core/time.ts';
import type { Account } from './account.ts';
import type { Refusal, Setup } from './fetch-page.ts';
import type { Instead } from './instead.ts';
import type { MeterPlace } from './meters.ts';
import type { PageContent } from './read-records.ts';
import type { Listed } from './slices.ts';
import type { SyncState } from './sync-state.ts';

/**
 * How far ahead a page's slot may be for the walk to wait for it, in milliseconds. More than a numbered page has, so that listings
 * that book as far ahead as they may leave room for a chain, which books for one page at a time.
 */
export const PATIENCE = 4 * SECOND;

export type Walk = {
  readonly ref: SyncRef;
  readonly path: string;
  readonly account: Account | Reason;
  readonly meters: readonly MeterPlace[];
  readonly listed: Listed;
  readonly sync: SyncState;
  readonly setup: Setup;
  readonly owner: string;
};

/** Pages that were read but are not committed yet, and where the chain stands behind them. */
export type Ahead = {
  readonly contents: PageContent[];
  readonly since: number;
  cursor: string | undefined;
  remembered: string | undefined;
  ended: boolean;
  /** Records of the chain up to here. */
  records: number;
  stray: boolean;
};

/** Why a chain does not go on: its next page was refused, or other slices have to be listed in its place. */
export type Obstacle =
  | { readonly refusal: Refusal; readonly instead?: undefined }
  | { readonly instead: Instead; readonly requests: number; readonly refusal?: undefined };
