import assert from 'node:assert/strict';
import type { Receipt } from '../../../lib/core/verdict/receipt.ts';
import { modelOf } from '../../../lib/simulator/model.ts';
import type { Trouble } from '../../../lib/simulator/trouble.ts';
import { seededRandom } from '../../memory/random.ts';
import { CASES, type Case, lately, says } from './cases.ts';
import { syncing } from './run.ts';

/** A number from 0 to `below` - 1. */
export type Draw = (below: number) => number;

/** What an API may answer instead of anything: none of it is an answer. */
const INSTEAD = [
  says(429, {}, { 'retry-after': '1' }),
  says(503, {}),
  says(500, '<h1>Oops</h1>', { 'content-type': 'text/html' }),
  says(200, '{"data": ['),
  says(200, ''),
];

/**
 * Several troubles at once, as they may fall together. Left out is what nobody can find out: records that a listing without a total leaves out,
 * or a single answer that is cut. `tells`: whether the stream knows exactly how many records there are.
 */
export function drawTrouble(
  draw: Draw,
  api: Case,
  { tells, children }: { tells: boolean; children: boolean },
): Trouble {
  const sometimes = <T extends object>(part: number, make: () => T): Partial<T> => (draw(100) < part ? make() : {});
  const missing = says([400, 404][draw(2)] ?? 400, { message: 'not found' });
  return {
    ...sometimes(25, () => ({ empty: draw(5) })),
    ...sometimes(25, () => ({ short: draw(5) })),
    ...sometimes(50, () => ({ times: 1 + draw(3) })),
    ...sometimes(20, () => ({ cap: 2 + draw(6) })),
    ...sometimes(20, () => ({
      limit: { records: 5 + 5 * draw(6), by: tells && draw(2) > 0 ? 'end' : '400' } as const,
    })),
    ...sometimes(10, () => ({ loop: draw(4) })),
    ...sometimes(tells ? 15 : 0, () => total(1 + draw(5), draw(2) > 0)),
    ...sometimes(20, () => ({ expired: { page: draw(5), answer: api.expired ?? missing } })),
    ...sometimes(30, () => moves(3 + draw(5), 1 + draw(8))),
    ...sometimes(children ? 20 : 0, () => vanishing(2 + draw(3), api)),
    ...sometimes(40, () => ({ every: { requests: 2 + draw(6), answer: INSTEAD[draw(INSTEAD.length)] ?? missing } })),
    ...sometimes(20, () => ({ revokes: 1 + draw(6) })),
  };
}

const total = (by: number, sometimes: boolean): Trouble => ({
  total: (honest, asked) => (sometimes && asked % 2 === 0 ? honest : honest + by),
});

/** Some records are no longer there from some request on, and others only from then on. */
const moves = (one: number, from: number): Trouble => ({
  absent: (index, asked) => (index % one === 1 && asked > from) || (index % (one + 2) === 2 && asked <= from),
});

const vanishing = (one: number, { vanished }: Case): Trouble => ({
  vanished: { parent: (index) => index % one === 0, answer: vanished ?? says(404, {}) },
});

/** One sync of a stream of one of the seven, all of it drawn from the seed. Throws where its receipt says what is not so. */
export async function weathered(seed: number): Promise<{ readonly what: string; readonly receipt: Receipt }> {
  const { number } = seededRandom(seed);
  const draw: Draw = (below) => Math.floor(number() * below);
  const [title, api] = Object.entries(CASES)[draw(Object.keys(CASES).length)] ?? assert.fail();
  const names = api.hostile.filter((each) => api.connector.streams[each]?.paging.kind !== 'one');
  const name = names[draw(names.length)] ?? assert.fail();
  const small = lately(api.connector, name, 5 + draw(8));
  const { each, total, count } = small.streams[name] ?? assert.fail();
  const facts = { tells: total !== undefined || count?.exact === true, children: each !== undefined };
  const trouble: Trouble = { stream: name, ...drawTrouble(draw, api, facts) };
  const records = { [name]: draw(60), ...(each && { [each.of]: 1 + draw(8) }) };
  const model = modelOf(small, { params: api.params ?? {}, records, seed });
  const { receipt } = await (await syncing(model, name, trouble))();
  return { what: `${title}: ${name}, ${JSON.stringify(records)}, ${JSON.stringify(trouble)}`, receipt };
}
