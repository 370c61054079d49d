import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SECOND } from '../../../lib/core/time.ts';
import { enterLane, type LaneEntry, type LaneHold } from '../../../lib/pipeline/limits/lane.ts';
import type { SlotLater } from '../../../lib/pipeline/limits/slots.ts';
import { limited, makeFleet, START, settled } from '../fleet.ts';

const TAKES = 300;
const entry: LaneEntry = { key: { pk: 'test/secret/s', sk: 'LANE' }, patience: 10 * SECOND, longest: 5 * SECOND };
const isHold = (entered: LaneHold | SlotLater): entered is LaneHold => 'leave' in entered;

/** A fleet, and what its workers have under way at once at the most. */
const fleetOfOne = (workers = 3, streams = ['a', 'b', 'chain']) => {
  const seen = { now: 0, most: 0 };
  const fleet = makeFleet({
    connector: limited([], streams, { concurrency: 1 }),
    pages: { a: 12, b: 7, chain: 5 },
    workers,
    api() {
      seen.now += 1;
      seen.most = Math.max(seen.most, seen.now);
      fleet.time.after(TAKES, () => {
        seen.now -= 1;
      });
      return { takes: TAKES };
    },
  });
  return { fleet, seen };
};

describe('an API that takes one request at a time', () => {
  it('gets one at a time from all workers and streams, and loses nothing by it', async () => {
    const { fleet, seen } = fleetOfOne();
    await fleet.start('a', 'b', 'chain');
    await fleet.run();
    assert.equal(seen.most, 1);
    assert.deepEqual(
      fleet
        .receipts()
        .map(({ stream, verdict, requests }) => [stream, verdict, requests.retried])
        .sort(),
      [
        ['a', 'COMPLETE', 0],
        ['b', 'COMPLETE', 0],
        ['chain', 'COMPLETE', 0],
      ],
    );
    assert.deepEqual(fleet.failures, []);
    const spans = fleet.requests.map(({ at }) => at);
    const took = (spans.at(-1) ?? 0) - (spans[0] ?? 0);
    assert.ok(took < 2 * TAKES * spans.length, `the lane stood idle: ${took} ms for ${spans.length} requests`);
  });

  it('goes on when a worker that held the lane died: once its request is over at the latest', async () => {
    const { fleet } = fleetOfOne();
    const dead = await settled(fleet, enterLane(fleet.invocationOf(0), entry));
    assert.ok(isHold(dead));
    const next = await settled(fleet, enterLane(fleet.invocationOf(1), entry));
    assert.ok(isHold(next));
    const waited = fleet.time.now() - START;
    assert.ok(waited >= entry.longest && waited < entry.longest + 4 * SECOND, `${waited} ms`);
  });

  it('is left for later by a worker that has waited long enough', async () => {
    const { fleet } = fleetOfOne();
    await settled(fleet, enterLane(fleet.invocationOf(0), entry));
    const second = await settled(fleet, enterLane(fleet.invocationOf(1), { ...entry, patience: SECOND }));
    assert.ok(!isHold(second) && second.later >= SECOND && second.later <= 2 * SECOND);
  });

  it('is entered at once where the one before has left', async () => {
    const { fleet } = fleetOfOne();
    const first = await settled(fleet, enterLane(fleet.invocationOf(0), entry));
    assert.ok(isHold(first));
    await settled(fleet, first.leave());
    const from = fleet.time.now();
    const second = await settled(fleet, enterLane(fleet.invocationOf(1), entry));
    assert.ok(isHold(second));
    assert.ok(fleet.time.now() - from < SECOND / 10);
  });
});
