import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  bookAppointments,
  holdUntil,
  isLimiterBusy,
  type LimitBinding,
  type LimiterState,
  newLimiter,
  onRecovery,
  onRejection,
  reserveSlots,
} from '../../../lib/core/limits/limiter.ts';
import {
  distinctKeys,
  type Limit,
  MICRO,
  type ResolvedLimit,
  resolveLimit,
  windowMargin,
} from '../../../lib/core/limits/limits.ts';
import { DAY, HOUR, MINUTE, SECOND, type Span, span } from '../../../lib/core/time.ts';
import { declaredLimit } from './declared-limits.ts';
import { type Act, type Plan, runFleet, worstAlignedWindow, worstWindow } from './fleet.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
/** What a number of epoch milliseconds cannot hold is taken off. */
const toMicros = (millis: number): number => Math.round(millis * MICRO) / MICRO;

/** A meter on which requests of cost 1 reserve. */
const gaugeOf = (limits: readonly Limit[], meter: LimiterState = newLimiter): LimitBinding => ({
  limits: distinctKeys(limits.map((limit) => resolveLimit(limit, 1, [1]))),
  meter,
});
const slotsOf = (gauge: LimitBinding, wanted: number, now = NOW): readonly number[] =>
  reserveSlots([gauge], now, wanted, Number.POSITIVE_INFINITY).slots.map((slot) => toMicros(slot - now));
/** Reserves, and gives the gauge as it stands then. */
function after(gauge: LimitBinding, wanted: number, now = NOW): LimitBinding {
  const [meter] = reserveSlots([gauge], now, wanted, Number.POSITIVE_INFINITY).meters;
  return { ...gauge, meter: meter ?? gauge.meter };
}

describe('a timetable', () => {
  const ten = gaugeOf([{ requests: 10, per: '1 second' }]);

  it('gives an idle meter’s first slot at once, and each other an interval later', () => {
    assert.deepEqual(slotsOf(ten, 3), [0, 105.001, 210.002]);
  });

  it('goes on where somebody else stopped', () => {
    const standing = after(ten, 2);
    assert.ok(Math.abs((slotsOf(standing, 1)[0] ?? 0) - 210.002) < 1e-3);
  });

  it('gives no slot beyond the horizon, but tells when the next is', () => {
    const { slots, next } = reserveSlots([ten], NOW, 100, SECOND);
    assert.equal(slots.length, 10);
    assert.ok(Math.abs(next - NOW - 1_050.01) < 1e-3);
    assert.deepEqual(reserveSlots([after(ten, 20)], NOW, 1, SECOND).slots, []);
  });

  it('bursts after a pause, and pays for it', () => {
    const bursting = gaugeOf([{ requests: 10, per: '1 second', burst: 5 }]);
    assert.deepEqual(slotsOf(bursting, 6), [0, 0, 0, 0, 0, 175.001]);
    assert.equal(slotsOf(after(bursting, 6), 5, NOW + MINUTE).at(-1), 0);
  });

  it('suits every limit at once, on one meter or on several', () => {
    const second: Limit = { requests: 10, per: '1 second' };
    const minute: Limit = { requests: 30, per: '1 minute' };
    const together = slotsOf(gaugeOf([second, minute]), 2);
    assert.deepEqual(together, [0, 2_008.334]);
    const apart = reserveSlots([gaugeOf([second]), gaugeOf([minute])], NOW, 2, HOUR).slots.map((slot) =>
      toMicros(slot - NOW),
    );
    assert.deepEqual(apart, together);
  });

  it('lets requests without limits leave at once', () => {
    assert.deepEqual(slotsOf(gaugeOf([]), 3), [0, 0, 0]);
    assert.deepEqual(reserveSlots([], NOW, 2, 0).slots, [NOW, NOW]);
  });
});

