import type { Receipt } from '../core/verdict/receipt.ts';

/** What became of a receipt: its records are in the table, or they wait for a reason, or a later full sync made them needless. */
export type LoadState = 'loaded' | 'held' | 'superseded';

/** What a plan needs of a receipt that was decided on before: a row of the ledger. */
export type LedgerEntry = Pick<Receipt, 'sync' | 'revision' | 'mode' | 'verdict'> & {
  readonly state: LoadState;
  /** The watermark after it. */
  readonly after: string | null;
};

export type LoadStep<R> = {
  readonly receipt: R;
  readonly state: LoadState;
  /** Why it is not loaded. */
  readonly why: string | null;
  /** A complete full sync: what it does not have is gone. */
  readonly replaces: boolean;
};

type Planned = Pick<
  Receipt,
  'sync' | 'revision' | 'mode' | 'verdict' | 'reasons' | 'records' | 'watermark' | 'accepted'
>;

export type LoadPolicy = {
  /** Verdicts that are loaded like COMPLETE. Default: none. */
  readonly accept?: readonly Receipt['verdict'][];
  /** Syncs whose records cannot be loaded, and why. */
  readonly refused?: ReadonlyMap<string, string>;
};

/**
 * What to do with the receipts of one stream of one connection, in the order of its syncs. A COMPLETE full sync without quarantined records makes all before it needless. An
 * incremental sync is loaded only where what is loaded reaches to the watermark it began at: otherwise the table would lack the records in
 * between, and nothing would say so. A receipt that an operator accepted is loaded.
 */
export function planLoads<R extends Planned>(
  ledger: readonly LedgerEntry[],
  receipts: readonly R[],
  { accept = [], refused = new Map() }: LoadPolicy = {},
): LoadStep<R>[] {
  const refusal = (receipt: Planned): string | undefined => {
    const { verdict, accepted } = receipt;
    const trusted = verdict === 'COMPLETE' || accepted !== undefined || accept.includes(verdict);
    return trusted ? refused.get(receipt.sync) : verdictText(receipt);
  };
  const loaded = ledger.filter(({ state }) => state === 'loaded');
  // What is quarantined leaves the rows of earlier syncs in place: those are loaded first.
  const whole = receipts.filter((each) => each.records.quarantined === 0 && refusal(each) === undefined);
  const floor = [...loaded, ...whole].filter(isWholeFull).reduce((most, { sync }) => later(most, sync), '');
  const sorted = receipts.toSorted((a, b) => compare(a.sync, b.sync));
  const earlier = loaded.toSorted((a, b) => compare(a.sync, b.sync)).values();
  let next = earlier.next();
  /** How far the table reaches: not at all, or to a watermark. */
  let reach: { readonly after: string | null } | undefined;
  const extend = (mode: Receipt['mode'], after: string | null): void => {
    if (mode === 'full') reach = { after };
    else if (reach !== undefined) reach = { after: laterMark(reach.after, after) };
  };
  const steps: LoadStep<R>[] = [];
  for (const receipt of sorted) {
    for (; next.done !== true && next.value.sync <= receipt.sync; next = earlier.next())
      extend(next.value.mode, next.value.after);
    const { sync, mode, watermark } = receipt;
    const why =
      sync < floor
        ? `the full sync ${floor} is later, and COMPLETE`
        : (refusal(receipt) ?? gap(mode, watermark.before, reach));
    const state = why === undefined ? 'loaded' : sync < floor ? 'superseded' : 'held';
    if (state === 'loaded') extend(mode, watermark.after);
    steps.push({ receipt, state, why: why ?? null, replaces: isWholeFull(receipt) });
  }
  return steps;
}

const isWholeFull = ({ mode, verdict }: Pick<Receipt, 'mode' | 'verdict'>): boolean =>
  mode === 'full' && verdict === 'COMPLETE';

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const later = (a: string, b: string): string => (a < b ? b : a);
/** The later of two watermarks, in the order in which they were committed: a token tells no other. */
const laterMark = (a: string | null, b: string | null): string | null =>
  a === null || (b !== null && !reaches(a, b)) ? b : a;

/** Whether a watermark lies no later than another: dates and numbers tell, of tokens only the same one does. */
function reaches(mark: string, before: string): boolean {
  if (mark === before) return true;
  const [a, b] = [mark, before].map((text) => (/^\d{1,16}$/.test(text) ? Number(text) : Date.parse(text)));
  return a !== undefined && b !== undefined && b <= a;
}

const verdictText = ({ verdict, reasons }: Planned): string =>
  `its verdict is ${verdict} (${reasons.map(({ code }) => code).join(', ') || 'no reason'})`;

/** Why a sync does not join on to what is loaded; `undefined` if it does. */
function gap(
  mode: Receipt['mode'],
  before: string | null,
  reach: { readonly after: string | null } | undefined,
): string | undefined {
  if (mode === 'full') return undefined;
  if (reach === undefined) return 'it is incremental, and no full sync before it is loaded';
  if (before === null || (reach.after !== null && reaches(reach.after, before))) return undefined;
  return `it begins at ${before}, and what is loaded reaches to ${reach.after ?? 'no watermark'}`;
}
