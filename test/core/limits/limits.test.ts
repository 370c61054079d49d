import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type Limit,
  limitSchema,
  limitsComplaint,
  MICRO,
  resolveLimit,
  scopedLimits,
  windowMargin,
} from '../../../lib/core/limits/limits.ts';
import { DAY, MINUTE, SECOND, span } from '../../../lib/core/time.ts';
import { declaredLimit } from './declared-limits.ts';

const rolling = (limit: Limit, cost = 1, costs: readonly number[] = [cost]) => {
  const resolved = resolveLimit(limit, cost, costs);
  assert.ok(resolved.window === 'rolling');
  return resolved;
};

describe('a rolling limit', () => {
  it('is spaced by its window and the margin: 10 a second are one each 105 ms, 60 a minute one each 1,004 ms', () => {
    assert.equal(rolling({ requests: 10, per: '1 second' }).interval, 105_001);
    assert.equal(rolling({ requests: 60, per: '1 minute' }).interval, 1_004_167);
    assert.equal(rolling({ requests: 5_000, per: '1 hour' }).interval, 720_051);
  });

  it('leaves out what is not ours', () => {
    assert.equal(
      rolling({ requests: 100, per: '1 minute', share: 0.5 }).interval,
      rolling({ requests: 50, per: '1 minute' }).interval,
    );
  });

  it('pays for what bursts with a slower steady rate', () => {
    const [steady, bursting] = [1, 50].map((burst) => rolling({ requests: 100, per: '1 minute', burst }).interval);
    assert.ok(steady !== undefined && bursting !== undefined);
    assert.ok(bursting > 1.9 * steady && bursting < 2 * steady);
  });

  it('in points bursts as much as its dearest request costs, and is used in multiples of what all cost', () => {
    const { burst, interval } = rolling({ points: 1_000, per: '1 minute' }, 10, [10, 50]);
    assert.equal(burst, 50);
    assert.equal(interval, Math.floor((60_250 * MICRO) / (1_000 - 50 + 10)) + 1);
    // What is left of 1,005 can never be used.
    assert.equal(rolling({ points: 1_005, per: '1 minute' }, 10, [10, 50]).interval, interval);
  });

  it('counts each request as one, whatever its stream costs', () => {
    assert.deepEqual(rolling({ requests: 10, per: '1 second' }, 7), rolling({ requests: 10, per: '1 second' }));
  });

  it('lets no window hold more than the limit, its ends included: burst + (W + margin) ÷ interval', () => {
    fc.assert(
      fc.property(declaredLimit('rolling'), ({ limit, cost, costs, units }) => {
        const { burst, interval, cost: counted, tolerance } = rolling(limit, cost, costs);
        const length = span(limit.per);
        assert.ok(Number.isSafeInteger(interval) && interval > 0);
        assert.ok(burst >= counted && burst <= units);
        const most = burst + Math.floor(((length + windowMargin(length)) * MICRO) / interval);
        const unit = limit.points === undefined ? 1 : costs.reduce(greatestCommonDivisor);
        assert.ok(Math.floor(most / unit) * unit <= units, `${most} of ${units}`);
        assert.equal(tolerance, windowMargin(length) / 2);
      }),
    );
  });
});

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

it('a fixed window counts its units, and leaves a margin at both of its ends', () => {
  const resolved = resolveLimit({ requests: 1_000, per: '1 day', window: 'fixed', share: 0.8 }, 1, [1]);
  assert.deepEqual(resolved, {
    window: 'fixed',
    key: 'f/86400000',
    cost: 1,
    share: 0.8,
    tolerance: 125,
    length: DAY * MICRO,
    guard: 250 * MICRO,
    units: 800,
  });
});

it('the margin is a twentieth of the window, and at most 250 ms', () => {
  assert.deepEqual([SECOND, 2 * SECOND, 5 * SECOND, MINUTE, DAY].map(windowMargin), [50, 100, 250, 250, 250]);
});

