import fc from 'fast-check';
import { type Limit, limitsComplaint } from '../../../lib/core/limits/limits.ts';
import type { Span } from '../../../lib/core/time.ts';

/** A limit as a connector may declare it, the cost of one stream's requests, and of every stream's. `units`: what of it is ours. */
export type Declared = {
  readonly limit: Limit;
  readonly cost: number;
  readonly costs: readonly number[];
  readonly units: number;
};

const WINDOWS: readonly Span[] = ['1 second', '2 seconds', '10 seconds', '1 minute', '1 hour', '1 day'];

/** Limits from 1 to 60 in a second to a day, in requests or points, with and without burst and share. */
export const declaredLimit = (window: 'rolling' | 'fixed'): fc.Arbitrary<Declared> =>
  fc
    .record({
      per: fc.constantFrom(...WINDOWS),
      units: fc.integer({ min: 1, max: 60 }),
      points: fc.boolean(),
      burst: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }),
      share: fc.option(fc.constantFrom(0.1, 0.29, 0.5, 0.9, 1), { nil: undefined }),
      costs: fc.array(fc.constantFrom(1, 2, 3, 5, 10), { minLength: 1, maxLength: 3 }),
    })
    .map(({ per, units, points, burst, share, costs }): Declared => {
      const more = {
        per,
        window,
        ...(burst === undefined ? {} : { burst }),
        ...(share === undefined ? {} : { share }),
      };
      const limit: Limit = points ? { points: units, ...more } : { requests: units, ...more };
      return { limit, cost: costs[0] ?? 1, costs, units: Math.floor(units * (share ?? 1)) };
    })
    .filter(({ limit, costs }) => limitsComplaint([limit], costs) === undefined);
