import type { Receipt } from '../core/verdict/receipt.ts';
import { bestOf, type Facts, type Switch } from './switches.ts';
import type { Truth } from './truth.ts';

/**
 * Compares a receipt with what its API knows.
 * `survived`: nothing is missing, and it says so, as far as this stream can prove it. `told`: it says that something may be missing, and why.
 * `moved`: it says COMPLETE by evidence that holds unless records move meanwhile, and they did. `lied`: it is false.
 */
export type Worth = 'survived' | 'told' | 'moved' | 'lied';

export type Assessment = {
  readonly worth: Worth;
  /** By its declaration, the sync should have got everything, and did not, or does not know it. */
  readonly failed: boolean;
  /** What to declare, so that more survives: one sentence without its full stop. */
  readonly mend?: string | undefined;
};

type Rehearsed = { readonly facts: Facts; readonly does: Switch };

export function assess(receipt: Receipt, truth: Truth, rehearsed: Rehearsed): Assessment {
  const { facts, does } = rehearsed;
  const worth = worthOf(receipt, truth, facts, does.trouble(facts).absent !== undefined);
  const failed = facts.fits && does.survives?.(facts) === true && worth !== 'survived';
  return { worth, failed, mend: mendOf(receipt, truth, worth, rehearsed) };
}

function worthOf(
  receipt: Receipt,
  { lost, strangers, came, again, others }: Truth,
  facts: Facts,
  moves: boolean,
): Worth {
  const { verdict, evidence, reasons, records } = receipt;
  if (strangers > 0 || records.delivered !== came + others + again) return 'lied';
  if (verdict !== 'COMPLETE' && reasons.length === 0) return 'lied';
  if (lost.length === 0 && verdict === bestOf(facts)) return 'survived';
  if (verdict !== 'COMPLETE') return 'told';
  if (lost.length === 0) return 'survived';
  return moves && (evidence === 'count' || evidence === 'end') ? 'moved' : 'lied';
}

const END =
  'nothing proves where its listing ends: declare where the API tells a `total`, or a `count` of its own, or, if records only ever come at the end, an `order`';
const MOVING =
  'records that move while they are read can be missed: use a `cursor` or `keyset` if the API has one, or ask for the newest change first';
const LIMIT =
  'the API lets only `max` records be read of one listing, and it has more: cut it, by `since` and `slices`';

function mendOf({ reasons }: Receipt, { lost }: Truth, worth: Worth, { facts, does }: Rehearsed): string | undefined {
  if (worth === 'moved') return MOVING;
  if (!facts.fits) return LIMIT;
  const own = lost.length > 0 || worth === 'told' || worth === 'lied' ? does.mend?.(facts) : undefined;
  return own ?? (!facts.proves && reasons.some(({ code }) => code === 'end-inferred') ? END : undefined);
}