it('limits that are not the same have keys of their own; who counts against the same limit finds the same', () => {
  const limits: Limit[] = [
    { requests: 10, per: '1 second' },
    { requests: 10, per: '1 minute' },
    { points: 10, per: '1 second' },
    { requests: 10, per: '1 second', window: 'fixed' },
  ];
  const keys = limits.map((limit) => resolveLimit(limit, 1, [1]).key);
  keys.push(...limits.map((limit) => resolveLimit(limit, 1, [1], 'rows').key));
  assert.equal(new Set(keys).size, keys.length);
  const raised = resolveLimit({ requests: 20, per: '1 second' }, 1, [1]);
  assert.equal(raised.key, keys[0], 'a changed amount keeps what was used');
  const points: Limit = { points: 100, per: '1 minute' };
  const [cheap, dear] = [1, 50].map((cost) => resolveLimit(points, cost, [1, 50]));
  assert.equal(cheap?.key, dear?.key);
});

describe('scopes', () => {
  const of = (...limits: Limit[]) =>
    scopedLimits(limits.map((limit) => [limit, resolveLimit(limit, 1, [1])] as const)).map(({ scope, limits: all }) => [
      scope,
      all.length,
    ]);

  it('the narrowest comes first; by default the secret’s', () => {
    const [second, minute, hour, day]: Limit[] = [
      { requests: 1, per: '1 second', scope: 'connector' },
      { requests: 1, per: '1 minute' },
      { requests: 1, per: '1 hour', scope: 'connection' },
      { requests: 1, per: '1 day', scope: 'secret' },
    ];
    assert.ok(second && minute && hour && day);
    assert.deepEqual(of(second, minute, hour, day), [
      ['connection', 1],
      ['secret', 2],
      ['connector', 1],
    ]);
  });

  it('where no limit is known there is still a meter to be held', () => {
    assert.deepEqual(of(), [['secret', 0]]);
  });
});

describe('a limit that makes no sense is refused, with a sentence', () => {
  const complaint = (limit: object): string | undefined =>
    limitSchema.safeParse(limit).error?.issues.map(({ message }) => message)[0];
  const shapes: [object, RegExp][] = [
    [{ per: '1 second' }, /needs either "requests" or "points"/],
    [{ requests: 1, points: 1, per: '1 second' }, /needs either "requests" or "points"/],
    [{ requests: 0, per: '1 second' }, /must be at least 1/],
    [{ requests: -5, per: '1 second' }, /must be at least 1/],
    [{ requests: 1.5, per: '1 second' }, /must be a whole number/],
    [{ requests: Number.NaN, per: '1 second' }, /must be a number/],
    [{ requests: Number.POSITIVE_INFINITY, per: '1 second' }, /must be a/],
    [{ requests: 1, per: 'second' }, /must be a duration from "1 second" to "31 days"/],
    [{ requests: 1, per: '0.5 seconds' }, /must be a duration from/],
    [{ requests: 1, per: '32 days' }, /must be a duration from/],
    [{ requests: 1, per: '1 second', share: 0 }, /must be over 0/],
    [{ requests: 1, per: '1 second', share: 1.1 }, /must be at most 1/],
    [{ requests: 1, per: '1 second', scope: 'world' }, /./],
    [{ requests: 1, per: '1 second', windows: 'fixed' }, /./],
  ];
  for (const [limit, sentence] of shapes)
    it(JSON.stringify(limit), () => assert.match(complaint(limit) ?? 'none', sentence));

  const whole: [Limit, number[], RegExp][] = [
    [{ requests: 1, per: '1 second', share: 0.5 }, [1], /share of the limit of 1 per 1 second is less than one/],
    [{ points: 10, per: '1 second' }, [1, 11], /a request that costs 11 can never leave under the limit of 10 per/],
    [{ requests: 10, per: '1 second', burst: 6 }, [1], /burst of 6 is more than half of the limit of 10 per 1 second/],
  ];
  for (const [limit, costs, sentence] of whole)
    it(JSON.stringify([limit, costs]), () => assert.match(limitsComplaint([limit], costs) ?? 'none', sentence));

  it('and every other is not', () => {
    fc.assert(
      fc.property(declaredLimit('rolling'), ({ limit, costs }) => {
        assert.equal(complaint(limit), undefined);
        assert.equal(limitsComplaint([limit], costs), undefined);
      }),
    );
  });
});
