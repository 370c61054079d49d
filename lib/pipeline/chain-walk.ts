import type { Ties } from '../core/chain.ts';
import { SECOND } from '../core/time.ts';
import type { Refusal } from './fetched-page.ts';
import type { Instead } from './instead.ts';
import type { PageContent } from './read-records.ts';
import type { Reading } from './reading.ts';

/**
 * How far ahead a page's slot may be for the walk to wait for it, in milliseconds. More than a numbered page has, so that listings
 * that book as far ahead as they may leave room for a chain, which books for one page at a time.
 */
export const PATIENCE = 4 * SECOND;

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
