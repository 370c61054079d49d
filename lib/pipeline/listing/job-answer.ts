import type { JobPaging } from '../../core/connector/paging.ts';
import { chainPage } from '../../core/listing/chain.ts';
import { type JobFile, readJobAnswer } from '../../core/listing/job.ts';
import type { Reason } from '../../core/response/judge.ts';
import { span } from '../../core/time.ts';
import { readRecords } from '../records/read-records.ts';
import { askedOf } from '../requests/fetch-page.ts';
import { type FetchedPage, type PageRefusal, refusePage } from '../requests/fetched-page.ts';
import type { BufferedPages, ChainWalk } from './reading.ts';

const WAITS: Reason = { code: 'job-waits', message: 'the job is not ready yet' };
const late = (within: string): Reason => ({ code: 'job-late', message: `the job was not ready within ${within}` });

/** An answer about a slice's job. `began`: when it was started, in epoch milliseconds. */
type AnsweredJob = {
  readonly paging: JobPaging;
  readonly page: FetchedPage;
  readonly index: number;
  readonly began: number | undefined;
};

/**
 * Takes what an answer tells of a job: the id of one that was just started, or the files of one that is ready. One that is not ready is asked for again later,
 * from a message that comes then: that is no attempt. An answer that a rule takes for empty says that there is nothing to be made.
 */
export function takeJobAnswer(
  walk: ChainWalk,
  ahead: BufferedPages,
  { paging, page, index, began }: AnsweredJob,
): PageRefusal | undefined {
  const { stream, slice } = walk.listed;
  const id = ahead.cursor;
  const asked = askedOf(stream, slice, chainPage(stream, id));
  const told = page.empty
    ? { is: 'ready' as const, files: [] }
    : readJobAnswer(paging, { reply: page.reply, here: page.url, job: id, asked });
  if (told.is === 'unclear') return refusePage(page, { code: 'bad-job', message: told.message });
  if (told.is === 'waits') {
    if (walk.clock.now() - (began ?? Number.POSITIVE_INFINITY) >= span(paging.within))
      return refusePage(page, late(paging.within));
    return { ...refusePage(page, WAITS), heals: true, excused: span(paging.every), waits: true };
  }
  const files = told.is === 'ready' ? told.files : [];
  const records = files.map((_, at): JobFile => ({ job: id ?? '', index: at, of: files.length }));
  const content = readRecords({ ...page, records }, index, {
    listed: walk.listed,
    mode: 'permissive',
    overlaps: false,
    startedAt: walk.sync.to,
  });
  if ('code' in content) return refusePage(page, content);
  ahead.contents.push({ ...content, cursor: id });
  ahead.cursor = told.is === 'started' ? told.job : undefined;
  ahead.job = told.is === 'started';
  ahead.ended = told.is === 'ready';
  ahead.records += content.fetched;
  return undefined;
}
