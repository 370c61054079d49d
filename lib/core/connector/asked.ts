import type { Instant } from '../dates.ts';

/**
 * What a request asks for changes from: `[from, to)`, or, as the stream's `since` says, the highest committed number or the token of the last sync. Those
 * two are `undefined` in a full sync.
 */
export type RequestWindow = {
  from: Instant;
  to: Instant;
  number?: number | undefined;
  token?: string | undefined;
};

/** What a request was made for: a page of a window, the children of a parent or of several. */
export type Asked<Page, Parent> = {
  page: Page;
  window: RequestWindow;
  parent: Parent;
  parents: readonly Parent[];
};
