import type { Stream } from '../core/connector/connector.ts';
import { type Cursor, parseCursor, type Run } from './cursor-text.ts';
import { childrenOf } from './parents.ts';
import type { Asked } from './request-form.ts';
import { firstWhere, isBefore } from './sorted.ts';
import type { Holdings } from './stream-model.ts';
import type { StreamRecords } from './stream-records.ts';
import type { Twist } from './trouble.ts';

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
export function listingOf(stream: Holdings, asked: Asked, { absent, vanished }: Twist): Listing | undefined {
  const { records } = stream;
  const cursor = cursorOf(stream, asked);
  const of = cursor === undefined ? childrenAsked(stream, asked, vanished) : cursor.of;
  if (of === 'no parent') return undefined;
  const { from, to } = cursor ?? { from: asked.from ?? null, to: asked.to ?? null };
  const [first, end] = [firstFrom(records, from) ?? 0, firstFrom(records, to) ?? records.count];
  const runs = (of ?? [{ low: 0, high: records.count }])
    .map(({ low, high }) => ({ low: Math.max(low, first), high: Math.min(high, end) }))
    .filter(({ low, high }) => low < high)
    .flatMap((run) => (absent === undefined ? [run] : presentIn(run, absent)));
  return { runs, total: lengthOf(runs), from, to, of };
}

const lengthOf = (runs: readonly Run[]): number => runs.reduce((sum, { low, high }) => sum + high - low, 0);

/** The runs of what is there. */
function presentIn({ low, high }: Run, absent: (index: number) => boolean): readonly Run[] {
  const indexes = Array.from({ length: high - low }, (_, at) => low + at).filter((index) => !absent(index));
  return joined(indexes.map((index) => ({ low: index, high: index + 1 })));
}

/** The children of the parents that are asked for; `undefined` if the stream has none. */
function childrenAsked(
  { parents, records }: Holdings,
  asked: Asked,
  vanished: Twist['vanished'],
): readonly Run[] | undefined | 'no parent' {
  if (parents === undefined) return undefined;
  const known = (asked.parents ?? []).filter(
    (index) => index >= 0 && index < parents.count && !vanished?.parent(index),
  );
  return known.length === 0 ? 'no parent' : joined(known.map((index) => childrenOf(parents, index, records.count)));
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
export function cursorOf({ name }: Holdings, { page }: Asked): Cursor | undefined {
  const cursor = typeof page === 'string' ? parseCursor(page) : undefined;
  return cursor?.stream === name ? cursor : undefined;
}

/** How many records of the listing come before the page that is asked for; `undefined` if there is no such page. */
export function startOf(
  stream: Holdings,
  { paging, size }: { readonly paging: Stream['paging']; readonly size: number },
  listing: Listing,
  asked: Asked,
): number | undefined {
  const { page } = asked;
  if (page === undefined) return 0;
  switch (paging.kind) {
    case 'one':
    case 'job':
      return 0;
    case 'pages':
      return wholeFrom0((Number(page) - paging.first) * size);
    case 'offsets':
      return wholeFrom0(Number(page));
    case 'cursor':
    case 'links': {
      const cursor = cursorOf(stream, asked);
      return cursor && before(stream, listing, cursor.start);
    }
    case 'keyset':
      return startAfter(stream, listing, paging, page);
  }
}

/** How many records come before that with this index, in the order in which the API lists. It need not be there any more. */
function before({ newestFirst }: Holdings, { runs, total }: Listing, index: number): number {
  const under = (end: number) => runs.reduce((sum, { low, high }) => sum + Math.max(0, Math.min(high, end) - low), 0);
  return newestFirst ? total - under(index + 1) : under(index);
}

const wholeFrom0 = (number: number) => (Number.isSafeInteger(number) && number >= 0 ? number : undefined);

type Keyset = Extract<Stream['paging'], { kind: 'keyset' }>;

function startAfter(stream: Holdings, listing: Listing, { after }: Keyset, page: string | number): number | undefined {
  const { records, newestFirst } = stream;
  const key = (index: number) => after(records.record(index));
  const wanted = typeof key(0) === 'number' ? Number(page) : String(page);
  const index = firstWhere(0, records.count, (one) => !isBefore(key(one), wanted));
  if (index === records.count || key(index) !== wanted) return undefined;
  return before(stream, listing, newestFirst ? index - 1 : index + 1);
}

/** Index of the first record that changed at this moment or later; `undefined` if every record fits. */
const firstFrom = ({ count, changedAt }: StreamRecords, moment: number | null): number | undefined =>
  changedAt === undefined || moment === null ? undefined : firstWhere(0, count, (index) => changedAt(index) >= moment);
