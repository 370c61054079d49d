import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  durationText,
  limitShare,
  newProgress,
  noteEvent,
  plainLine,
  requestRate,
  type StreamProgress,
  standText,
  terminalLines,
} from '../../../bin/cli/stream-progress.ts';
import type { RunEvent } from '../../../lib/core/run-events.ts';
import { MINUTE, SECOND } from '../../../lib/core/time.ts';

const SYNC = { connection: 'main', stream: 'orders', sync: '20261122T115900000Z' };
const fetched = (pages: number): RunEvent => ({
  message: 'pages fetched',
  ...SYNC,
  pages,
  records: pages * 100,
  look: false,
});
const refused: RunEvent = { message: 'pages refused', ...SYNC, pages: 1, code: 'http-500', reason: 'HTTP 500' };

/** A stream of which this happened, one event a second, from the time 0 on. */
const after = (...events: readonly RunEvent[]): StreamProgress =>
  events.reduce((before, event, index) => noteEvent(before, event, index * SECOND), newProgress);

it('a stream is told by its pages, its records and what is wrong', () => {
  const progress = after({ message: 'planned', ...SYNC, pages: 20, records: 2_000 }, fetched(12), refused);
  const line = { stream: 'orders', progress, rate: 4, share: 0.834, waits: '' };
  assert.equal(standText(line), 'orders: 12 of 20 pages, 1,200 records (1 refused, HTTP 500)');
  assert.match(plainLine(line), /\(1 refused, HTTP 500\), 4\.0\/s, limit 83 %$/);
  assert.equal(standText({ ...line, progress: noteEvent(progress, fetched(1), 9) }).includes('HTTP 500'), false);
});

it('a second look is told apart, and several listings have no common plan', () => {
  const planned: RunEvent = { message: 'planned', ...SYNC, pages: 20, records: 2_000 };
  const looked: RunEvent = { message: 'pages fetched', ...SYNC, pages: 5, records: 500, look: true };
  const line = { stream: 'orders', progress: after(planned, fetched(20), looked), rate: 4, share: 1, waits: '' };
  assert.equal(standText(line), 'orders: 20 of 20 pages, 2,000 records (5 for the second look)');
  const several = { ...line, progress: after(planned, fetched(20), planned) };
  assert.equal(standText(several), 'orders: 20 pages, 2,000 records');
});

it('a rate is that of the last ten seconds, and of the whole run while that is shorter', () => {
  const progress = after(fetched(10), fetched(10), fetched(10));
  assert.equal(requestRate(progress, 0, 3 * SECOND), 10);
  assert.equal(requestRate(progress, 0, 20 * SECOND), 0);
});

it('the share of a limit counts every stream under it, by what its requests cost', () => {
  const all = new Map([
    ['orders', after(fetched(10), fetched(10))],
    ['items', after(fetched(5), fetched(5))],
  ]);
  const share = (stream: string, limit: { points: number } | { requests: number }): number | undefined => {
    const streams = new Map([
      ['orders', 1],
      ['items', 2],
    ]);
    return limitShare(stream, all, {
      uses: [{ limit: { ...limit, per: '1 second' }, streams }],
      since: 0,
      now: 2 * SECOND,
    });
  };
  // 20 requests of cost 1 and 10 of cost 2 in two seconds, of 20 points a second less the meter's margin.
  assert.ok(Math.abs((share('orders', { points: 40 }) ?? 0) - 0.5) < 0.06, String(share('orders', { points: 40 })));
  assert.equal(share('orders', { points: 10 }), 1);
  assert.equal(share('customers', { points: 10 }), undefined);
});

it('a limit that lets one request through in minutes is measured over minutes', () => {
  const progress = new Map([['orders', after(fetched(1))]]);
  const uses = [{ limit: { requests: 1, per: '1 minute' }, streams: new Map([['orders', 1]]) }] as const;
  assert.equal(limitShare('orders', progress, { uses, since: 0, now: 30 * SECOND }), 1);
});

it('a line fits the terminal, whatever there is to say', () => {
  const progress = after({ message: 'planned', ...SYNC, pages: 20, records: 2_000 }, fetched(10));
  const line = { stream: 'orders', progress, rate: 4, share: 1, waits: 'waits for its limit' };
  assert.equal(
    terminalLines([line], 100),
    'orders  ████████░░░░░░░░  10 of 20 pages  4.0/s, limit 100 %  waits for its limit',
  );
  const long = { ...line, stream: 'a-stream-of-a-very-long-name-indeed' };
  for (const text of terminalLines([line, long], 80).split('\n')) assert.ok(text.length <= 79, text);
});

it('a duration is told in its largest unit', () => {
  assert.deepEqual([34_001, 2 * MINUTE, 3 * 60 * MINUTE].map(durationText), ['35 s', '2 min', '3 h']);
});