describe('a fixed window', () => {
  const daily = gaugeOf([{ requests: 1_000, per: '1 day', window: 'fixed' }]);
  const midnight = Date.UTC(2026, 10, 23) - NOW;

  it('may be used up at once, and then nothing leaves until the next has begun', () => {
    const slots = slotsOf(daily, 1_001);
    assert.deepEqual([slots[0], slots[999]], [0, 0]);
    assert.equal(slots[1_000], midnight + 250);
  });

  it('counts what others used of it', () => {
    assert.deepEqual(slotsOf(after(daily, 999), 2), [0, midnight + 250]);
  });

  it('begins anew with the next', () => {
    assert.deepEqual(new Set(slotsOf(after(daily, 1_000), 1_000, NOW + DAY)), new Set([0]));
  });

  it('lets nothing leave close to its ends, where clocks may not agree which window it is', () => {
    const end = NOW + midnight;
    assert.deepEqual(slotsOf(daily, 1, end - 250), [0]);
    assert.deepEqual(slotsOf(daily, 1, end - 249), [499]);
    assert.deepEqual(slotsOf(daily, 1, end), [250]);
  });
});

/** What a fleet does, in portions of the limit's own pace, so that it is busy whatever the limit. */
const actsOf = (pace: number): fc.Arbitrary<Act[]> =>
  fc.array(
    fc.record({
      after: fc.oneof(
        fc.constant(0),
        fc.double({ min: 0, max: 3 * pace, noNaN: true }).map(Math.floor),
        fc.double({ min: 0, max: 60 * pace, noNaN: true }).map(Math.floor),
      ),
      worker: fc.nat(4),
      stream: fc.nat(1),
      wanted: fc.integer({ min: 1, max: 16 }),
      horizon: fc.constantFrom(0, 2 * SECOND, 4 * SECOND, 5 * pace, 40 * pace),
      writing: fc.nat(300),
      lateness: fc.array(fc.constantFrom(0, 0.3, 1, 1.01, 5), { minLength: 1, maxLength: 5 }),
      fate: fc.constantFrom('lives', 'lives', 'lives', 'lives', 'dies', 'twice'),
      refusal: fc.oneof(
        { weight: 19, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: fc.constantFrom(0, 1, SECOND, 10 * SECOND, HOUR) },
      ),
    }),
    { minLength: 12, maxLength: 60 },
  );

/** Clocks that differ by at most half of the least margin. */
const skewsWithin = (most: number): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: Math.ceil(-most / 4), max: Math.floor(most / 4) }), { minLength: 1, maxLength: 5 });

const paceOf = (limits: readonly ResolvedLimit[]): number =>
  Math.max(...limits.map((limit) => (limit.window === 'rolling' ? limit.interval / MICRO : limit.length / MICRO / 20)));

/** One or two streams that share their meters. */
const fleets = fc
  .record({
    limits: fc.uniqueArray(fc.oneof({ weight: 3, arbitrary: declaredLimit('rolling') }, declaredLimit('fixed')), {
      minLength: 1,
      maxLength: 3,
      selector: ({ limit, units }) => [limit.points === undefined, limit.per, limit.window, units].join(),
    }),
    meters: fc.integer({ min: 1, max: 2 }),
  })
  .chain(({ limits, meters }) => {
    // Two streams: the dearest cost of each limit, and the cheapest.
    const streams = [Math.max, Math.min].map((choose) =>
      distinctKeys(limits.map(({ limit, costs }) => resolveLimit(limit, choose(...costs), costs))),
    );
    const plans = streams.map(
      (resolved): Plan => (meters === 1 ? [resolved] : [resolved.slice(0, 1), resolved.slice(1)]),
    );
    const least = Math.min(...limits.map(({ limit }) => windowMargin(span(limit.per))));
    return fc.record({
      limits: fc.constant(limits),
      streams: fc.constant(streams),
      plans: fc.constant(plans),
      skews: skewsWithin(least),
      acts: actsOf(paceOf(streams.flat())),
      start: fc.integer({ min: NOW, max: NOW + DAY }),
    });
  });

