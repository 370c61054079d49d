import type { Receipt } from '../core/receipt.ts';
import type { Trouble } from './trouble.ts';
import type { Truth } from './truth.ts';

/**
 * What a receipt is worth, beside what its API knows.
 * `survived`: it says COMPLETE, and all that was there throughout came. `told`: it says that it is not, and why.
 * `moved`: it says COMPLETE by evidence that holds unless records move meanwhile, and they did. `lied`: it says what is not so.
 */
export type Worth = 'survived' | 'told' | 'moved' | 'lied';

export function worthOf({ verdict, evidence, reasons, records }: Receipt, truth: Truth, trouble: Trouble): Worth {
  const { lost, strangers, came, again } = truth;
  if (strangers > 0 || records.delivered !== came + again + truth.others) return 'lied';
  if (verdict !== 'COMPLETE') return reasons.length > 0 ? 'told' : 'lied';
  if (lost.length === 0) return 'survived';
  const holdsAlways = evidence === 'overlap' || evidence === 'cursor';
  return holdsAlways || trouble.absent === undefined ? 'lied' : 'moved';
}
