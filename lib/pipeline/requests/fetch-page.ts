import type { Asked, Raw, Reply, Stream } from '../../core/connector/connector.ts';
import { dateMark } from '../../core/connector/since.ts';
import { instant, windowStart } from '../../core/dates.ts';
import type { Slice } from '../../core/listing/slice.ts';
import type { Reason } from '../../core/response/judge.ts';
import { SECOND } from '../../core/time.ts';
import type { AccountAccess } from '../credentials/account.ts';
import type { SyncContext } from '../invocation.ts';
import {
  type FetchedPage,
  type PageRefusal,
  type PageResult,
  refusePage,
  requestsOf,
  unsentRefusal,
} from './fetched-page.ts';
import type { KeptExchange } from './keep-answer.ts';
import { type ConnectionAccess, type StreamRequest, sendAndJudge } from './send-and-judge.ts';

/** How far ahead the slot of a count may be, in milliseconds. */
const COUNT_PATIENCE = 10 * SECOND;
/** What a stream asks once per sync, or why there is no answer. */
export type SetupResult = { readonly value: Raw } | { readonly refusal: PageRefusal };

export type PageRequest = Omit<StreamRequest, 'stream' | 'account' | 'request'> & {
  /** The connection, or why it cannot be used. */
  readonly account: AccountAccess | Reason;
  readonly stream: Stream;
  readonly slice: Slice;
  /** What the stream asks once per sync. */
  readonly setup: SetupResult;
  /** It is the listing's first page. */
  readonly first: boolean;
  /** What the request is told about its page. */
  readonly at: Raw;
};

/** Fetches a page; with the first one, and with one that is short, also the count that the stream asks for. */
export async function fetchPage(invocation: SyncContext, place: PageRequest): Promise<PageResult> {
  const { account, stream, setup, first } = place;
  if ('code' in account) return { refusal: unsentRefusal(account) };
  if ('refusal' in setup) return setup;
  const about = { ...place, setup: setup.value };
  const judged = { ...place, stream: streamAsked(stream, askedOf(stream, place.slice, place.at)) };
  const asked = await sendAndJudge(invocation, {
    ...judged,
    account,
    request: (at) => stream.request(told(at, about, place.at)),
  });
  if ('refusal' in asked) return asked;
  const { page } = asked;
  const { count, paging } = stream;
  const short = 'size' in paging && page.records.length < paging.size;
  // A listing that has nothing, by the API's own word, has nothing exactly.
  if (first && page.empty) return { page: { ...page, total: 0 } };
  if (count === undefined || page.empty || !(first || short)) return asked;

  // The page is there: its count may wait longer, and where there is no slot for it, the page is worth more without than asked for again.
  const patience = Math.max(place.patience, COUNT_PATIENCE);
  const counted = await askOnce(invocation, {
    account,
    meters: place.meters,
    patience,
    request: (at) => count.request(told(at, about, undefined)),
  });
  const left = page.exchange.requests + requestsOf(['refusal' in counted ? counted.refusal : counted]);
  /** Both requests left, whatever came of them. */
  const both = (exchange: KeptExchange): KeptExchange => ({ ...exchange, requests: left });
  if ('refusal' in counted) {
    const { excused, exchange = page.exchange } = counted.refusal;
    if (excused !== undefined) return { page: { ...page, exchange: both(page.exchange) } };
    return { refusal: { ...counted.refusal, exchange: both(exchange) } };
  }
  const records = readCount(count.read, counted.reply);
  if (typeof records !== 'number') return { refusal: refusePage({ exchange: both(counted.exchange) }, records) };
  const counts = count.exact ? { total: records } : { estimate: records };
  return { page: { ...page, exchange: both(page.exchange), ...counts } };
}

function readCount(read: (reply: Reply) => unknown, reply: Reply): number | Reason {
  try {
    const records = read(reply);
    if (typeof records === 'number' && Number.isSafeInteger(records) && records >= 0) return records;
    return { code: 'bad-count', message: `"count" is not a whole number: ${String(records).slice(0, 60)}` };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { code: 'bad-count', message: `"count" cannot be read from its answer: ${why}` };
  }
}

/** What the requests of a slice are made for. `page`: what they are told about their page. */
export const askedOf = (
  { since }: Pick<Stream, 'since'>,
  { from, to, mark, parents = [] }: Slice,
  page: Raw,
): Asked<Raw, Raw> => ({
  ...{ page, parents, parent: parents[0] },
  window: {
    ...{ from: windowStart(from, to, dateMark(since)?.zone), to: instant(to, dateMark(since)?.zone) },
    ...{ token: mark, number: mark === undefined ? undefined : Number(mark) },
  },
});

/** A stream that reads the answers to such requests. */
export const streamAsked = (stream: Stream, asked: Asked<Raw, Raw>): Stream => ({
  ...stream,
  records: (body) => stream.records(body, asked),
});

/** Everything a request is told. */
const told = (
  { params, grant }: ConnectionAccess,
  { stream, slice, setup }: { readonly stream: Stream; readonly slice: Slice; readonly setup: Raw },
  page: Raw,
) => ({ params, grant, setup, ...askedOf(stream, slice, page) });

/** Sends a request of a stream that is none for a page, and judges the answer by everything but its records. */
export async function askOnce(
  invocation: SyncContext,
  sending: Omit<StreamRequest, 'stream'>,
): Promise<Pick<FetchedPage, 'reply' | 'exchange'> | { readonly refusal: PageRefusal }> {
  const asked = await sendAndJudge(invocation, { ...sending, stream: { records: () => [], accepts: true } });
  return 'page' in asked ? asked.page : asked;
}
