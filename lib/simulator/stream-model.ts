import type { Stream } from '../core/connector.ts';
import type { Parents } from './parents.ts';
import type { Question } from './question.ts';
import type { replyMaker } from './reply-form.ts';
import type { StreamRecords } from './stream-records.ts';

/** One stream of the simulated API: what it holds, and what its connector asks of it. */
export type StreamModel = {
  readonly name: string;
  readonly newestFirst: boolean;
  readonly records: StreamRecords;
  /** Those whose children its records are; absent if it has none, or only the one that the parameters name. */
  readonly parents: Parents | undefined;
  /** The ways in which its pages are asked for: its own, and perhaps by key. */
  readonly listings: readonly Listings[];
  readonly questions: readonly Question[];
};

/** One way in which pages are asked for, and what the replies look like: to a page that others follow, and to the last one. */
export type Listings = {
  readonly paging: Stream['paging'];
  readonly more: ReturnType<typeof replyMaker>;
  readonly last: ReturnType<typeof replyMaker>;
};
