import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { bearer, defineConnector, type Limit, pages } from '../../../lib/core/connector/connector.ts';
import { resolveLimit } from '../../../lib/core/limits/limits.ts';
import { HOUR, SECOND } from '../../../lib/core/time.ts';
import { limitersOf, readAccount } from '../../../lib/pipeline/credentials/account.ts';
import type { Invocation } from '../../../lib/pipeline/invocation.ts';
import { forConnection, newWorkerMemory } from '../../../lib/pipeline/invocation.ts';
import { applyRateLimitFeedback } from '../../../lib/pipeline/limits/feedback.ts';
import { type LimiterKey, limiterKey } from '../../../lib/pipeline/limits/limiter-store.ts';
import { type RequestSlot, type SlotLater, takeSlot } from '../../../lib/pipeline/limits/slots.ts';
import { memorySecrets } from '../../memory/secrets.ts';
import { type Fleet, limited, makeFleet, START, settled } from '../fleet.ts';

const TEN: Limit = { requests: 10, per: '1 second' };
const placeOf = (...limits: Limit[]): LimiterKey =>
  limiterKey(
    'test',
    'secret/s',
    limits.map((limit) => resolveLimit(limit, 1, [1])),
  );
const newFleet = (concurrency = 160): Fleet =>
  makeFleet({ connector: limited([TEN], ['rows'], { concurrency }), pages: {}, workers: 4 });

const isSlot = (taken: RequestSlot | SlotLater): taken is RequestSlot => 'leftAt' in taken;

/** Sends requests that take so long, each as soon as it has a slot; gives when they left, and what was said to those that had none. */
async function send(
  invocation: Invocation,
  place: LimiterKey,
  count: number,
  takes = 100,
  patience = 2 * SECOND,
): Promise<{ left: number[]; later: number[] }> {
  const taken = await Promise.all(
    Array.from({ length: count }, async () => {
      const slot = await takeSlot(invocation, [place], patience);
      if (isSlot(slot)) {
        await invocation.clock.wait(takes);
        slot.free();
      }
      return slot;
    }),
  );
  return {
    left: taken.flatMap((slot) => (isSlot(slot) ? slot.leftAt : [])).sort((a, b) => a - b),
    later: taken.flatMap((slot) => (isSlot(slot) ? [] : slot.later)),
  };
}