describe('whatever workers do, crash, repeat and race for', () => {
  it('no window holds more than its limit, wherever it lies', () => {
    let [left, lost] = [0, 0];
    fc.assert(
      fc.property(fleets, ({ limits, streams, plans, skews, acts, start }) => {
        const { departures, beaten } = runFleet(start, plans, skews, acts);
        left += departures.length;
        lost += beaten;
        limits.forEach(({ limit, units }, index) => {
          const counted = departures.map(({ at, stream }) => ({ at, cost: streams[stream]?.[index]?.cost ?? 0 }));
          const worst = limit.window === 'fixed' ? worstAlignedWindow : worstWindow;
          const most = worst(counted, span(limit.per));
          assert.ok(most <= units, `${most} of ${units} ${limit.window} per ${limit.per}`);
        });
      }),
      { numRuns: 1_000 },
    );
    // It was not for lack of trying.
    assert.ok(left > 5_000 && lost > 5_000, `${left} departures, ${lost} beaten`);
  });

  it('nothing leaves before a hold is over, and nothing bursts after it', () => {
    let held = 0;
    fc.assert(
      fc.property(fleets, ({ plans, skews, acts, start }) => {
        for (const { until, slots } of runFleet(start, plans, skews, acts).holds) {
          held += slots.length;
          for (const { slot } of slots) assert.ok(slot >= until, `${until - slot} ms before the hold is over`);
          // Whatever may burst: right behind a hold slots are as far apart as in the long run.
          for (const [index] of (plans[0]?.[0] ?? []).entries()) {
            let due = 0;
            for (const [order, { slot, stream }] of slots.entries()) {
              const limit = plans[stream]?.[0]?.[index];
              if (limit?.window !== 'rolling') continue;
              if (order > 0) due += (limit.cost * limit.interval) / MICRO;
              assert.ok(slot - until - due > -1e-2, `slot ${order} is ${due - slot + until} ms too early`);
            }
          }
        }
      }),
      { numRuns: 500 },
    );
    assert.ok(held > 5_000, String(held));
  });

  it('a meter never stops for good, and holds nothing but whole numbers', () => {
    fc.assert(
      fc.property(fleets, ({ plans, skews, acts, start, streams }) => {
        const { meters } = runFleet(start, plans, skews, acts);
        const wholes = meters.flatMap(({ times, used, ...rest }) => [
          ...Object.values(times),
          ...Object.values(used),
          ...Object.values(rest),
        ]);
        for (const each of wholes) assert.ok(Number.isSafeInteger(each) && each >= 0, String(each));
        const end = start + acts.reduce((sum, act) => sum + act.after + act.writing, 0) + HOUR;
        const longest = Math.max(0, ...acts.map(({ horizon }) => horizon)) + 20 * paceOf(streams.flat()) + 31 * DAY;
        const gauges = (plans[0] ?? []).map((limits, index) => ({ limits, meter: meters[index] ?? newLimiter }));
        const { slots } = reserveSlots(gauges, end, 1, longest);
        assert.equal(slots.length, 1);
      }),
      { numRuns: 300 },
    );
  });
});

