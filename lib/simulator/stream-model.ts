import type { Account, Raw, Stream } from '../core/connector.ts';
import { parseInstant } from '../core/time.ts';
import { findCountForm, findReplyForms, findSetupForm } from './find-reply-form.ts';
import { answerCount, answerPage } from './page.ts';
import type { Question } from './question.ts';
import { replyMaker } from './reply-form.ts';
import { requestForms, type Window } from './request-form.ts';
import { anyFacts, countFacts, pageProbe, sampleFacts } from './samples.ts';
import { type StreamRecords, streamRecords } from './stream-records.ts';

/** One stream of the simulated API: what it holds, and what its connector asks of it. */
export type StreamModel = {
  readonly name: string;
  readonly newestFirst: boolean;
  readonly records: StreamRecords;
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

/** `account`: what requests are told of their connection. */
export type StreamOptions = { readonly seed: number; readonly account: Account<Raw, Raw>; readonly count: number };

/** Inverts a stream. */
export function streamModel(name: string, stream: Stream, { seed, account, count }: StreamOptions): StreamModel {
  const records = streamRecords(stream, name, seed, count);
  const setup = stream.setup && setupModel(name, stream.setup, account);
  const parent: unknown = stream.each?.only?.(account);
  const at = { ...account, parent, parents: [parent], setup: setup?.value };
  const begin = parseInstant(stream.since?.start) ?? 0;

  const questions = setup === undefined ? [] : [setup.question];
  const listings: Listings[] = [];
  const model = { name, records, listings, questions, newestFirst: stream.order === 'newest first' };
  const { byKey } = stream.slices ?? {};
  const ways: [string, Stream][] = [['request', stream]];
  if (byKey !== undefined) ways.push(['slices.byKey.request', { ...stream, ...byKey }]);
  for (const [way, listed] of ways) {
    const write = (asked: { page: unknown; window: Window }) => listed.request({ ...at, ...asked });
    const forms = requestForms({ name: way, write, pages: pageProbe(listed, records), begin });
    const { more, last } = findReplyForms(listed, sampleFacts(listed, records));
    const listing = { paging: listed.paging, more: replyMaker(more), last: replyMaker(last) };
    listings.push(listing);
    questions.push({ stream: name, forms, answer: (asked, request) => answerPage(model, listing, asked, request) });
  }
  if (stream.count !== undefined) {
    const { request, read, exact } = stream.count;
    const write = (asked: { window: Window }) => request({ ...at, ...asked, page: undefined });
    const reply = replyMaker(findCountForm(read, countFacts));
    const forms = requestForms({ name: 'count.request', write, begin });
    questions.push({ stream: name, forms, answer: (asked) => answerCount(model, reply, asked, exact) });
  }
  return model;
}

/** What a stream asks once per sync, and what its requests are told of the answer. */
function setupModel(
  stream: string,
  { request, read }: NonNullable<Stream['setup']>,
  account: Account<Raw, Raw>,
): { readonly value: unknown; readonly question: Question } {
  const { headers, body } = replyMaker(findSetupForm(read, anyFacts))(anyFacts);
  const value: unknown = read({ status: 200, header: (name) => headers[name.toLowerCase()], body });
  const forms = requestForms({ name: 'setup.request', write: () => request(account) });
  const answer = { status: 200, headers, body };
  return { value: JSON.parse(JSON.stringify(value)), question: { stream, forms, answer: () => answer } };
}
