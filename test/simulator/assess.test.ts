import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import practice from '../../lib/connectors/practice.ts';
import type { Receipt } from '../../lib/core/verdict/receipt.ts';
import { assess } from '../../lib/simulator/assess.ts';
import { modelOf } from '../../lib/simulator/model.ts';
import { type Facts, factsOf, SWITCHES } from '../../lib/simulator/switches.ts';

const model = modelOf(practice, { records: 500 });
const facts: Facts = factsOf(model, 'orders', {});
const receipt = (more: Partial<Receipt> = {}): Receipt => ({
  ...{ connector: 'practice', connection: 'main', stream: 'orders', sync: 's', revision: 1, mode: 'full' },
  ...{ verdict: 'COMPLETE', evidence: 'count', reasons: [], expected: { records: 20, source: 'total' } },
  ...{ pages: { planned: 2, fetched: 2, failed: 0 }, requests: { sent: 2, throttled: 0, retried: 0 } },
  records: { fetched: 20, delivered: 20, quarantined: 0, repeated: 0 },
  ...{ movement: { checked: 0, moved: 0, repaired: 0 }, checked: { pages: 0, of: 0, moved: 0 }, warnings: [] },
  ...{ schema: [], watermark: { before: null, after: null } },
  ...{ manifest: 'm', startedAt: '2026-11-24T00:00:00Z', finishedAt: '2026-11-24T00:00:01Z' },
  ...more,
});
const reason = (code: string) => ({ code, message: code });
const truth = { there: 20, came: 20, lost: [], others: 0, strangers: 0, again: 0 };
const lost = { ...truth, came: 18, lost: ['[1]', '[2]'] };
const less = { records: { fetched: 18, delivered: 18, quarantined: 0, repeated: 0 } };
const doing = (what: string, more: Partial<Facts> = {}) => {
  const does = SWITCHES[what] ?? assert.fail(what);
  return { facts: { ...facts, ...more }, does };
};
const honest = doing('is honest');

describe('what a receipt is worth', () => {
  it('complete, and nothing is missing', () => {
    assert.deepEqual(assess(receipt(), truth, honest), { worth: 'survived', failed: false, mend: undefined });
  });

  it('complete, and something is missing: a lie', () => {
    const { worth, failed } = assess(receipt(less), lost, honest);
    assert.deepEqual([worth, failed], ['lied', true]);
    assert.equal(assess(receipt({ ...less, evidence: 'overlap' }), lost, doing(MOVING)).worth, 'lied');
  });

  it('complete by evidence that holds unless records move, and they did', () => {
    const { worth, mend } = assess(receipt(less), lost, doing(MOVING));
    assert.equal(worth, 'moved');
    assert.match(mend ?? '', /cursor/);
  });

  it('it counts what was never delivered, or what never was: a lie', () => {
    assert.equal(assess(receipt(), { ...truth, again: 1 }, honest).worth, 'lied');
    assert.equal(assess(receipt(), { ...truth, came: 19, strangers: 1 }, honest).worth, 'lied');
  });

  it('incomplete, and why; without a reason it is worth nothing', () => {
    const short = { ...less, verdict: 'INCOMPLETE', evidence: null } as const;
    const does = doing('has a short page in the middle');
    assert.deepEqual(assess(receipt({ ...short, reasons: [reason('count')] }), lost, does), {
      ...{ worth: 'told', failed: false, mend: undefined },
    });
    assert.equal(assess(receipt(short), lost, does).worth, 'lied');
  });

  it('what should have survived and did not has failed', () => {
    const died = receipt({ ...less, verdict: 'INCOMPLETE', evidence: null, reasons: [reason('http-500')] });
    assert.equal(assess(died, lost, doing('answers with a page of HTML first')).failed, true);
    assert.equal(assess(died, lost, doing('answers with a page of HTML first', { fits: false })).failed, false);
  });

  it('unknown is the best that can be said where nothing proves the end, and what to declare', () => {
    const unknown = receipt({ verdict: 'UNKNOWN', evidence: null, reasons: [reason('end-inferred')] });
    const { worth, failed, mend } = assess(unknown, truth, doing('is honest', { proves: false }));
    assert.deepEqual([worth, failed], ['survived', false]);
    assert.match(mend ?? '', /`total`/);
    assert.equal(assess(unknown, truth, honest).failed, true);
  });

  it('an expired cursor without a rule: what to declare', () => {
    const died = receipt({ ...less, verdict: 'INCOMPLETE', evidence: null, reasons: [reason('http-404')] });
    assert.match(assess(died, lost, doing('forgets once what leads to a page')).mend ?? '', /`is: 'restart'`/);
    const words = { expired: { status: 410, headers: {}, body: {} } };
    assert.equal(assess(died, lost, doing('forgets once what leads to a page', { words })).mend, undefined);
  });
});

const MOVING = 'loses and gets records while it is read';
