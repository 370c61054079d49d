import assert from 'node:assert/strict';
import { it } from 'node:test';
import { nextSyncWindow, nextWatermark } from '../../../lib/core/verdict/watermark.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const since = { lookback: '5 minutes', start: '2020-01-01T00:00:00Z' } as const;

it('the first window begins at the start, later ones reach back before the watermark, and each ends when its sync starts', () => {
  assert.deepEqual(nextSyncWindow(undefined, '2026-11-01T00:00:00Z', NOW), { from: 0, to: NOW, mode: 'full' });
  assert.deepEqual(nextSyncWindow(since, undefined, NOW), { from: Date.parse(since.start), to: NOW, mode: 'full' });
  assert.deepEqual(nextSyncWindow({ lookback: '1 hour' }, undefined, NOW), { from: 0, to: NOW, mode: 'full' });
  assert.deepEqual(nextSyncWindow(since, '2026-11-22T11:00:00.000Z', NOW), {
    from: Date.parse('2026-11-22T10:55:00Z'),
    to: NOW,
    mode: 'incremental',
  });
});

it('the watermark is the highest value seen, but not past the first answer, and it never falls', () => {
  const before = '2026-11-22T10:00:00.000Z';
  const at = (time: string) => Date.parse(`2026-11-22T${time}Z`);
  assert.equal(nextWatermark(undefined, undefined, NOW), undefined);
  assert.equal(nextWatermark(before, undefined, NOW), before);
  assert.equal(nextWatermark(before, at('11:00:00'), NOW), '2026-11-22T11:00:00.000Z');
  // A record that moved behind the reader's back is dated after the first answer.
  assert.equal(nextWatermark(before, at('12:30:00'), at('12:00:00')), '2026-11-22T12:00:00.000Z');
  assert.equal(nextWatermark(before, at('09:00:00'), NOW), before);
});
