import * as z from 'zod';
import { bytesOf } from '../bounds.ts';
import type { Asked } from '../connector/asked.ts';
import { cursor, type JobPaging } from '../connector/paging.ts';
import type { Stream } from '../connector/stream.ts';
import type { Raw, Reply } from '../exchange.ts';
import { writeJson } from '../response/json.ts';

/**
 * A job is started by one request, asked for until it is ready, and then has files. It is read as parents are: a chain of two pages (what started it, and
 * what said that it was ready) lists its files, and each file is a listing of its own.
 */

const jobFile = z.object({ job: z.string(), index: z.number(), of: z.number() });
/** One file of a job: its place among those that the job has. The worker that fetches it asks where it lies. */
export type JobFile = z.output<typeof jobFile>;
export const readJobFile = (value: unknown): JobFile => jobFile.parse(value);

/** The name under which the files of a stream's jobs are listed. No stream can be called so. */
const SUFFIX = ' files';
export const filesName = (stream: string): string => `${stream}${SUFFIX}`;
/** The stream whose jobs' files are listed under a name; `undefined`: it is a stream's own name. */
export const streamOfFiles = (name: string): string | undefined =>
  name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : undefined;

/** The listing of a job's files. Its cursor is the job's id. */
export function filesStream({ request, setup, timeout, largest }: Stream): Stream {
  return {
    request: (at) => request({ ...at, page: { job: at.page.cursor } }),
    paging: cursor({ size: 1, sparse: true, next: () => null }),
    records: () => [],
    accepts: true,
    ...{ schema: jobFile, key: 'index', order: 'by key' },
    ...(setup === undefined ? {} : { setup }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(largest === undefined ? {} : { largest }),
  };
}

/** What an answer tells of a job. */
export type JobAnswer =
  | { readonly is: 'started'; readonly job: string }
  | { readonly is: 'waits' }
  | { readonly is: 'ready'; readonly files: readonly string[] }
  | { readonly is: 'unclear'; readonly message: string };

const unclear = (message: string): JobAnswer => ({ is: 'unclear', message });
/** The most bytes of a job's id. */
const LONGEST_ID = 4 * 1_024;
/** A job may have as many files as a listing has pages at once. */
const MOST_FILES = 10_000;

/** Reads an answer to the request that starts a job (`job` is absent) or asks for it. `here`: the URL that it came from. */
export function readJobAnswer(
  paging: JobPaging,
  { reply, here, job, asked }: { reply: Reply; here: string; job: string | undefined; asked: Asked<Raw, Raw> },
): JobAnswer {
  const word = job === undefined ? 'start' : 'ready';
  try {
    if (job === undefined) return started(paging.start(reply, asked));
    const ready: unknown = paging.ready(reply, asked);
    if (typeof ready !== 'boolean') return unclear(`"ready" must give true or false (got ${shown(ready)})`);
    return ready ? filesOf(paging.files(reply, asked), here) : { is: 'waits' };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return unclear(`the job is not where "${word}" or "files" looks for it: ${why}`);
  }
}

function started(id: unknown): JobAnswer {
  if ((typeof id !== 'string' && typeof id !== 'number') || id === '')
    return unclear(`"start" must give the id of the job (got ${shown(id)})`);
  const bytes = bytesOf(String(id));
  if (bytes > LONGEST_ID) return unclear(`the id of the job must have at most ${LONGEST_ID} bytes (got ${bytes})`);
  return { is: 'started', job: String(id) };
}

function filesOf(found: unknown, here: string): JobAnswer {
  if (!Array.isArray(found)) return unclear(`"files" must give a list of URLs (got ${shown(found)})`);
  if (found.length > MOST_FILES)
    return unclear(`a job must have at most ${MOST_FILES} files (got ${found.length}): use narrower slices`);
  const files: string[] = [];
  for (const each of found) {
    const url = typeof each === 'string' && each !== '' ? URL.parse(each, here) : null;
    if (url === null || !/^https?:$/.test(url.protocol)) return unclear(`"files" must give URLs (got ${shown(each)})`);
    if (url.protocol === 'http:' && here.startsWith('https:'))
      return unclear(`a file must be fetched by https, as the API is (got http://${url.host})`);
    files.push(url.href);
  }
  return { is: 'ready', files };
}

/** What a value is. A text is not quoted: it may open a file. */
const shown = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  return typeof value === 'string' ? `a text of ${value.length} characters` : (writeJson(value) ?? '').slice(0, 60);
};
