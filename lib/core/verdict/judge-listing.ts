import { isSparse } from '../connector/paging.ts';
import type { Stream } from '../connector/stream.ts';
import { compareEdges, type PageEdges, type PageRead } from '../listing/edges.ts';
import type { Receipt } from './receipt.ts';

/** Whether one listing was read whole: what says so, and what speaks against it. */

export type ReceiptEvidence = NonNullable<Receipt['evidence']>;

/** What the tree says of one listing at the end of a sync: the sum over everything that counts. */
export type ListingTally = {
  /** Each page that counts, every time it was read, in the order of reading. */
  readonly pages: readonly PageRead[];
  /** Probes that were to begin with the last record, to see where the listing ends; and all pages that were read after it. */
  readonly tails: ReadonlySet<number>;
  readonly behind: ReadonlySet<number>;
  /** How many records a full page has, where the API gives fewer than it is asked for. */
  readonly size?: number | undefined;
  /** Pages opened, whether they came or not. */
  readonly planned: number;
  /** Pages set aside: index, and why. */
  readonly failed: readonly { readonly page: number; readonly code: string; readonly message: string }[];
  /** The listing was left unfinished because a page failed where its extent was not known. */
  readonly cutShort: boolean;
  readonly delivered: number;
  readonly quarantined: number;
  /** Dropped from overlaps. */
  readonly dropped: number;
  /** Delivered, although a record with the same key was delivered too. */
  readonly again: number;
  readonly totals: { readonly least: number; readonly greatest: number } | undefined;
  /** About how many there are, by a count that is not exact. */
  readonly estimate?: number | undefined;
};

export type ListingFinding = {
  readonly code: string;
  readonly message: string;
  readonly pages?: readonly number[];
  readonly verdict: 'INCOMPLETE' | 'UNKNOWN';
};

export type JudgedListing = {
  readonly findings: readonly ListingFinding[];
  readonly evidence: ReceiptEvidence | undefined;
  readonly edges: PageEdges;
};

export function judgeListing(stream: Stream, tally: ListingTally): JudgedListing {
  const edges = edgesOf(stream, tally);
  const findings = [
    ...failures(tally),
    ...gaps(stream, tally),
    ...moved(edges),
    ...repeatedPages(stream, tally),
    ...shortPages(stream, tally),
    ...limited(stream, tally),
    ...miscount(stream, tally, edges),
  ];
  const evidence = evidenceOf(stream, tally);
  if (findings.length === 0 && evidence === undefined) findings.push(inferred(stream));
  return { findings, evidence, edges };
}

const inferred = ({ total }: Stream): ListingFinding => ({
  code: 'end-inferred',
  message: `the end was only inferred from a page without records: ${total === undefined ? 'the API states neither a total nor an end' : 'the declared "total" finds none, and the API states no end'}`,
  verdict: 'UNKNOWN',
});

/** What would make this listing complete, if nothing speaks against it. */
function evidenceOf(stream: Stream, { totals }: Pick<ListingTally, 'totals'>): ReceiptEvidence | undefined {
  const stable = stream.order === 'oldest first' || stream.order === 'by key';
  switch (stream.paging.kind) {
    case 'offsets':
      return 'overlap';
    case 'cursor':
    case 'keyset':
      return 'cursor';
    case 'links':
      if (stable) return 'cursor';
      return totals === undefined ? 'end' : 'count';
    case 'one':
      return totals === undefined ? 'end' : 'count';
    case 'pages':
      if (totals !== undefined) return 'count';
      return stable ? 'cursor' : undefined;
  }
}

/** The failed pages, one reason for each cause. */
function failures({ failed, cutShort }: ListingTally): ListingFinding[] {
  const causes = Map.groupBy(failed, ({ code, message }) => `${code}\n${message}`);
  const findings = [...causes.values()].flatMap((group): ListingFinding[] => {
    const [first] = group;
    if (first === undefined) return [];
    const pages = group.map(({ page }) => page).sort((a, b) => a - b);
    return [{ code: first.code, message: first.message, pages, verdict: 'INCOMPLETE' }];
  });
  const rest: ListingFinding = {
    code: 'cut-short',
    message: 'what follows the failed page was not asked for',
    verdict: 'INCOMPLETE',
  };
  return cutShort ? [...findings, rest] : findings;
}

/** Each page as it was when it had most records. */
const fullest = ({ pages }: Pick<ListingTally, 'pages'>): PageRead[] => [
  ...pages
    .reduce(
      (all, page) => ((all.get(page[0])?.[1] ?? -1) < page[1] ? all.set(page[0], page) : all),
      new Map<number, PageRead>(),
    )
    .values(),
];

