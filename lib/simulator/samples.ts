import type { Stream } from '../core/connector/connector.ts';
import { cursorText } from './cursor-text.ts';
import type { Samples } from './find-reply-form.ts';
import { SimulatorRefusal } from './refusal.ts';
import type { Facts } from './reply-form.ts';
import type { PageProbe, Value } from './request-form.ts';
import { isBefore } from './sorted.ts';
import { type StreamRecords, sampleOf } from './stream-records.ts';

/** Listings of different lengths, for what tells their length alone. */
export const countFacts: readonly Facts[] = [1_299_709, 0, 7_919].map((total) => ({ records: [], total, next: '' }));

/** What is told of whatever there is: two rows of it. */
export const anyFacts: Facts = { records: ['one', 'two'], total: 2, next: '' };

/** Three numbers that occur nowhere else in a request. */
const [ONE, TWO, THREE] = [7_919, 104_729, 1_299_709];

/** The pages to ask for to learn how a stream's requests are written. */
export function pageProbe({ paging }: Pick<Stream, 'paging'>, records: StreamRecords): PageProbe {
  switch (paging.kind) {
    case 'one':
      return { first: undefined };
    case 'links':
      return { first: { size: paging.size } };
    case 'pages': {
      const page = (number: Value) => ({ number, size: paging.size });
      return { first: page(paging.first), later: { page, values: [ONE, TWO, THREE] } };
    }
    case 'offsets': {
      const page = (offset: Value) => ({ offset, size: paging.size });
      // The last is no multiple of the size: pages overlap, so the number of a page cannot stand for its offset.
      const values = [ONE * paging.size, TWO * paging.size, THREE * paging.size + 1] as const;
      return { first: page(0), later: { page, values } };
    }
    case 'cursor': {
      const page = (cursor: Value | undefined) => ({ cursor, size: paging.size });
      return { first: page(undefined), later: { page, values: [cursorAt(ONE), cursorAt(TWO), cursorAt(THREE)] } };
    }
    case 'job': {
      const page = (job: Value | undefined) => ({ job });
      return {
        first: page(undefined),
        later: { page, values: [cursorAt(ONE), cursorAt(TWO), cursorAt(THREE)], alone: true },
      };
    }
    case 'keyset': {
      const page = (after: Value | undefined) => ({ after, size: paging.size });
      const key = (index: number) => paging.after(records.record(index));
      refuseUnlessRising(key, records.count);
      return { first: page(undefined), later: { page, values: [key(5), key(50), key(500)] } };
    }
  }
}

const cursorAt = (start: number) => cursorText({ stream: 'any', start, from: null, to: null });

/** A keyset is answered by searching for the key: so keys must rise with the records, as text or as numbers. */
function refuseUnlessRising(key: (index: number) => unknown, count: number): void {
  const keys = sampleOf(count).map(key);
  const isRising = keys.every((one, at) => at === 0 || isBefore(keys[at - 1], one));
  if (isRising) return;
  throw new SimulatorRefusal(
    'its "after" must give text or a number that rises from record to record: read the key or the date.',
  );
}

/** Full pages that others follow, and last pages: with one record, and with none. */
export function sampleFacts({ paging }: Pick<Stream, 'paging'>, { complete }: StreamRecords): Samples {
  const size = 'size' in paging ? paging.size : 3;
  const records = (from: number, length: number) => Array.from({ length }, (_, at) => complete(from + at));
  const next = (start: number) => (paging.kind === 'links' ? `http://127.0.0.1/next?start=${start}` : cursorAt(start));
  return {
    more: [
      { records: records(0, size), total: ONE, next: next(ONE) },
      { records: records(size, size), total: TWO, next: next(TWO) },
    ],
    last: [
      { records: records(0, 1), total: THREE, next: '' },
      { records: [], total: ONE, next: '' },
    ],
  };
}
