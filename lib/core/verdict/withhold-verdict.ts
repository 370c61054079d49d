import type { SyncJudgement } from './completeness.ts';
import type { Receipt } from './receipt.ts';

/** What a sync brought, beside its listings. */
export type SyncOutcome = {
  readonly mode: Receipt['mode'];
  /** Records with different keys, delivered or quarantined. */
  readonly distinct: number;
  readonly delivered: number;
  readonly quarantined: number;
  /** The share of quarantined records that a stage allows, from 0 to 1. */
  readonly allowed: number;
  /** Records of the last complete full sync, and of a full sync after it that had fewer than half of them. */
  readonly before: number | undefined;
  readonly shrunkTo: number | undefined;
};

/**
 * Withholds COMPLETE from a sync whose listings were read whole: too many of its records do not fit their schema, or a full sync fell below half of the one
 * before, as it does where a login ended quietly.
 */
export function withholdVerdict(
  judgement: SyncJudgement,
  outcome: SyncOutcome,
): SyncJudgement & { readonly warnings: Receipt['warnings'] } {
  const { delivered, quarantined, allowed } = outcome;
  const all = delivered + quarantined;
  const quarantinedText = `${quarantined} of ${all} records do not fit their schema and are quarantined`;
  if (quarantined > 0 && (quarantined > allowed * all || delivered === 0)) {
    const reason = { code: 'quarantined', message: `${quarantinedText}: mend the schema, then run \`failures map\`` };
    return {
      ...judgement,
      verdict: 'INCOMPLETE',
      evidence: null,
      reasons: [...judgement.reasons, reason],
      warnings: [],
    };
  }
  const warnings = quarantined > 0 ? [{ code: 'quarantined', message: quarantinedText }] : [];
  const shrunk = judgement.verdict === 'COMPLETE' ? shrinkage(outcome) : undefined;
  if (shrunk === undefined) return { ...judgement, warnings };
  return { ...judgement, verdict: 'UNKNOWN', evidence: null, reasons: [...judgement.reasons, shrunk], warnings };
}

function shrinkage({ mode, distinct, before, shrunkTo }: SyncOutcome): Receipt['reasons'][number] | undefined {
  if (mode !== 'full' || before === undefined || 2 * distinct >= before) return undefined;
  // A second full sync that has as few agrees.
  if (shrunkTo !== undefined && 2 * distinct >= shrunkTo && distinct <= 2 * Math.max(1, shrunkTo)) return undefined;
  return {
    code: 'shrunk',
    message: `the listing has ${distinct} records, the last complete full sync had ${before}: a login may have ended quietly. The next full sync that agrees is believed, or \`accept\` it`,
  };
}