/** Pages without records before pages with records: a hole, whatever follows it. One that goes on from the last record leaves none, nor does one of a listing that is said to have such pages. */
function gaps({ paging }: Stream, { behind, ...tally }: ListingTally): ListingFinding[] {
  if (isSparse(paging)) return [];
  const pages = fullest(tally);
  const last = greatest(pages.filter(([index, records]) => records > 0 && !behind.has(index)).map(([index]) => index));
  const empty = pages.filter(([index, records]) => records === 0 && index < last).map(([index]) => index);
  if (empty.length === 0) return [];
  return [
    {
      code: 'empty-page',
      message: 'pages were empty although later ones were not',
      pages: empty.sort((a, b) => a - b),
      verdict: 'INCOMPLETE',
    },
  ];
}

const greatest = (values: readonly number[]): number => values.reduce((all, one) => Math.max(all, one), -1);

/** Neighbouring pages that are the same one: the API repeats its last page, or records moved by a whole page. */
function repeatedPages({ paging }: Stream, tally: ListingTally): ListingFinding[] {
  const pages = fullest(tally);
  if (paging.kind !== 'pages' && paging.kind !== 'offsets') return [];
  const byIndex = new Map(pages.map((page) => [page[0], page]));
  const repeated = pages.filter(([index, records, first, last]) => {
    const before = byIndex.get(index - 1);
    return records > 1 && before?.[1] === records && before[2] === first && before[3] === last;
  });
  if (repeated.length === 0) return [];
  const found = repeated.map(([index]) => index).sort((a, b) => a - b);
  const message = 'pages were the ones before them over again';
  return [{ code: 'repeated-page', message, pages: found, verdict: 'INCOMPLETE' }];
}

/** Where nothing else tells how many there are, a page that is not full before one that has records may lack some. */
function shortPages({ paging }: Stream, { totals, ...tally }: ListingTally): ListingFinding[] {
  const pages = fullest(tally);
  if (paging.kind !== 'pages' || totals !== undefined) return [];
  const full = greatest(pages.map(([, records]) => records));
  const last = greatest(pages.filter(([, records]) => records > 0).map(([index]) => index));
  const short = pages.filter(([index, records]) => index < last && records > 0 && records < full);
  if (short.length === 0) return [];
  const message = 'pages had fewer records than others, although there were more after them';
  return [
    { code: 'short-page', message, pages: short.map(([index]) => index).sort((a, b) => a - b), verdict: 'UNKNOWN' },
  ];
}

/** As many records as the API lets be read, and no total that says how many there are: one that ends there may have stopped counting. */
function limited({ paging }: Stream, { totals, delivered, quarantined, again }: ListingTally): ListingFinding[] {
  const max = 'max' in paging ? paging.max : undefined;
  const isTold = max === undefined || (totals !== undefined && totals.greatest > max);
  if (isTold || delivered + quarantined - again < max) return [];
  const message = `as many records came as the API lets be read of one listing (${max}): there may be more`;
  return [{ code: 'limit', message, verdict: 'UNKNOWN' }];
}

/** Only offsets overlap, and so can tell. */
function edgesOf({ paging }: Stream, { pages, size, tails }: ListingTally): PageEdges {
  if (paging.kind !== 'offsets') return { checked: 0, moved: [], broken: [] };
  return compareEdges(pages, size ?? paging.size, tails);
}

const moved = ({ broken: pages }: PageEdges): ListingFinding[] =>
  pages.length === 0
    ? []
    : [
        {
          code: 'moved',
          message: 'records moved while they were read: these pages do not begin where the ones before them end',
          pages,
          verdict: 'INCOMPLETE',
        },
      ];

/**
 * What a stated total says against the records that came. Where other evidence says that nothing is missing and records are known to have moved, more may
 * have come than were there at any time: some were read before they were deleted.
 */
function miscount(
  stream: Stream,
  { totals, delivered, quarantined, again }: ListingTally,
  { moved }: PageEdges,
): ListingFinding[] {
  if (totals === undefined) return [];
  const distinct = delivered + quarantined - again;
  const { least, greatest } = totals;
  const stated = least === greatest ? `${least}` : `${least} to ${greatest}`;
  const isOnlyCounted = evidenceOf(stream, { totals }) === 'count';
  const isExplained = !isOnlyCounted && (least !== greatest || moved.length > 0);
  if (distinct < least || (distinct > greatest && !isExplained)) {
    return [{ code: 'count', message: `the API stated ${stated} records, ${distinct} came`, verdict: 'INCOMPLETE' }];
  }
  if (!isOnlyCounted) return [];
  if (least !== greatest) {
    return [
      {
        code: 'total-changed',
        message: `the total changed while it was read, from ${stated} records`,
        verdict: 'UNKNOWN',
      },
    ];
  }
  return again === 0
    ? []
    : [
        {
          code: 'moved',
          message: `${again} records came twice: the listing moved while it was read`,
          verdict: 'UNKNOWN',
        },
      ];
}
