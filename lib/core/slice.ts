import { writeJson } from './json.ts';
import type { Stream } from './stream.ts';
import { span } from './time.ts';

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
};

type Windows = { readonly from: number; readonly to: number; readonly width: number };

/** How many windows of a width a window is cut into: at least one. */
export const windowCount = ({ from, to, width }: Windows): number => Math.max(1, Math.ceil((to - from) / width));

/** The window with this index, from 0. The last one may be narrower. */
export function windowAt({ from, to, width }: Windows, index: number): { from: number; to: number } {
  return { from: index === 0 ? from : from + index * width, to: Math.min(to, from + (index + 1) * width) };
}

/** How a slice of a stream is listed. `parents`: its parents have to be found first. `windows`: it is wider than the stream's slices. */
export function formOf(
  stream: Stream,
  { from, to, parents }: Slice,
): { readonly is: 'parents' | 'listing' | 'chain' } | { readonly is: 'windows'; readonly width: number } {
  if (stream.each !== undefined && parents === undefined) return { is: 'parents' };
  const width = stream.slices && span(stream.slices.width);
  if (width !== undefined && to - from > width) return { is: 'windows', width };
  return { is: stream.paging.kind === 'pages' || stream.paging.kind === 'offsets' ? 'listing' : 'chain' };
}

const iso = (millis: number): string => new Date(millis).toISOString();
/** How much of a parent's text a slice's name shows. */
const NAMED_PARENT = 60;

/** What people call a slice: its parents, its window, or both. `of`: it lists the parents that are this stream's records. */
export function sliceName(stream: Stream, { from, to, parents }: Slice, of: string | undefined): string {
  const [first] = parents ?? [];
  const others = parents !== undefined && parents.length > 1 ? ` and ${parents.length - 1} more` : '';
  return [
    of === undefined ? [] : `all ${of}`,
    first === undefined ? [] : `${(writeJson(first) ?? '').slice(0, NAMED_PARENT)}${others}`,
    stream.slices === undefined ? [] : `${iso(from)} to ${iso(to)}`,
  ]
    .flat()
    .join(', ');
}