describe('a slot', () => {
  it('comes when its time has come, or is too far away', async () => {
    const fleet = newFleet();
    const { left, later } = await settled(fleet, send(fleet.invocationOf(0), placeOf(TEN), 30));
    assert.equal(left.length, 20);
    left.forEach((at, index) => {
      if (index > 0) assert.ok(at - (left[index - 1] ?? 0) >= 90);
    });
    assert.ok(later.length === 10 && later.every((wait) => wait > SECOND && wait < 2.2 * SECOND), `${later}`);
  });

  it('costs one write for all who ask at once', async () => {
    const fleet = newFleet();
    await settled(fleet, send(fleet.invocationOf(0), placeOf(TEN), 20));
    assert.ok(fleet.count('meter writes') <= 2, `${fleet.count('meter writes')} writes`);
  });

  it('is no other worker’s', async () => {
    const fleet = newFleet();
    const place = placeOf(TEN);
    const sent = await settled(
      fleet,
      Promise.all([0, 1, 2, 3].map((slot) => send(fleet.invocationOf(slot), place, 10))),
    );
    const left = sent.flatMap((each) => each.left).sort((a, b) => a - b);
    assert.ok(left.length >= 15);
    for (let index = 10; index < left.length; index++) assert.ok((left[index] ?? 0) - (left[index - 10] ?? 0) > SECOND);
  });

  it('needs a lane: no more are under way at once than the connector’s concurrency ÷ its workers', async () => {
    const fleet = newFleet(8);
    const invocation = fleet.invocationOf(0);
    let [underWay, most, sent] = [0, 0, 0];
    const one = async (): Promise<void> => {
      const slot = await takeSlot(invocation, [placeOf({ requests: 100, per: '1 second' })], HOUR);
      if (!isSlot(slot)) return;
      underWay += 1;
      most = Math.max(most, underWay);
      await invocation.clock.wait(500);
      underWay -= 1;
      sent += 1;
      slot.free();
      // Twice is once.
      slot.free();
    };
    await settled(fleet, Promise.all(Array.from({ length: 20 }, one)));
    assert.deepEqual([most, sent], [2, 20]);
  });

  it('whose time has passed is reserved again', async () => {
    const fleet = newFleet();
    const real = fleet.invocationOf(0);
    let late = 1;
    const slow: Invocation = {
      ...real,
      clock: { now: real.clock.now, wait: (millis) => real.clock.wait(millis + (late-- > 0 ? 300 : 0)) },
    };
    const place = placeOf({ requests: 10, per: '10 seconds' });
    await settled(fleet, takeSlot(slow, [place], 2 * SECOND));
    const slot = await settled(fleet, takeSlot(slow, [place], 2 * SECOND));
    // The first left at once, the second should have a second later, was late for it, and left a second after that.
    assert.ok(isSlot(slot) && slot.leftAt - START > 2_000, JSON.stringify(slot));
  });

  it('is not wasted on a machine that cannot keep time', async () => {
    const fleet = newFleet();
    const real = fleet.invocationOf(0);
    const slow: Invocation = {
      ...real,
      clock: { now: real.clock.now, wait: (millis) => real.clock.wait(millis + 300) },
    };
    const sent = await settled(fleet, send(slow, placeOf(TEN), 5));
    assert.deepEqual(new Set(sent.later), new Set([SECOND]));
    assert.ok(sent.left.length <= 1);
  });

  it('is not taken while the meter is held, whoever holds it: within 250 ms', async () => {
    const fleet = newFleet();
    const place = placeOf({ requests: 50, per: '1 second' });
    const [mine, theirs] = [fleet.invocationOf(0), fleet.invocationOf(1)];
    const sending = send(mine, place, 100, 10);
    await settled(fleet, theirs.clock.wait(700));
    const answer = { status: 429, headers: {}, body: new Uint8Array() };
    const throttled = { is: 'throttled', reason: { code: 'http-429', message: '' }, wait: 10_000 } as const;
    await settled(
      fleet,
      applyRateLimitFeedback(theirs, {
        meters: [place],
        leftAt: theirs.clock.now(),
        refusals: 0,
        answer,
        verdict: throttled,
      }),
    );
    const held = theirs.clock.now();
    const { left, later } = await settled(fleet, sending);
    assert.ok(
      left.some((at) => at > held - 100),
      `${left.map((at) => at - held)}`,
    );
    assert.ok(Math.max(...left) <= held + 250, `left ${Math.max(...left) - held} ms after the hold`);
    assert.ok(later.length > 0 && later.every((wait) => wait > 8_000));
  });

  it('is given to nobody while the meters do not answer, and to everybody when they do again', async () => {
    const fleet = newFleet(8);
    const { rateLimits, ...ports } = fleet.invocationOf(0);
    let down = true;
    const invocation: Invocation = {
      ...ports,
      rateLimits: {
        ...rateLimits,
        upsert: (...input) => (down ? Promise.reject(new Error('down')) : rateLimits.upsert(...input)),
      },
    };
    for (let trial = 0; trial < 3; trial++) {
      const sent: { left: number[]; later: number[] } = await settled(fleet, send(invocation, placeOf(TEN), 5));
      assert.deepEqual(sent, { left: [], later: Array.from({ length: 5 }, () => SECOND) });
    }
    down = false;
    const { left } = await settled(fleet, send(invocation, placeOf(TEN), 5));
    assert.equal(left.length, 5);
  });
});

describe('whose meter it is', () => {
  const connectorWith = (limits: Limit[]) =>
    defineConnector({
      name: 'test',
      docs: 'none',
      baseUrl: 'http://api.test',
      params: z.object({}),
      auth: bearer(),
      limits,
      streams: (stream) => ({
        rows: stream({
          request: ({ page }) => ({ path: '/rows', query: { page: page.number } }),
          paging: pages({ size: 10 }),
          records: (body) => body.rows,
          schema: z.object({ id: z.number() }),
          key: 'id',
          limits: [{ requests: 5, per: '1 second' }],
        }),
      }),
    });
  const tokens = { one: 'shared', two: 'shared', three: 'other' };

  async function keys(limits: Limit[]): Promise<string[][]> {
    const fleet = newFleet();
    const connector = connectorWith(limits);
    const secrets = Object.entries(tokens).map(([name, token]) => [`test/${name}`, JSON.stringify({ token })]);
    const invocation: Invocation = {
      ...fleet.invocationOf(0),
      connector,
      secrets: memorySecrets(Object.fromEntries(secrets)),
      memory: newWorkerMemory(),
    };
    return Promise.all(
      Object.keys(tokens).map(async (connection) => {
        await fleet.ports.connections.create({ pk: 'test', sk: connection }, { params: '{}', status: 'active' });
        return limitersOf(await readAccount(forConnection(invocation, connection)), 'rows').map(({ key }) => key.pk);
      }),
    );
  }

  it('by default that of all who use the same secret', async () => {
    const [one, two, three] = await keys([TEN]);
    assert.deepEqual(one, two);
    assert.notDeepEqual(one, three);
    assert.equal(one?.length, 1);
    assert.doesNotMatch(String(one), /shared/);
  });

  it('or each connection’s own, or all of the connector’s: then requests reserve on each of them', async () => {
    const [one, two, three] = await keys([
      { ...TEN, scope: 'connection' },
      { requests: 100, per: '1 second', scope: 'connector' },
    ]);
    assert.deepEqual(one, ['test/connection/one', one?.[1], 'test/connector']);
    assert.deepEqual(two, ['test/connection/two', one?.[1], 'test/connector']);
    assert.notEqual(three?.[1], one?.[1]);
  });
});
