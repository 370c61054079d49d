import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clockLag } from '../../../lib/core/response/retry-after.ts';
import { FIRST_START, nextSyncWindow, nextWatermark, watermarkBound } from '../../../lib/core/verdict/watermark.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const HOUR = 3_600_000;
const since = { lookback: '5 minutes', start: '2020-01-01T00:00:00Z' } as const;

describe('the window of a sync', () => {
  it('begins at the start, later ones reach back before the watermark, and each ends when its sync starts', () => {
    assert.deepEqual(nextSyncWindow(undefined, '2026-11-01T00:00:00Z', NOW), {
      from: FIRST_START,
      to: NOW,
      mode: 'full',
    });
    assert.deepEqual(nextSyncWindow(since, undefined, NOW), { from: Date.parse(since.start), to: NOW, mode: 'full' });
    assert.deepEqual(nextSyncWindow(since, '2026-11-22T11:00:00.000Z', NOW), {
      from: Date.parse('2026-11-22T10:55:00Z'),
      to: NOW,
      mode: 'incremental',
    });
  });

  it('never begins at the epoch, which is a null to many APIs', () => {
    const { from } = nextSyncWindow({ lookback: '1 hour' }, undefined, NOW);
    assert.equal(from, 86_400_000);
    assert.equal(nextSyncWindow({ lookback: '1 day' }, '1970-01-02T00:00:00Z', NOW).from, 86_400_000);
  });

  it('does not use a start or a watermark in the future', () => {
    assert.equal(nextSyncWindow({ ...since, start: '2030-01-01T00:00:00Z' }, undefined, NOW).from, FIRST_START);
    const ahead = nextSyncWindow(since, '2036-01-01T00:00:00.000Z', NOW);
    assert.deepEqual([ahead.mode, ahead.from], ['full', Date.parse(since.start)]);
  });

  it('reaches back an hour more where dates name no zone and none is declared', () => {
    const mark = '2026-11-22T11:00:00.000Z';
    const { from } = nextSyncWindow(since, mark, NOW);
    assert.equal(nextSyncWindow(since, mark, NOW, true).from, from - HOUR);
    assert.equal(nextSyncWindow({ ...since, zone: 'America/New_York' }, mark, NOW, true).from, from);
  });
});

describe('the watermark', () => {
  it('is bound by the moment at which the sync started, by whichever clock is earlier', () => {
    /** Of a response that came so long after the start, from an API whose clock shows another time by so much. */
    const bound = (after: number, off: number): number =>
      watermarkBound(NOW, clockLag(new Date(NOW + after + off).toUTCString(), NOW + after));
    assert.equal(watermarkBound(NOW, clockLag(undefined, NOW + 5_000)), NOW);
    assert.equal(bound(5_000, 0), NOW);
    // The API's clock is five hours ahead: it may be corrected tomorrow.
    assert.equal(bound(5_000, 5 * HOUR), NOW);
    // Three minutes slow: what it dates now, it dates three minutes ago.
    assert.equal(bound(5_000, -180_000), NOW - 180_000);
    // The same bound, however late in the sync the response comes.
    assert.equal(bound(9 * HOUR, -180_000), NOW - 180_000);
  });

  it('is the highest value seen, and never falls', () => {
    const before = '2026-11-22T10:00:00.000Z';
    const at = (time: string) => Date.parse(`2026-11-22T${time}Z`);
    assert.equal(nextWatermark(undefined, undefined, NOW), undefined);
    assert.equal(nextWatermark(before, undefined, NOW), before);
    assert.equal(nextWatermark(before, at('11:00:00'), NOW), '2026-11-22T11:00:00.000Z');
    assert.equal(nextWatermark(before, at('09:00:00'), NOW), before);
  });

  it('falls back from the future, where a wrong clock once put it', () => {
    const ahead = '2036-01-01T00:00:00.000Z';
    assert.equal(nextWatermark(ahead, NOW - HOUR, NOW), '2026-11-22T11:00:00.000Z');
    assert.equal(nextWatermark(ahead, undefined, NOW), undefined);
  });
});