describe('what a limit allows is used', () => {
  it('saturated, it grants in every window all but what the margin and the burst cost', () => {
    fc.assert(
      fc.property(declaredLimit('rolling'), fc.integer({ min: 1, max: 40 }), ({ limit, costs }, portion) => {
        const cost = costs[0] ?? 1;
        const resolved = resolveLimit(limit, cost, costs);
        assert.ok(resolved.window === 'rolling');
        const length = span(limit.per);
        let gauge: LimitBinding = { limits: [resolved], meter: newLimiter };
        let granted = 0;
        // Workers come whenever they are told to, each for a portion, for ten windows.
        for (let now = NOW; now < NOW + 10 * length; ) {
          const { slots, next, meters } = reserveSlots([gauge], now, portion, 2 * SECOND);
          granted += slots.filter((slot) => slot < NOW + 10 * length).length;
          gauge = { ...gauge, meter: meters[0] ?? newLimiter };
          now = Math.max(now, next);
        }
        const promised = Math.floor((10 * length * MICRO) / (cost * resolved.interval));
        assert.ok(granted >= promised, `${granted} of ${promised}`);
      }),
    );
  });

  const shares: [Limit, number][] = [
    [{ requests: 10, per: '1 second' }, 0.952],
    [{ requests: 20, per: '1 second' }, 0.952],
    [{ requests: 100, per: '1 second' }, 0.952],
    [{ requests: 10, per: '5 seconds' }, 0.952],
    [{ requests: 60, per: '1 minute' }, 0.995],
    [{ requests: 300, per: '1 minute' }, 0.995],
    [{ requests: 5_000, per: '1 hour', burst: 50 }, 0.99],
    [{ requests: 1_000, per: '1 day' }, 0.999],
  ];
  for (const [limit, share] of shares) {
    it(`${limit.requests} per ${limit.per}${limit.burst ? `, burst ${limit.burst}` : ''}: ${share} of it`, () => {
      const [resolved] = gaugeOf([limit]).limits;
      assert.ok(resolved?.window === 'rolling' && limit.requests !== undefined);
      assert.ok((span(limit.per) * MICRO) / resolved.interval / limit.requests >= share);
    });
  }
});

