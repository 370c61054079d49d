import type { Stream } from '../core/connector.ts';
import { type Cursor, parseCursor } from './cursor-text.ts';
import type { Asked } from './request-form.ts';
import { isBefore } from './samples.ts';
import type { StreamModel } from './stream-model.ts';
import type { StreamRecords } from './stream-records.ts';

/** The records of a stream that fit a window: a run of indexes `[low, high)`, because later records changed later. */
export type Listing = {
  readonly low: number;
  readonly high: number;
  /** The window, epoch milliseconds; `null`: open. */
  readonly from: number | null;
  readonly to: number | null;
};

/** The listing that is asked for. A cursor brings its own window along. */
export function listingOf(stream: StreamModel, asked: Asked): Listing {
  const { records } = stream;
  const { from, to } = cursorOf(stream, asked) ?? { from: asked.from ?? null, to: asked.to ?? null };
  return { low: firstFrom(records, from) ?? 0, high: firstFrom(records, to) ?? records.count, from, to };
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
  { low, high }: Listing,
  { after }: Keyset,
  page: string | number,
) {
  const key = (index: number) => after(records.record(index));
  const wanted = typeof key(low) === 'number' ? Number(page) : String(page);
  const index = firstWhere(low, high, (one) => !isBefore(key(one), wanted));
  if (index === high || key(index) !== wanted) return undefined;
  return newestFirst ? high - index : index - low + 1;
}

/** Index of the first record that changed at this moment or later; `undefined` if every record fits. */
const firstFrom = ({ count, changedAt }: StreamRecords, moment: number | null): number | undefined =>
  changedAt === undefined || moment === null ? undefined : firstWhere(0, count, (index) => changedAt(index) >= moment);

/** The first whole number in `[low, high)` for which the test holds, if it holds for all that follow; otherwise `high`. */
function firstWhere(low: number, high: number, test: (index: number) => boolean): number {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (test(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}
