import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { SyncJudgement } from '../../../lib/core/verdict/completeness.ts';
import { type SyncOutcome, withholdVerdict } from '../../../lib/core/verdict/withhold-verdict.ts';

const COMPLETE: SyncJudgement = {
  verdict: 'COMPLETE',
  evidence: 'count',
  reasons: [],
  movement: { checked: 0, moved: 0, repaired: 0 },
  checked: { pages: 0, of: 0, moved: 0 },
};
const OUTCOME: SyncOutcome = {
  ...{ mode: 'full', distinct: 1_000, delivered: 1_000, quarantined: 0, allowed: 0.01 },
  ...{ before: undefined, shrunkTo: undefined },
};
const judge = (outcome: Partial<SyncOutcome>): [string, ...string[]] => {
  const { verdict, reasons, warnings } = withholdVerdict(COMPLETE, { ...OUTCOME, ...outcome });
  return [verdict, ...reasons.map(({ code }) => code), ...warnings.map(({ code }) => `warning ${code}`)];
};

it('a few quarantined records are a warning, more than the stage allows are INCOMPLETE', () => {
  assert.deepEqual(judge({}), ['COMPLETE']);
  assert.deepEqual(judge({ delivered: 990, quarantined: 10 }), ['COMPLETE', 'warning quarantined']);
  assert.deepEqual(judge({ delivered: 989, quarantined: 11 }), ['INCOMPLETE', 'quarantined']);
  assert.deepEqual(judge({ delivered: 0, quarantined: 1, allowed: 1 }), ['INCOMPLETE', 'quarantined']);
});

it('a full sync that falls below half is UNKNOWN until the next one agrees', () => {
  assert.deepEqual(judge({ distinct: 500, before: 1_000 }), ['COMPLETE']);
  assert.deepEqual(judge({ distinct: 499, before: 1_000 }), ['UNKNOWN', 'shrunk']);
  assert.deepEqual(judge({ distinct: 0, before: 30 }), ['UNKNOWN', 'shrunk']);
  assert.deepEqual(judge({ distinct: 480, before: 1_000, shrunkTo: 499 }), ['COMPLETE']);
  assert.deepEqual(judge({ distinct: 10, before: 1_000, shrunkTo: 499 }), ['UNKNOWN', 'shrunk']);
  assert.deepEqual(judge({ mode: 'incremental', distinct: 0, before: 1_000 }), ['COMPLETE']);
});
