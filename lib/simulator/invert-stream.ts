import type { Account, Raw, Stream } from '../core/connector.ts';
import { parseInstant } from '../core/time.ts';
import { findCountForm, findReplyForms, findSetupForm } from './find-reply-form.ts';
import { answerCount, answerPage } from './page.ts';
import type { Parents } from './parents.ts';
import type { Question } from './question.ts';
import { replyMaker } from './reply-form.ts';
import { requestForms, type Wanted } from './request-form.ts';
import { anyFacts, countFacts, pageProbe, sampleFacts } from './samples.ts';
import type { Listings, StreamModel } from './stream-model.ts';
import type { StreamRecords } from './stream-records.ts';

/** `account`: what requests are told of their connection. */
export type StreamOptions = {
  readonly account: Account<Raw, Raw>;
  readonly records: StreamRecords;
  readonly parents: Parents | undefined;
};

/** Finds out what a stream asks, and answers out of which it reads what is meant. */
export function invertStream(name: string, stream: Stream, { account, records, parents }: StreamOptions): StreamModel {
  const setup = stream.setup && setupModel(name, stream.setup, account);
  const only: unknown = stream.each?.only?.(account);
  const told = { ...account, setup: setup?.value };
  const begin = parseInstant(stream.since?.start) ?? 0;
  /** What a request is told, given what it is to ask for. */
  const at = ({ parents: [parent = only, ...more], ...asked }: Wanted) => ({
    ...{ ...told, ...asked, parent, parents: [parent, ...more] },
  });

  const questions = setup === undefined ? [] : [setup.question];
  const listings: Listings[] = [];
  const model = { name, records, parents, listings, questions, newestFirst: stream.order === 'newest first' };
  const { byKey } = stream.slices ?? {};
  const ways: [string, Stream][] = [['request', stream]];
  if (byKey !== undefined) ways.push(['slices.byKey.request', { ...stream, ...byKey }]);
  for (const [way, listed] of ways) {
    const write = (asked: Wanted) => listed.request(at(asked));
    const forms = requestForms({ name: way, write, pages: pageProbe(listed, records), begin, parents });
    const { more, last } = findReplyForms(listed, sampleFacts(listed, records));
    const listing = { paging: listed.paging, more: replyMaker(more), last: replyMaker(last) };
    listings.push(listing);
    questions.push({
      stream: name,
      forms,
      answer: (asked, request, twist) => answerPage(model, listing, asked, request, twist),
    });
  }
  if (stream.count !== undefined) {
    const { request, read, exact } = stream.count;
    const write = (asked: Wanted) => request({ ...at(asked), page: undefined });
    const reply = replyMaker(findCountForm(read, countFacts));
    const forms = requestForms({ name: 'count.request', write, begin, parents });
    questions.push({
      stream: name,
      forms,
      answer: (asked, _, twist) => answerCount(model, reply, asked, exact, twist),
    });
  }
  return model;
}

/** What a stream asks once per sync, and what its requests are told of the answer. */
function setupModel(
  stream: string,
  { request, read }: NonNullable<Stream['setup']>,
  account: Account<Raw, Raw>,
): { readonly value: unknown; readonly question: Question } {
  const { headers, body } = replyMaker(findSetupForm('setup.read', read, anyFacts))(anyFacts);
  const value: unknown = read({ status: 200, header: (name) => headers[name.toLowerCase()], body });
  const forms = requestForms({ name: 'setup.request', write: () => request(account) });
  const answer = { status: 200, headers, body };
  return { value: JSON.parse(JSON.stringify(value)), question: { stream, forms, answer: () => answer } };
}