describe('holds', () => {
  const refused = (leftAt: number, wait?: number) => ({ leftAt, wait, is: 'refused' }) as const;
  const held = (meter: LimiterState, leftAt: number, now: number, wait?: number): LimiterState => {
    const next = onRejection(meter, refused(leftAt, wait), now);
    assert.ok(next);
    return next;
  };

  it('last as long as advised', () => {
    assert.equal(held(newLimiter, NOW, NOW, 7_000).heldUntil, NOW + 7_000);
    assert.equal(held(newLimiter, NOW, NOW, DAY).heldUntil, NOW + DAY);
  });

  it('are put once for an incident, however many requests were under way', () => {
    const meter = held(newLimiter, NOW - 300, NOW, 7_000);
    for (const leftAt of [NOW - 400, NOW, NOW + 6_999])
      assert.equal(onRejection(meter, refused(leftAt, 7_000), NOW + 200), undefined);
    assert.equal(held(meter, NOW + 7_000, NOW + 7_200, 7_000).heldUntil, NOW + 14_200);
  });

  it('without advice take longer each time in a row, up to 15 minutes', () => {
    let meter = held(newLimiter, NOW, NOW);
    const waits = Array.from({ length: 12 }, () => {
      const wait = meter.heldUntil - meter.heldAt;
      meter = held(meter, meter.heldUntil, meter.heldUntil + 100);
      return wait / SECOND;
    });
    assert.deepEqual(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
  });

  it('are shorter again when the API answered for longer than it was left alone', () => {
    let meter = held(newLimiter, NOW, NOW);
    for (let round = 0; round < 4; round++) meter = held(meter, meter.heldUntil, meter.heldUntil);
    assert.equal(meter.heldUntil - meter.heldAt, 32_000);
    const later = meter.heldUntil + 33_000;
    assert.equal(held(meter, later, later).heldUntil - later, 16_000);
    const muchLater = meter.heldUntil + 10 * MINUTE;
    assert.equal(held(meter, muchLater, muchLater).heldUntil - muchLater, 2_000);
  });

  it('take as long as without advice where the advice is not to wait at all', () => {
    assert.equal(held(newLimiter, NOW, NOW, 0).heldUntil, NOW + 2_000);
  });

  it('in a row slow the meter down, up to twenty times, and each minute without one less', () => {
    const ten = gaugeOf([{ requests: 10, per: '1 second' }]);
    const spacingAt = (meter: LimiterState, now: number): number => {
      const [first = 0, second = 0] = slotsOf({ ...ten, meter }, 2, now);
      return Math.round(second - first);
    };
    let meter = held(newLimiter, NOW, NOW, 1_000);
    assert.equal(spacingAt(meter, meter.heldUntil), 105);
    const spacings = Array.from({ length: 6 }, () => {
      meter = held(meter, meter.heldUntil + 500, meter.heldUntil + 500, 1_000);
      return spacingAt(meter, meter.heldUntil);
    });
    assert.deepEqual(spacings, [210, 420, 840, 1_680, 2_100, 2_100]);
    assert.equal(spacingAt(meter, meter.heldUntil + 5 * MINUTE), 210);
    assert.equal(spacingAt(meter, meter.heldUntil + 6 * MINUTE), 105);
  });

  it('move every limit of a meter, so that none can be burst through when they are over', () => {
    const limits: Limit[] = [
      { requests: 10, per: '1 second', burst: 5 },
      { requests: 100, per: '1 minute', burst: 50 },
      { requests: 1_000, per: '1 day', window: 'fixed' },
    ];
    const standing = after(gaugeOf(limits), 3);
    const meter = held(standing.meter, NOW, NOW, 10_000);
    const slots = slotsOf({ ...standing, meter }, 20);
    const minute = 1_181.373;
    for (const [index, slot] of slots.entries()) assert.ok(slot >= 10_000 + index * minute - 0.1, `${index}: ${slot}`);
  });

  it('of one meter hold a request that reserves on several', () => {
    const free = gaugeOf([{ requests: 10, per: '1 second' }]);
    const holding = gaugeOf([], held(newLimiter, NOW, NOW, 5_000));
    assert.deepEqual(reserveSlots([free, holding], NOW, 1, MINUTE).slots, [NOW + 5_000]);
  });

  it('until a quota is renewed are only ever lengthened', () => {
    const meter = held(newLimiter, NOW, NOW, 7_000);
    assert.equal(holdUntil(meter, NOW + 5_000, NOW), undefined);
    assert.equal(holdUntil(meter, NOW - 1, NOW), undefined);
    assert.equal(holdUntil(meter, NOW + 9_000, NOW)?.heldUntil, NOW + 9_000);
  });

  it('whatever the advice, leave a whole number behind', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: DAY, noNaN: true }), (wait) => {
        const meter = held(newLimiter, NOW, NOW, wait);
        assert.ok(Number.isSafeInteger(meter.heldUntil) && meter.heldUntil >= NOW + wait);
        const until = holdUntil(newLimiter, NOW + wait, NOW)?.heldUntil ?? NOW;
        assert.ok(Number.isSafeInteger(until) && until >= NOW + wait);
      }),
    );
  });
});

describe('where no limit is declared and the API refuses all the same', () => {
  const undeclared = gaugeOf([]);
  const refuse = (meter: LimiterState, at: number): LimiterState =>
    onRejection(meter, { leftAt: at, wait: undefined, is: 'refused' }, at) ?? meter;

  it('departures are spaced, more with each refusal in a row, to one a second', () => {
    let meter = refuse(newLimiter, NOW);
    const spacings = Array.from({ length: 7 }, () => {
      const [first = 0, second = 0] = slotsOf({ limits: [], meter }, 2, meter.heldUntil);
      meter = refuse(meter, meter.heldUntil);
      return Math.round(second - first);
    });
    assert.deepEqual(spacings, [50, 100, 200, 400, 800, 1_000, 1_000]);
  });

  it('and no longer when nothing was refused for ten minutes', () => {
    const meter = refuse(newLimiter, NOW);
    assert.deepEqual(slotsOf({ ...undeclared, meter }, 3, meter.heldUntil + 10 * MINUTE), [0, 0, 0]);
  });
});

