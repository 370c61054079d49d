import assert from 'node:assert/strict';
import type { Receipt } from '../../lib/core/verdict/receipt.ts';
import type { Case } from './cases.ts';

/** Holds a receipt against what it must say. `delivered`: the records of its manifest. `asked`: the requests that the API has counted. */
export function checkReceipt(
  { verdict, evidence = null, codes, delivered: distinct, movement }: Case,
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
  if (movement !== undefined) assert.deepEqual([receipt.movement.moved, receipt.movement.repaired], movement, context);
  assert.equal(receipt.requests.sent, asked, context);
}
