import type { Instant } from '../dates.ts';

/** What a request was made for: a page of a window, the children of a parent or of several. The window is `[from, to)`. */
export type Asked<Page, Parent> = {
  page: Page;
  window: { from: Instant; to: Instant };
  parent: Parent;
  parents: readonly Parent[];
};
