import type { Stream } from '../core/connector.ts';
import { type Cursor, parseCursor, type Run } from './cursor-text.ts';
import { childrenOf } from './parents.ts';
import type { Asked } from './request-form.ts';
import { firstWhere, isBefore } from './sorted.ts';
import type { StreamModel } from './stream-model.ts';
import type { StreamRecords } from './stream-records.ts';

/** The records of a stream that fit a window and a parent. Later records changed later, so a window of them is a run. */
export type Listing = {
  /** In ascending order, none of them empty. */
  readonly runs: readonly Run[];
  readonly total: number;
  /** The window, epoch milliseconds; `null`: open. */
  readonly from: number | null;
  readonly to: number | null;
  /** The children of the parents, whenever they changed; absent: everything. */
  readonly of?: readonly Run[] | undefined;
};

/** The listing that is asked for. A cursor brings its own window and parents along. `undefined`: there are no such parents. */
export function listingOf(stream: StreamModel, asked: Asked): Listing | undefined {
  const { records } = stream;
  const cursor = cursorOf(stream, asked);
  const of = cursor === undefined ? childrenAsked(stream, asked) : cursor.of;
  if (of === 'nobody') return undefined;
  const { from, to } = cursor ?? { from: asked.from ?? null, to: asked.to ?? null };
  const [first, end] = [firstFrom(records, from) ?? 0, firstFrom(records, to) ?? records.count];
  const runs = (of ?? [{ low: 0, high: records.count }])
    .map(({ low, high }) => ({ low: Math.max(low, first), high: Math.min(high, end) }))
    .filter(({ low, high }) => low < high);
  return { runs, total: lengthOf(runs), from, to, of };
}

const lengthOf = (runs: readonly Run[]): number => runs.reduce((sum, { low, high }) => sum + high - low, 0);

/** The children of the parents that are asked for; `undefined` if the stream has none. */
function childrenAsked({ parents, records }: StreamModel, asked: Asked): readonly Run[] | undefined | 'nobody' {
  if (parents === undefined) return undefined;
  const known = (asked.parents ?? []).filter((index) => index >= 0 && index < parents.count);
  return known.length === 0 ? 'nobody' : joined(known.map((index) => childrenOf(parents, index, records.count)));
}

/** The runs in ascending order; neighbours become one. */
function joined(runs: readonly Run[]): readonly Run[] {
  const found: Run[] = [];
  for (const { low, high } of [...runs].sort((a, b) => a.low - b.low)) {
    const last = found.at(-1);
    if (last !== undefined && low <= last.high)
      found[found.length - 1] = { low: last.low, high: Math.max(last.high, high) };
    else found.push({ low, high });
  }
  return found;
}

/** Index of the record at a position of the listing, from 0. */
export function indexAt({ runs }: Listing, position: number): number {
  let rest = position;
  for (const { low, high } of runs) {
    if (rest < high - low) return low + rest;
    rest -= high - low;
  }
  throw new RangeError(`The listing has no record ${position}.`);
}

/** The cursor that is asked for, if it is one of this stream's. */
function cursorOf({ name }: StreamModel, { page }: Asked): Cursor | undefined {
  const cursor = typeof page === 'string' ? parseCursor(page) : undefined;
  return cursor?.stream === name ? cursor : undefined;
}

/** How many records of the listing come before the page that is asked for; `undefined` if there is no such page. */
export function startOf(
  stream: StreamModel,
  paging: Stream['paging'],
  listing: Listing,
  asked: Asked,
): number | undefined {
  const { page } = asked;
  if (page === undefined) return 0;
  switch (paging.kind) {
    case 'one':
      return 0;
    case 'pages':
      return wholeFrom0((Number(page) - paging.first) * paging.size);
    case 'offsets':
      return wholeFrom0(Number(page));
    case 'cursor':
    case 'links':
      return cursorOf(stream, asked)?.start;
    case 'keyset':
      return startAfter(stream, listing, paging, page);
  }
}

const wholeFrom0 = (number: number) => (Number.isSafeInteger(number) && number >= 0 ? number : undefined);

type Keyset = Extract<Stream['paging'], { kind: 'keyset' }>;

function startAfter(
  { records, newestFirst }: StreamModel,
  listing: Listing,
  { after }: Keyset,
  page: string | number,
): number | undefined {
  const { total } = listing;
  const key = (position: number) => after(records.record(indexAt(listing, position)));
  if (total === 0) return undefined;
  const wanted = typeof key(0) === 'number' ? Number(page) : String(page);
  const position = firstWhere(0, total, (one) => !isBefore(key(one), wanted));
  if (position === total || key(position) !== wanted) return undefined;
  return newestFirst ? total - position : position + 1;
}

/** Index of the first record that changed at this moment or later; `undefined` if every record fits. */
const firstFrom = ({ count, changedAt }: StreamRecords, moment: number | null): number | undefined =>
  changedAt === undefined || moment === null ? undefined : firstWhere(0, count, (index) => changedAt(index) >= moment);
