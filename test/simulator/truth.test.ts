import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import jira from '../../lib/connectors/jira.ts';
import practice from '../../lib/connectors/practice.ts';
import { modelOf } from '../../lib/simulator/model.ts';
import { keyOf } from '../../lib/simulator/rehearsed.ts';
import { alone } from '../../lib/simulator/scaled.ts';
import type { Trouble } from '../../lib/simulator/trouble.ts';
import { tallyOf } from '../../lib/simulator/truth.ts';

const FULL = { mode: 'full', watermark: { before: null, after: null } } as const;
const orders = modelOf(practice, { records: 20 });
const keyAt = (index: number): string => keyOf(practice.streams.orders, orders.streams[0]?.records.record(index));
const told = (indexes: readonly number[], trouble: Trouble = {}, receipt: Parameters<typeof tallyOf>[3] = FULL) => {
  const tally = tallyOf(orders, 'orders', trouble, receipt);
  const found = indexes.map((index) => tally.take(keyAt(index)));
  return { found, ...tally.truth() };
};
const all = Array.from({ length: 20 }, (_, index) => index);

describe('what an API knows of a sync', () => {
  it('everything came', () => {
    assert.deepEqual(told(all), { found: all, there: 20, came: 20, lost: [], others: 0, strangers: 0, again: 0 });
  });

  it('what did not come, what came twice, and what never was', () => {
    const tally = tallyOf(orders, 'orders', {}, FULL);
    for (const index of [...all.slice(2), 7]) tally.take(keyAt(index));
    assert.equal(tally.take('[0]'), undefined);
    assert.deepEqual(tally.truth(), {
      ...{ there: 20, came: 18, lost: [keyAt(0), keyAt(1)], others: 0, strangers: 1, again: 1 },
    });
  });

  it('what came or went meanwhile need not come', () => {
    const absent = (index: number, asked: number) => (index < 3 && asked > 2) || (index === 19 && asked < 2);
    const { there, came, others, lost } = told([0, ...all.slice(3)], { absent });
    assert.deepEqual([there, came, others, lost], [16, 16, 2, []]);
  });

  it('an incremental sync is asked for what has changed, and a little more', () => {
    const at = orders.streams[0]?.records.changedAt?.(15) ?? 0;
    const receipt = {
      mode: 'incremental',
      watermark: { before: new Date(at + 300_000).toISOString(), after: null },
    } as const;
    const { there, came, others } = told(all, {}, receipt);
    assert.deepEqual([there, came, others], [5, 5, 15]);
  });

  it('children of a parent that is gone need not come', () => {
    const model = modelOf(alone(jira, 'comments'), { records: { issues: 3, comments: 45 } });
    const tally = tallyOf(model, 'comments', { vanished: { parent: (index) => index === 2, answer: NOTHING } }, FULL);
    assert.deepEqual(tally.truth().there, 20);
  });

  it('of a stream that there is not nothing can be said', () => {
    assert.throws(() => tallyOf(orders, 'oders', {}, FULL), /There is no stream "oders"/);
  });
});

const NOTHING = { status: 404, headers: {}, body: {} };
