import { pageNumber } from '../connector/paging.ts';
import type { Stream } from '../connector/stream.ts';
import { judgeListing, type ListingFinding, type ListingTally, type ReceiptEvidence } from './judge-listing.ts';
import type { Receipt } from './receipt.ts';
import type { LookRule } from './second-look.ts';

type Reason = Receipt['reasons'][number];

/** One listing of a sync. A sync without slices has one. */
export type SyncListing = {
  /** The stream whose listing it is: the sync's own, or a parent's. */
  readonly stream: Stream;
  /** What people call the slice; none where it is the whole sync. */
  readonly slice?: string | undefined;
  /** Its records are not delivered: they are the parents whose children are. */
  readonly ofParents?: boolean;
  readonly tally: ListingTally;
  /** The sample of its second look, where that is spread over many listings. */
  readonly choose?: LookRule['choose'];
};

export type SyncJudgement = Pick<Receipt, 'verdict' | 'evidence' | 'reasons' | 'movement' | 'checked'>;

/** From the strongest to the weakest: a sync is as sure as the least sure of its listings. */
const STRENGTH: readonly ReceiptEvidence[] = ['key', 'overlap', 'count', 'end'];
/** How many slices a reason names. */
const NAMED_SLICES = 20;

/** What is known of a sync's listings so far. A sync may have a hundred thousand of them, so it is added up one by one. */
export type JudgedListings = {
  /** What speaks against it, by its cause. */
  readonly causes: ReadonlyMap<string, Cause>;
  readonly worst: Receipt['verdict'];
  /** The weakest evidence of all; of none yet, `undefined`. */
  readonly evidence: ReceiptEvidence | undefined;
  readonly movement: Receipt['movement'];
  readonly checked: Receipt['checked'];
  /** Pages of the listings of which a second look wants more: one that looks, or one that reads again. */
  readonly wanted: { readonly pages: number; readonly hasTotal: boolean };
  /** Something is known to be missing, other than by a count: a second look would not find it. */
  readonly lacking: boolean;
};

/** `many`: in how many slices it was found, of which the first few are named. */
type Cause = ListingFinding & SyncPlace & { readonly many: number; readonly slices: readonly Named[] };
type Named = { readonly slice: string; readonly pages?: readonly number[] | undefined };

export const NO_LISTINGS: JudgedListings = {
  causes: new Map(),
  worst: 'COMPLETE',
  evidence: undefined,
  movement: { checked: 0, moved: 0, repaired: 0 },
  checked: { pages: 0, of: 0, moved: 0 },
  wanted: { pages: 0, hasTotal: true },
  lacking: false,
};

/** Adds a listing. */
export function withListing(
  judged: JudgedListings,
  { stream, slice, ofParents = false, tally, choose }: SyncListing,
): JudgedListings {
  const { findings, evidence, edges, look, checked } = judgeListing(stream, tally, choose);
  const { movement, wanted } = judged;
  const isWanted = look.is === 'look' || look.is === 'repair';
  return [...findings, ...(ofParents ? lostParents(tally) : [])].reduce(
    (all, finding) => foundWith(all, { ...finding, stream, slice }),
    {
      ...judged,
      evidence: weaker(judged.evidence, evidence),
      movement: {
        checked: movement.checked + edges.checked,
        moved: movement.moved + edges.moved.length,
        repaired: movement.repaired + Math.max(0, edges.moved.length - edges.broken.length),
      },
      checked: {
        pages: judged.checked.pages + checked.pages,
        of: judged.checked.of + checked.of,
        moved: judged.checked.moved + checked.moved,
      },
      wanted: isWanted
        ? { pages: wanted.pages + pagesOf(tally), hasTotal: wanted.hasTotal && tally.totals !== undefined }
        : wanted,
    },
  );
}

/** Adds that a sync was given up before all its slices were listed. */
export const withUnopenedSlices = (judged: JudgedListings, stream: Stream): JudgedListings =>
  foundWith(judged, { ...UNOPENED, stream });

/** Whether a sync got everything, and what says so. */
export const judgeSync = ({ causes, worst, evidence, movement, checked, lacking }: JudgedListings): SyncJudgement => ({
  verdict: worst,
  evidence: worst === 'COMPLETE' ? (evidence ?? null) : null,
  // Where something is missing, nothing is looked at a second time: that is no reason of its own.
  reasons: [...causes.values()].filter(({ code }) => !(lacking && code === 'unchecked')).map(reasonOf),
  movement,
  checked,
});

function foundWith(judged: JudgedListings, finding: ListingFinding & SyncPlace): JudgedListings {
  const { code, message, slice, stream, pages, verdict } = finding;
  const name = slice === undefined ? `${code}\n${message}` : code;
  const cause = judged.causes.get(name) ?? { ...finding, many: 0, slices: [] };
  const named =
    slice === undefined || cause.slices.length >= NAMED_SLICES ? [] : [{ slice, ...numbered(stream, pages) }];
  return {
    ...judged,
    causes: new Map(judged.causes).set(name, {
      ...cause,
      many: cause.many + 1,
      slices: [...cause.slices, ...named],
    }),
    worst: judged.worst === 'INCOMPLETE' ? 'INCOMPLETE' : verdict,
    lacking: judged.lacking || (verdict === 'INCOMPLETE' && code !== 'count' && code !== 'moved'),
  };
}

/** Pages with records. */
const pagesOf = ({ pages }: ListingTally): number =>
  new Set(pages.filter(([, records]) => records > 0).map(([index]) => index)).size;

const weaker = (a: ReceiptEvidence | undefined, b: ReceiptEvidence | undefined): ReceiptEvidence | undefined =>
  a === undefined || b === undefined ? (a ?? b) : STRENGTH[Math.max(STRENGTH.indexOf(a), STRENGTH.indexOf(b))];

function reasonOf({ code, message, stream, slice, pages, slices, many }: Cause): Reason {
  if (slice === undefined) return { code, message, ...numbered(stream, pages) };
  const others = many === 1 ? '' : ` (and likewise in ${many - 1} other slices)`;
  return { code, message: `${message}${others}`, slices };
}

type SyncPlace = Pick<SyncListing, 'stream' | 'slice'>;

const numbered = ({ paging }: Stream, pages: readonly number[] | undefined): Pick<Reason, 'pages'> =>
  pages === undefined ? {} : { pages: pages.map((index) => pageNumber(paging, index)) };

const UNOPENED: ListingFinding = {
  code: 'cut-short',
  message: 'the sync was given up before all its slices were listed',
  verdict: 'INCOMPLETE',
};

/** A quarantined record is not missing; but the children of a quarantined parent are. */
const lostParents = ({ quarantined }: ListingTally): ListingFinding[] =>
  quarantined === 0
    ? []
    : [
        {
          code: 'schema',
          message: `${quarantined} of the parents do not fit their schema, and their children were not listed`,
          verdict: 'INCOMPLETE',
        },
      ];
