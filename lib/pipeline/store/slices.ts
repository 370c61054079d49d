import type { Stream } from '../../core/connector/connector.ts';
import { type JobPaging, one } from '../../core/connector/paging.ts';
import { filesStream, type JobFile, readJobFile, streamOfFiles } from '../../core/listing/job.ts';
import { rangeLength } from '../../core/listing/listing.ts';
import { type Slice, windowCount } from '../../core/listing/slice.ts';
import { readJson } from '../../core/response/json.ts';
import { type Invocation, type SyncContext, streamOf } from '../invocation.ts';
import { type Chain, type Group, type Listing, parseParents } from './sync-state.ts';

/** What a node lists: what its requests are told besides their page, and what becomes of the records. */
export type ListedSlice = {
  readonly stream: Stream;
  readonly slice: Slice;
  /** Of a listing of parents: the stream they are records of. They are not delivered; their children are listed by what is picked. */
  readonly of?: string | undefined;
  readonly pick?: ((record: unknown) => unknown) | undefined;
  /** The stream's name. */
  readonly name: string;
  /** Of a stream that is read by jobs. Without a file the slice's job is started and waited for, and its files are listed as parents are. */
  readonly job?: JobPaging | undefined;
  readonly file?: JobFile | undefined;
};

export function listedSlice(context: SyncContext, node: Listing | Chain | Group): ListedSlice {
  const { from, to, of, byKey } = node;
  const jobsOf = of === undefined ? undefined : streamOfFiles(of);
  const name = jobsOf ?? of ?? context.ref.stream;
  const declared = streamNamed(context, name);
  const slice = { from, to, parents: parseParents(node) };
  const job = declared.paging.kind === 'job' ? declared.paging : undefined;
  if (jobsOf !== undefined) return { stream: filesStream(declared), slice, of, pick: (file) => file, name, job };
  const file = node.file === undefined ? undefined : readJobFile(readJson(node.file));
  const byFile = file === undefined ? declared : { ...declared, paging: one() };
  const stream = byKey ? { ...declared, ...declared.slices?.byKey } : byFile;
  const pick = of === undefined ? undefined : childOf(context, context.ref.stream, of).each?.pick;
  return { stream, slice: { ...slice, file }, of, pick, name, job, file };
}

/** The stream of this name. The connector that runs is the one that the sync was begun with. */
export function streamNamed(invocation: Invocation, name: string): Stream {
  const stream = streamOf(invocation, name);
  if (stream === undefined) throw new Error(`The connector has no stream "${name}" any more.`);
  return stream;
}

/** The stream whose parents are the records of stream `of`: the one that is asked for, or one of its forebears. */
function childOf(invocation: Invocation, name: string, of: string): Stream {
  const stream = streamNamed(invocation, name);
  return stream.each === undefined || stream.each.of === of ? stream : childOf(invocation, stream.each.of, of);
}

/** Whether all slices of a group have been opened. */
export const isExhausted = (group: Group): boolean =>
  group.redone >= rangeLength(group.again) &&
  (group.over === 'windows' ? group.opened >= windowCount(group) : group.exhausted);
