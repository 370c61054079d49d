import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import practice from '../../lib/connectors/practice.ts';
import { dateMark } from '../../lib/core/connector/since.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { EVER, held, walk } from '../simulator/walk.ts';

describe('the practice API', () => {
  for (const name of Object.keys(practice.streams)) {
    test(`lists every one of its ${name} once`, async (t) => {
      const simulation = await simulate(practice, { records: 555 });
      t.after(simulation.stop);
      assert.deepEqual(await walk(practice, simulation, name), held(simulation, name, 555));
    });
  }

  test('lists only the orders of a window', async (t) => {
    const simulation = await simulate(practice, { records: 555 });
    t.after(simulation.stop);
    const { since } = practice.streams.orders;
    const changed = (index: number) => Date.parse(String(dateMark(since)?.field(simulation.record('orders', index))));
    const found = await walk(practice, simulation, 'orders', { from: changed(500), to: changed(550) });
    assert.deepEqual(found, held(simulation, 'orders', 555).slice(500, 550));
    assert.deepEqual(await walk(practice, simulation, 'orders', { ...EVER, from: changed(554) + 1 }), []);
  });

  test('needs nothing but the URL', async (t) => {
    const simulation = await simulate(practice, { records: 1 });
    t.after(simulation.stop);
    assert.deepEqual(simulation.secret, {});
    assert.deepEqual(practice.params.safeParse({ url: simulation.url }).data, { url: simulation.url });
  });
});
