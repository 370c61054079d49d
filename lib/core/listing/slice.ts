import type { Stream } from '../connector/stream.ts';
import { writeJson } from '../response/json.ts';
import { DAY, span } from '../time.ts';
import type { JobFile } from './job.ts';

/**
 * A slice is a part of a sync that can be listed on its own: a window of time, the children of a parent, or both. What is true of a
 * whole sync is true of each of its slices.
 */
export type Slice = {
  /** Epoch milliseconds: from included, to excluded. */
  readonly from: number;
  readonly to: number;
  /** The parents whose children are listed; none where the stream has no parent. */
  readonly parents?: readonly unknown[] | undefined;
  /** Of an incremental sync by number or by token: what it asks from. */
  readonly mark?: string | undefined;
  /** The one file that is read, of those that the slice's job has. */
  readonly file?: JobFile | undefined;
};

type Windows = { readonly from: number; readonly to: number; readonly width: number };

/** How many windows of a width a window is cut into: at least one. */
export const windowCount = ({ from, to, width }: Windows): number => Math.max(1, Math.ceil((to - from) / width));

/** The window with this index, from 0. The last one may be narrower. */
export function windowAt({ from, to, width }: Windows, index: number): { from: number; to: number } {
  return { from: index === 0 ? from : from + index * width, to: Math.min(to, from + (index + 1) * width) };
}

/**
 * How a slice of a stream is listed. `parents`: its parents have to be found first. `windows`: it is wider than the stream's slices. `files`: a job has to
 * make them first.
 */
export function listingForm(
  stream: Stream,
  { from, to, parents, file }: Slice,
): { readonly is: 'parents' | 'listing' | 'chain' | 'files' } | { readonly is: 'windows'; readonly width: number } {
  if (stream.each !== undefined && parents === undefined) return { is: 'parents' };
  if (file !== undefined) return { is: 'chain' };
  const width = stream.slices && span(stream.slices.width);
  if (width !== undefined && to - from > width) return { is: 'windows', width };
  if (stream.paging.kind === 'job') return { is: 'files' };
  return { is: stream.paging.kind === 'pages' || stream.paging.kind === 'offsets' ? 'listing' : 'chain' };
}

const iso = (millis: number): string => new Date(millis).toISOString();
/** How much of a parent's text a slice's name shows. */
const NAMED_PARENT = 60;

/** What people call a slice: its parents, its window, or both. `of`: it lists the parents that are this stream's records. */
export function sliceName(stream: Stream, { from, to, parents, file }: Slice, of: string | undefined): string {
  const [first] = parents ?? [];
  const others = parents !== undefined && parents.length > 1 ? ` and ${parents.length - 1} more` : '';
  return [
    of === undefined ? [] : `all ${of}`,
    first === undefined ? [] : `${(writeJson(first) ?? '').slice(0, NAMED_PARENT)}${others}`,
    stream.slices === undefined ? [] : `${iso(from)} to ${iso(to)}`,
    file === undefined ? [] : `file ${file.index + 1} of ${file.of}`,
  ]
    .flat()
    .join(', ');
}

/** Windows to be listed in a slice's place. `byKey`: not by the stream's own paging, but by `slices.byKey`. */
export type NarrowerWindows = { readonly width: number; readonly byKey: boolean };

/** What is listed in the place of a slice that is longer than the API lets be read; `undefined` if there is nothing narrower. */
export function narrowWindows({ slices }: Stream, { from, to }: Slice, byKey: boolean): NarrowerWindows | undefined {
  if (slices === undefined || byKey) return undefined;
  const [length, least] = [to - from, span(slices.least)];
  if (length > least) return { width: Math.max(1, least, least * Math.ceil(length / 2 / least)), byKey };
  return slices.byKey === undefined ? undefined : { width: Math.max(1, length), byKey: true }; // R36
}

/** How far outside of its window an API may list a record before it is taken to ignore the window: it may count its days elsewhere. */
const TOLERATED = DAY;

/** Whether an API lists what it is asked for. One that ignores the window would list the same in every slice, however narrow. */
export const keepsWindow = (
  { from, to }: Slice,
  { lowest, highest }: { readonly lowest: number | undefined; readonly highest: number | undefined },
): boolean => (lowest ?? from) >= from - TOLERATED && (highest ?? to) <= to + TOLERATED;

/** How long a listing is, as far as it is known. */
export type ListingLength = {
  /** As the API states it, exactly or not. */
  readonly stated: number | undefined;
  /** Records read so far, this page included. */
  readonly read: number;
  /** The API says that this page is the last one, although it is full. */
  readonly endsFull: boolean;
};

/**
 * Whether a listing is longer than it can be read. `limit`: how many records the API lets be read, as declared or found out. A total at the
 * limit says nothing: some APIs count no further. A listing that ends with a full page, before the total it states, was cut off.
 */
export function exceedsReadLimit(limit: number | undefined, { stated, read, endsFull }: ListingLength): boolean {
  if (stated !== undefined && endsFull && stated > read) return true;
  return limit !== undefined && (stated ?? read) >= limit;
}
