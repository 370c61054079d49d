import type { Stream } from '../core/connector/connector.ts';
import type { Parents } from './parents.ts';
import type { Question } from './question.ts';
import type { replyMaker } from './reply-form.ts';
import type { StreamRecords } from './stream-records.ts';

/** What the simulated API has of one stream. */
export type Holdings = {
  readonly name: string;
  readonly newestFirst: boolean;
  readonly records: StreamRecords;
  /** Those whose children its records are; absent if it has none, or only the one that the parameters name. */
  readonly parents: Parents | undefined;
};

/** One way in which pages are asked for, and what the replies look like: to a page that others follow, and to the last one. */
export type Way = {
  readonly paging: Stream['paging'];
  readonly more: ReturnType<typeof replyMaker>;
  readonly last: ReturnType<typeof replyMaker>;
};

/** One stream of the simulated API: what it has, and what its connector asks of it. */
export type StreamModel = Holdings & {
  /** By its own paging, and by key where declared. */
  readonly ways: readonly Way[];
  readonly questions: readonly Question[];
};
