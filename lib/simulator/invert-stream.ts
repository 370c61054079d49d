import type { Account, Raw, Stream } from '../core/connector/connector.ts';
import { type JobPaging, one } from '../core/connector/paging.ts';
import { dateMark } from '../core/connector/since.ts';
import { parseInstant } from '../core/dates.ts';
import { FIRST_START } from '../core/verdict/watermark.ts';
import { findCountForm, findJobForms, findReplyForms, findSetupForm } from './find-reply-form.ts';
import { answerCount, answerJob, answerPage, type JobReplies } from './page.ts';
import type { Question } from './question.ts';
import { SimulatorRefusal } from './refusal.ts';
import { type ReplyForm, replyMaker } from './reply-form.ts';
import { requestForms, type Wanted, type Writing } from './request-form.ts';
import { textsIn } from './rule-answer.ts';
import { anyFacts, countFacts, pageProbe, sampleFacts } from './samples.ts';
import type { Holdings, StreamModel, Way } from './stream-model.ts';

/** Finds the requests of a stream, and the replies it can read. `account`: the connection that requests are given. */
export function invertStream(stream: Stream, account: Account<Raw, Raw>, holdings: Holdings): StreamModel {
  const setup = stream.setup && setupQuestion(holdings.name, stream.setup, account);
  const writing = writer(stream, { ...account, setup: setup?.value }, holdings);
  const { byKey } = stream.slices ?? {};
  const own = pageQuestion(stream, writing('request', stream.request), holdings);
  const keyed = byKey && { ...stream, ...byKey };
  const all = keyed ? [own, pageQuestion(keyed, writing('slices.byKey.request', keyed.request), holdings)] : [own];
  return {
    ...holdings,
    ways: all.map(({ way }) => way),
    questions: [
      ...(setup ? [setup.question] : []),
      ...all.map(({ question }) => question),
      ...(stream.count ? [countQuestion(stream.count, writing('count.request', stream.count.request), holdings)] : []),
    ],
  };
}

/** How the stream's functions write requests, given what they are to ask for. `told`: what they are told besides. */
function writer(stream: Stream, told: { params: Raw; grant: Raw; setup: Raw }, { parents }: Holdings) {
  const begin = parseInstant(dateMark(stream.since)?.start) ?? FIRST_START;
  const only: unknown = stream.each?.only?.(told);
  return (name: string, request: Stream['request']): Writing => ({
    ...{ name, begin, parents },
    write: ({ page, window, parents: [parent = only, ...more] }: Wanted) =>
      request({ ...told, page, window, parent, parents: [parent, ...more] }),
  });
}

/** The question for a page of the stream. */
function pageQuestion(stream: Stream, writing: Writing, holdings: Holdings): { way: Way; question: Question } {
  const { name, records } = holdings;
  const { paging } = stream;
  const forms = requestForms({ ...writing, pages: pageProbe(stream, records) });
  const { more, last } = findReplyForms(
    paging.kind === 'job' ? { ...stream, paging: one() } : stream,
    sampleFacts(stream, records),
  );
  const way = {
    paging: stream.paging,
    more: written(stream, replyMaker(more)),
    last: written(stream, replyMaker(last)),
  };
  const jobs = paging.kind === 'job' ? jobReplies(paging) : undefined;
  const answer: Question['answer'] = (asked, request, twist) =>
    jobs === undefined
      ? answerPage(holdings, way, asked, request, twist)
      : answerJob(holdings, jobs, asked, request, twist);
  return { way, question: { stream: name, forms, answer } };
}

/** What is answered about the jobs of a stream. */
function jobReplies(paging: JobPaging): JobReplies {
  const texts = textsIn(`${paging.ready} ${paging.files}`);
  const told = Object.fromEntries(texts.map((text, at) => [`text ${at}`, text]));
  const { started, waits, ready } = findJobForms(paging, told);
  const maker = (form: ReplyForm): ReturnType<typeof replyMaker> => {
    const make = replyMaker(form);
    return (facts) => make({ ...facts, told });
  };
  return { started: maker(started), waits: waits && maker(waits), ready: maker(ready) };
}

/** A reply in the format that the stream reads. */
function written({ read }: Stream, make: ReturnType<typeof replyMaker>): ReturnType<typeof replyMaker> {
  if (read === undefined) return make;
  const { write } = read;
  if (write === undefined)
    throw new SimulatorRefusal(
      '"read" cannot be turned round: give it a "write" that makes the text of a body, or use a reader of headgate/readers.',
    );
  return (facts) => {
    const { headers, body } = make(facts);
    return { headers, body: write(body) };
  };
}

/** The question for how many records there are. */
function countQuestion({ read, exact }: NonNullable<Stream['count']>, writing: Writing, holdings: Holdings): Question {
  const reply = replyMaker(findCountForm(read, countFacts));
  const answer: Question['answer'] = (asked, _, twist) => answerCount(holdings, { reply, exact }, asked, twist);
  return { stream: holdings.name, forms: requestForms(writing), answer };
}

/** What a stream asks once per sync, and what its requests are told of the answer. */
function setupQuestion(
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