describe('appointments', () => {
  const ten = gaugeOf([{ requests: 10, per: '1 second' }]);
  const pace = 105.001;
  const appointed = (gauge: LimitBinding, portions: readonly number[], now = NOW) => {
    const { times, meters } = bookAppointments([gauge], now, portions);
    return { times: times.map((time) => Math.round(time - now)), gauge: { ...gauge, meter: meters[0] ?? newLimiter } };
  };

  it('are as far apart as what they stand for takes', () => {
    assert.deepEqual(appointed(ten, [10, 5, 1]).times, [0, 1_050, 1_575]);
  });

  it('come after those that others have, and after a hold', () => {
    const { gauge } = appointed(ten, [10]);
    assert.deepEqual(appointed(gauge, [1, 1]).times, [1_050, 1_155]);
    const meter = onRejection(newLimiter, { leftAt: NOW, wait: 5_000, is: 'refused' }, NOW) ?? newLimiter;
    assert.deepEqual(appointed({ ...ten, meter }, [1, 1]).times, [5_000, 5_105]);
  });

  it('take no slot', () => {
    const { gauge } = appointed(ten, [100]);
    assert.deepEqual(slotsOf(gauge, 1), [0]);
  });

  it('are moved up when the meter stood idle although they were there', () => {
    const { gauge } = appointed(after(ten, 1), [100]);
    const idle = NOW + 5_000;
    const moved = after(gauge, 1, idle);
    const lost = 5_000 - pace;
    assert.ok(Math.abs((gauge.meter.booked - moved.meter.booked) / MICRO - lost) < 1);
    assert.ok(moved.meter.booked >= idle * MICRO);
  });

  it('are no further ahead than ten minutes because of others’', () => {
    const { gauge } = appointed(ten, [100_000]);
    assert.deepEqual(appointed(gauge, [10, 1]).times, [600_000, 601_050]);
  });

  it('keep a meter busy until they are over, as slots and holds do', () => {
    assert.equal(isLimiterBusy([ten], NOW), false);
    assert.deepEqual([isLimiterBusy([after(ten, 1)], NOW), isLimiterBusy([after(ten, 11)], NOW)], [false, true]);
    const { gauge } = appointed(ten, [10]);
    assert.deepEqual([isLimiterBusy([gauge], NOW + 1_000), isLimiterBusy([gauge], NOW + 1_100)], [true, false]);
    const meter = onRejection(newLimiter, { leftAt: NOW, wait: 5_000, is: 'refused' }, NOW) ?? newLimiter;
    assert.deepEqual(
      [isLimiterBusy([{ ...ten, meter }], NOW + 3_999), isLimiterBusy([{ ...ten, meter }], NOW + 4_000)],
      [true, false],
    );
  });

  it('a fixed window is not busy at its ends', () => {
    const fixed = gaugeOf([{ requests: 100, per: '1 minute', window: 'fixed' }]);
    for (const at of [NOW - 200, NOW, NOW + 200]) assert.equal(isLimiterBusy([fixed], at), false);
    assert.equal(isLimiterBusy([after(fixed, 100)], NOW + SECOND), true);
  });

  it('are at once where nothing limits', () => {
    assert.deepEqual(appointed(gaugeOf([]), [10, 10, 10]).times, [0, 0, 0]);
  });
});

it('an API that answers again is no longer thought to be down', () => {
  assert.equal(onRecovery(newLimiter), undefined);
});

describe('a clock that is a minute ahead', () => {
  it('costs the others a minute, and no more', () => {
    const limits: readonly Span[] = ['1 second', '1 minute', '1 day'];
    for (const per of limits) {
      const gauge = gaugeOf([{ requests: 10, per }]);
      const [interval] = gauge.limits.map((limit) => (limit.window === 'rolling' ? limit.interval / MICRO : 0));
      const [slot = 0] = slotsOf(after(gauge, 1, NOW + MINUTE), 1);
      assert.ok(slot <= MINUTE + (interval ?? 0) + 1);
    }
  });
});
