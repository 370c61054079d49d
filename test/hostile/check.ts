import assert from 'node:assert/strict';
import type { Receipt } from '../../lib/core/verdict/receipt.ts';
import type { Case } from './cases.ts';

/** Holds a receipt against what it must say. `delivered`: the records of its manifest. `asked`: the requests that the API has counted. */
export function checkReceipt(
  { verdict, evidence = null, codes, delivered: distinct, drift }: Case,
  receipt: Receipt,
  delivered: readonly unknown[],
  asked: number,
): void {
  const context = JSON.stringify(receipt);
  assert.equal(receipt.verdict, verdict, context);
  assert.equal(receipt.evidence, evidence, context);
  if (codes !== undefined) assert.deepEqual([...new Set(receipt.reasons.map(({ code }) => code))], codes, context);
  const ids = delivered.map((row) => Reflect.get(Object(row), 'id'));
  assert.equal(new Set(ids).size, distinct, context);
  assert.equal(receipt.records.delivered, ids.length, context);
  if (drift !== undefined) assert.deepEqual([receipt.drift.moved, receipt.drift.repaired], drift, context);
  assert.equal(receipt.requests.sent, asked, context);
}
