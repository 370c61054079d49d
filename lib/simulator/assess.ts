import type { Receipt } from '../core/receipt.ts';
import { bestOf, type Facts, type Switch } from './switches.ts';
import type { Truth } from './truth.ts';

/**
 * What a receipt is worth, beside what its API knows.
 * `survived`: nothing is missing, and it says so, as far as this stream can ever prove it. `told`: it says that something may be missing, and why.
 * `moved`: it says COMPLETE by evidence that holds unless records move meanwhile, and they did. `lied`: what it says is not so.
 */
export type Worth = 'survived' | 'told' | 'moved' | 'lied';

export type Assessment = {
  readonly worth: Worth;
  /** By what is declared, the sync should have got everything, and did not, or does not know it. */
  readonly failed: boolean;
  /** What to declare, so that more survives: one sentence without its full stop. */
  readonly mend?: string | undefined;
};

export function assess(
  receipt: Receipt,
  truth: Truth,
  { facts, does }: { readonly facts: Facts; readonly does: Switch },
): Assessment {
  const worth = worthOf(receipt, truth, facts, does.trouble(facts).absent !== undefined);
  const failed = facts.fits && does.survives?.(facts) === true && worth !== 'survived';
  return { worth, failed, mend: mendOf(receipt, worth, facts, does) };
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

function mendOf({ reasons }: Receipt, worth: Worth, facts: Facts, { mend }: Switch): string | undefined {
  if (worth === 'moved') return MOVING;
  if (!facts.fits) return LIMIT;
  if (reasons.some(({ code }) => code === 'end-inferred') && !facts.proves) return END;
  return worth === 'told' || worth === 'lied' ? mend?.(facts) : undefined;
}
