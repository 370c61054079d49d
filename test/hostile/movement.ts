import assert from 'node:assert/strict';
import type { Receipt } from '../../lib/core/verdict/receipt.ts';
import type { Api } from '../pipeline/world.ts';
import { hostile } from './api.ts';
import type { Kind, Shape } from './connector.ts';
import { rowsOf } from './rows.ts';
import { schedule } from './schedule.ts';

/** Listings whose records come, go and move while they are read, as a seed says; and what their receipts may then claim. */

export type Movement = {
  readonly what: string;
  readonly kind: Kind;
  readonly shape: Shape;
  /** Its evidence holds whatever moves. */
  readonly isProof: boolean;
};

const KINDS: readonly Movement[] = [
  { what: 'offsets with a total', kind: 'offsets', shape: { total: true }, isProof: true },
  { what: 'offsets without a total', kind: 'offsets', shape: {}, isProof: true },
  { what: 'cursor', kind: 'cursor', shape: {}, isProof: true },
  { what: 'pages with a total', kind: 'pages', shape: { total: true }, isProof: false },
];
export const movementOf = (seed: number): Movement => KINDS[seed % KINDS.length] ?? assert.fail();

/** An API under the schedule of a seed. `moves`: records also move to the end, but for where they are followed in their order. `now`: when the rows end. */
export function movingListing(seed: number, moves: boolean, now?: number) {
  const { kind, what, isProof } = movementOf(seed);
  const { change, throughout, changes, records } = schedule(seed, moves && kind !== 'cursor');
  const api: Api = hostile(rowsOf(records, now), { change });
  /** Holds a receipt against what was there all the time; gives what it lacks of that. */
  function check({ verdict, evidence, movement }: Receipt, delivered: readonly unknown[]): readonly number[] {
    const context = `seed ${seed}, ${what}, ${changes()} changes, ${JSON.stringify([verdict, evidence, movement])}`;
    const found = new Set(delivered.map((row) => Reflect.get(Object(row), 'id')));
    const lost = throughout().filter((id) => !found.has(id));
    if (verdict !== 'COMPLETE') return lost;
    if (isProof) {
      assert.deepEqual(lost, [], context);
      assert.ok(evidence === 'overlap' || evidence === 'key', context);
    } else assert.equal(evidence, 'count', context);
    if (changes() === 0) assert.deepEqual([lost, movement.moved], [[], 0], context);
    return lost;
  }
  return { api, check };
}
