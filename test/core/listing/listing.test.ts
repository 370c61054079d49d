import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  announcedPages,
  type DispatchWindow,
  dispatchWindowOf,
  isCutShort,
  type ListingExtent,
  nextListingStep,
  readRanges,
  toPageRanges,
  writeRanges,
} from '../../../lib/core/listing/listing.ts';

const fresh: ListingExtent = { opened: 0, outstanding: 0, covered: 0, broken: false, stopped: false };

const WINDOW: DispatchWindow = { blocks: 4, blockPages: 100, taskPages: 10 };
const NARROW: DispatchWindow = { ...WINDOW, blocks: 2 };

/** Opens and finishes blocks until the listing is done; gives the pages in the order of their opening. */
function readAll(kind: 'pages' | 'offsets', announced: number | undefined, end: number, window = WINDOW): number[] {
  const pages: number[] = [];
  let extent: ListingExtent = fresh;
  for (;;) {
    const step = nextListingStep(kind, extent, window);
    if (step === 'done') return pages;
    if (step === 'wait') {
      const seen = pages.filter((page) => page >= end);
      extent = { ...extent, outstanding: 0, ...(seen.length > 0 ? { end: Math.min(...seen) } : {}) };
    } else {
      const { from, to } = step.open;
      for (let page = from; page <= to; page++) pages.push(page);
      // The first page's total is known when the second block is opened.
      extent = { ...extent, opened: extent.opened + 1, outstanding: extent.outstanding + 1, covered: to + 1 };
      if (extent.opened === 1) extent = { ...extent, outstanding: 0, announced, ...(end === 0 ? { end: 0 } : {}) };
    }
    assert.ok(extent.outstanding <= window.blocks);
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('a numbered listing', () => {
  it('with a total is read exactly to its last announced page', () => {
    for (const pages of [1, 2, 3, 4, 127, 128, 1_000])
      assert.deepEqual(readAll('pages', pages, pages - 1), upTo(pages));
  });

  it('without a total is read past its end by at least one page and less than twice its length, or 100 pages', () => {
    for (const end of [0, 1, 2, 3, 6, 7, 99, 500]) {
      const read = readAll('pages', undefined, end);
      assert.deepEqual(read, upTo(read.length));
      assert.ok(read.length >= end + 2, `page ${end} is followed by another`);
      assert.ok(
        read.length <= Math.max(4, Math.min(2 * end + 3, end + 102)),
        `${read.length} pages for an end at ${end}`,
      );
    }
  });

  it('by offsets goes on behind its announced pages until a page is short', () => {
    assert.deepEqual(readAll('offsets', 10, 9), upTo(10));
    assert.deepEqual(readAll('offsets', 10, 10), upTo(12));
    assert.deepEqual(readAll('offsets', 10, 14), upTo(16));
  });

  it('opens no more than its window at once', () => {
    const step = nextListingStep(
      'pages',
      { ...fresh, opened: 5, covered: 31, outstanding: 4, announced: 1_000 },
      WINDOW,
    );
    assert.equal(step, 'wait');
  });

  it('has as much dispatched as its limits let through in 8 s, in two blocks, and tasks that fit into 2 s', () => {
    assert.deepEqual(dispatchWindowOf(0, 10), { blocks: 20, blockPages: 100, taskPages: 10 });
    assert.deepEqual(dispatchWindowOf(100, 10), { blocks: 2, blockPages: 40, taskPages: 10 });
    assert.deepEqual(dispatchWindowOf(1_000, 10), { blocks: 2, blockPages: 4, taskPages: 2 });
    assert.deepEqual(dispatchWindowOf(60_000, 10), { blocks: 2, blockPages: 1, taskPages: 1 });
    assert.deepEqual(dispatchWindowOf(1, 10), { blocks: 20, blockPages: 100, taskPages: 10 });
    // While answers take long more is under way, in blocks of the same size.
    assert.deepEqual(dispatchWindowOf(100, 10, 8_000), { blocks: 6, blockPages: 40, taskPages: 10 });
    const step = nextListingStep(
      'pages',
      { ...fresh, opened: 6, covered: 20, announced: 1_000 },
      dispatchWindowOf(1_000, 10),
    );
    assert.deepEqual(step, { open: { from: 20, to: 23 } });
  });

  it('of unknown extent ends where a page failed for good, a known one does not', () => {
    const extent = { ...fresh, opened: 1, covered: 1, broken: true };
    assert.equal(nextListingStep('pages', extent, WINDOW), 'done');
    assert.ok(isCutShort(extent));
    assert.deepEqual(nextListingStep('pages', { ...extent, announced: 5 }, WINDOW), { open: { from: 1, to: 2 } });
    assert.ok(!isCutShort({ ...extent, announced: 5, covered: 5 }));
  });

  it('that was stopped opens nothing, and waits for what is open', () => {
    const extent = { ...fresh, opened: 2, covered: 3, announced: 100, stopped: true };
    assert.equal(nextListingStep('pages', { ...extent, outstanding: 1 }, WINDOW), 'wait');
    assert.equal(nextListingStep('pages', extent, WINDOW), 'done');
    assert.ok(isCutShort(extent));
  });
});

it('announced pages hold every record: the last one some, and no page behind it any', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 500 }), fc.integer({ min: 1, max: 100_000 }), (size, total) => {
      for (const [kind, stride] of [
        ['pages', size],
        ['offsets', size - 1],
      ] as const) {
        const pages = announcedPages(kind, size, total);
        assert.ok((pages - 1) * stride < total && pages * stride >= total);
      }
      assert.equal(announcedPages('pages', size, 0), 1);
    }),
  );
});

it('runs cover scattered pages once, in tasks of at most 10 neighbours', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(300)), (pages) => {
      const cut = toPageRanges(pages, 10);
      assert.deepEqual(
        cut.flatMap((each) => upTo(each.to - each.from + 1).map((i) => each.from + i)),
        pages.toSorted((a, b) => a - b),
      );
      assert.ok(cut.every((each) => each.to - each.from < 10));
    }),
  );
});

it('ranges are read as they were written', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(300), { maxLength: 100 }), (pages) => {
      const ranges = toPageRanges(pages, 100);
      assert.deepEqual(readRanges(writeRanges(ranges)), ranges);
    }),
  );
  assert.ok(
    writeRanges(
      toPageRanges(
        upTo(20_000).map((i) => 1_000_000 + 2 * i),
        100,
      ),
    ).length < 4_000,
  );
});

it('what an earlier reading left comes first, a bounded number at once; then the listing goes on', () => {
  const again = [
    { from: 3, to: 3 },
    { from: 7, to: 9 },
    { from: 20, to: 20 },
  ];
  const left = { ...fresh, covered: 30, announced: 31, again };
  assert.deepEqual(nextListingStep('pages', left, NARROW), { open: again[0] });
  assert.deepEqual(nextListingStep('pages', { ...left, opened: 1, outstanding: 1 }, NARROW), { open: again[1] });
  assert.equal(nextListingStep('pages', { ...left, opened: 2, outstanding: 2 }, NARROW), 'wait');
  assert.deepEqual(nextListingStep('pages', { ...left, opened: 3, outstanding: 1 }, NARROW), {
    open: { from: 30, to: 30 },
  });
  assert.equal(nextListingStep('pages', { ...left, opened: 4, covered: 31, end: 30 }, NARROW), 'done');
  const full = { ...left, opened: 4, covered: 31 };
  assert.deepEqual(nextListingStep('pages', full, NARROW), { open: { from: 31, to: 31 } }, 'the last page was full');
});
