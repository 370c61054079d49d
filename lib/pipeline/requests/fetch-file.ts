import type { JobPaging } from '../../core/connector/paging.ts';
import { filesStream, type JobFile, readJobAnswer } from '../../core/listing/job.ts';
import type { Reason } from '../../core/response/judge.ts';
import { type SyncContext, workerCache } from '../invocation.ts';
import { askedOf, fetchPage, type PageRequest, streamAsked } from './fetch-page.ts';
import { type PageRefusal, type PageResult, refusePage, unsentRefusal } from './fetched-page.ts';
import { sendAndJudge } from './send-and-judge.ts';

/** Where the files of the jobs lie that a worker asked for last. Nowhere else are these URLs kept: a URL alone opens the file. */
const knownFiles = workerCache(() => new Map<string, readonly string[]>());
const MOST_KNOWN = 100;

const CHANGED: Reason = {
  code: 'job-changed',
  message: 'the job no longer has the files that it had when it was ready',
};

/**
 * Fetches a file of a job. The API is asked where it lies: such a URL soon expires. One that the API, or a store of its files, no longer takes is asked
 * for anew at the next attempt.
 */
export async function fetchFile(
  context: SyncContext,
  place: PageRequest,
  { paging, file }: { readonly paging: JobPaging; readonly file: JobFile },
): Promise<PageResult> {
  const { account, stream, slice } = place;
  if ('code' in account) return { refusal: unsentRefusal(account) };
  const known = knownFiles(context);
  const { connection, stream: name, sync } = context.ref;
  const key = JSON.stringify([connection, name, sync, file.job]);
  let files = known.get(key);
  let requests = 0;
  if (files === undefined) {
    const asked = await askWhere(context, place, { paging, file });
    if ('refusal' in asked) return asked;
    ({ files, requests } = asked);
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(key, files);
  }
  const sent = await sendAndJudge(context, {
    ...place,
    ...{ account, stream: streamAsked(stream, askedOf(stream, slice, undefined)) },
    ...{ url: files[file.index], anywhere: true, request: () => ({ path: '/', headers: { accept: '*/*' } }) },
  });
  if ('page' in sent) return { page: { ...sent.page, exchange: withRequests(sent.page.exchange, requests) } };
  const { refusal } = sent;
  const exchange = refusal.exchange && withRequests(refusal.exchange, requests);
  if (!isGone(refusal)) return { refusal: { ...refusal, exchange } };
  known.delete(key);
  return { refusal: { ...refusal, exchange, heals: true } };
}

const withRequests = <E extends { readonly requests: number }>(exchange: E, more: number): E => ({
  ...exchange,
  requests: exchange.requests + more,
});

/** Where the files lie; or why that is not known, though the job was ready. */
async function askWhere(
  context: SyncContext,
  place: PageRequest,
  { paging, file }: { readonly paging: JobPaging; readonly file: JobFile },
): Promise<{ readonly files: readonly string[]; readonly requests: number } | { readonly refusal: PageRefusal }> {
  const at = { cursor: file.job };
  const asked = await fetchPage(context, {
    ...place,
    ...{
      stream: filesStream({ ...place.stream, paging }),
      at,
      first: false,
      url: undefined,
      holding: undefined,
      portion: undefined,
    },
  });
  if ('refusal' in asked) return asked;
  const { page } = asked;
  const about = {
    reply: page.reply,
    here: page.url,
    job: file.job,
    asked: askedOf(place.stream, place.slice, { job: file.job }),
  };
  const told = readJobAnswer(paging, about);
  if (told.is === 'unclear') return { refusal: refusePage(page, { code: 'bad-job', message: told.message }) };
  if (told.is !== 'ready' || told.files.length !== file.of)
    return { refusal: { ...refusePage(page, CHANGED), heals: true } };
  return { files: told.files, requests: page.exchange.requests };
}

/** Whether a URL is no longer taken: it has expired. */
const isGone = ({ exchange }: PageRefusal): boolean => GONE.has(exchange?.status ?? 0);
const GONE: ReadonlySet<number> = new Set([400, 401, 403, 404, 410]);
