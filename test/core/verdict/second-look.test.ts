import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type LookRule,
  lookState,
  nextLookStep,
  type PageReading,
  pageLot,
  samplePages,
  sampleSize,
} from '../../../lib/core/verdict/second-look.ts';

const pages = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const read = (count: number, keys = (index: number) => `k${index}`, phase = 0): PageReading[] =>
  pages(count).map((index) => ({ index, records: 10, keys: keys(index), phase, look: false }));
const look = (indexes: readonly number[], keys = (index: number) => `k${index}`, phase = 1): PageReading[] =>
  indexes.map((index) => ({ index, records: 10, keys: keys(index), phase, look: true }));
const RULE: LookRule = { mode: 'sample', hasTotal: true, isChain: false, tried: false };
const step = (readings: readonly PageReading[], rule: Partial<LookRule> = {}) =>
  nextLookStep(lookState(readings), { ...RULE, ...rule });

describe('the sample of a second look', () => {
  it('is all pages but the last of a short listing, and a root of the pages of a long one', () => {
    assert.deepEqual(
      [1, 2, 10].map((count) => sampleSize(count, true)),
      [0, 1, 9],
    );
    assert.deepEqual(
      [51, 101, 10_000].map((count) => sampleSize(count, true)),
      [8, 11, 100],
    );
    assert.deepEqual(
      [50, 10_000].map((count) => sampleSize(count, false)),
      [15, 100],
    );
  });

  it('holds the first page and the last full one, and never the last', () => {
    const sample = samplePages(pages(51), true, 'sample');
    assert.deepEqual([sample.length, sample[0], sample.at(-1)], [8, 0, 49]);
    assert.deepEqual(samplePages(pages(5), true, 'all'), [0, 1, 2, 3]);
  });

  it('is spread over many listings by a lot that a page always draws alike', () => {
    const lots = pages(10_000).map((index) => pageLot('.s7', index));
    assert.deepEqual(pageLot('.s7', 3), pageLot('.s7', 3));
    const share = lots.filter((lot) => lot < 0.1).length / lots.length;
    assert.ok(share > 0.08 && share < 0.12, String(share));
  });
});

describe('a second look', () => {
  it('is not taken of one page, and asks for the sample of more', () => {
    assert.deepEqual(step(read(1)), { is: 'settled' });
    assert.deepEqual(step(read(4)), { is: 'look', pages: [0, 1, 2] });
    assert.deepEqual(step(read(4), { mode: 'none' }), { is: 'unchecked' });
  });

  it('settles what agrees', () => {
    assert.deepEqual(step([...read(4), ...look([0, 1, 2])]), { is: 'settled' });
  });

  it('has pages between those that agree read again; more may have moved between them, which a sample does not show', () => {
    const sample = samplePages(pages(100), true, 'sample');
    const shifted = (index: number) => (index > 30 && index < 50 ? `moved${index}` : `k${index}`);
    const first = [...read(100), ...look(sample, shifted)];
    const repair = step(first);
    assert.ok(repair.is === 'repair');
    const [from, to] = [repair.pages[0] ?? 0, repair.pages.at(-1) ?? 0];
    assert.ok(from <= 31 && to >= 49, `${from} to ${to}`);
    const again = read(100, shifted, 2).filter(({ index }) => repair.pages.includes(index));
    assert.deepEqual(step([...first, ...again]), { is: 'moved' });
  });

  it('walks a chain again from the last page that agrees', () => {
    const sample = samplePages(pages(100), false, 'sample');
    const late = (index: number) => (index > 80 ? `moved${index}` : `k${index}`);
    const repair = step([...read(100), ...look(sample, late)], { isChain: true, hasTotal: false });
    assert.ok(repair.is === 'repair');
    assert.ok((repair.pages[0] ?? 0) <= 80 && sample.includes(repair.pages[0] ?? -1));
    assert.equal(repair.pages.at(-1), 99);
  });

  it('gives up where all that it asks for would be more than the listing has', () => {
    const sample = samplePages(pages(100), true, 'sample');
    assert.deepEqual(step([...read(100), ...look(sample, (index) => `moved${index}`)]), { is: 'moved' });
  });

  it('that could not be taken proves nothing', () => {
    assert.deepEqual(step(read(4), { tried: true }), { is: 'unchecked' });
    assert.deepEqual(step([...read(10), ...look([0, 1])]), { is: 'unchecked' });
  });

  it('compares the sentinel, too, once the same page is asked for at the end', () => {
    const sentinel = look([9], () => 'before', 0);
    assert.equal(step([...read(12), ...sentinel]).is, 'look');
    assert.notDeepEqual(step([...read(12), ...sentinel, ...look(samplePages(pages(12), true, 'sample'))]), {
      is: 'settled',
    });
  });
});
