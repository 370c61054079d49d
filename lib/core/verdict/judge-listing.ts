import { isSparse } from '../connector/paging.ts';
import type { Stream } from '../connector/stream.ts';
import { compareEdges, type PageEdges, type PageRead } from '../listing/edges.ts';
import type { PageDoubt } from '../listing/page-doubts.ts';
import { isRoundTotal } from '../response/stated-total.ts';
import type { Receipt } from './receipt.ts';
import { type LookRule, type LookStep, lookMode, lookState, nextLookStep, type PageReading } from './second-look.ts';

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
  /** The same of the last reading of each page, where pages by offsets were read again; `undefined`: it is not known. */
  readonly standing?: number | undefined;
  readonly totals: { readonly least: number; readonly greatest: number } | undefined;
  /** About how many there are, by a count that is not exact. */
  readonly estimate?: number | undefined;
  /** Every reading of every page, looks among them, and whether a look was tried since the listing was last read. */
  readonly readings: readonly PageReading[];
  readonly lookTried: boolean;
  /** What its pages say against it. */
  readonly doubts: readonly PageDoubt[];
  /** Its cursors count records or pages: they are positions, and no keys. */
  readonly counting: boolean;
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
  /** What its second look asks for next; nothing where other proof stands, or something speaks against it anyway. */
  readonly look: LookStep;
  readonly checked: Receipt['checked'];
};

/** `choose`: the sample of the second look, where it is spread over many listings. */
export function judgeListing(stream: Stream, tally: ListingTally, choose?: LookRule['choose']): JudgedListing {
  const edges = edgesOf(stream, tally);
  const evidence = evidenceOf(stream, tally);
  const against = [
    ...failures(tally),
    ...gaps(stream, tally),
    ...moved(edges),
    ...repeatedPages(stream, tally),
    ...shortPages(stream, tally),
    ...limited(stream, tally),
    ...doubtful(stream, tally),
  ];
  if (against.length === 0) against.push(...doubled(evidence, tally, edges));
  const isStill = tally.again === 0 && tally.totals?.least === tally.totals?.greatest;
  const isDoubted = against.length > 0 || (isStill && miscount(stream, tally, edges, SETTLED).length > 0);
  const looked = lookOf(stream, tally, evidence, isDoubted, choose);
  const findings = [...against, ...miscount(stream, tally, edges, looked.step)];
  if (findings.length === 0) findings.push(...unsettled(looked.step));
  if (findings.length === 0 && evidence === undefined) findings.push(inferred(stream));
  return { findings, evidence, edges, look: looked.step, checked: looked.checked };
}

const inferred = ({ total }: Stream): ListingFinding => ({
  code: 'end-inferred',
  message: `the end was only inferred from a page without records: ${total === undefined ? 'the API states neither a total nor an end' : 'the declared "total" finds none, and the API states no end'}`,
  verdict: 'UNKNOWN',
});

/** What would make this listing complete, if nothing speaks against it. */
function evidenceOf(
  stream: Stream,
  { totals, counting }: Pick<ListingTally, 'totals' | 'counting'>,
): ReceiptEvidence | undefined {
  const stated = totals === undefined ? 'end' : 'count';
  switch (stream.paging.kind) {
    case 'offsets':
      return 'overlap';
    case 'cursor':
    case 'keyset':
      return stream.order === 'by key' && !counting ? 'key' : stated;
    case 'links':
    case 'one':
    case 'job':
      return stated;
    case 'pages':
      if (totals !== undefined) return 'count';
      return stream.order === 'oldest first' || stream.order === 'by key' ? 'end' : undefined;
  }
}

const SETTLED: LookStep = { is: 'settled' };
const UNCHECKED: Receipt['checked'] = { pages: 0, of: 0, moved: 0 };

/** Only a total and an end need a second look, and only where nothing speaks against the listing anyway. */
function lookOf(
  stream: Stream,
  { totals, readings, lookTried }: ListingTally,
  evidence: ReceiptEvidence | undefined,
  isDoubted: boolean,
  choose: LookRule['choose'],
): { readonly step: LookStep; readonly checked: Receipt['checked'] } {
  const state = lookState(readings);
  const { pages, looked, everLooked, everMoved } = state;
  const checked =
    looked.length === 0 && everMoved === 0
      ? UNCHECKED
      : { pages: Math.max(looked.length, everLooked), of: pages.length, moved: everMoved };
  // One response is of one moment, in however many portions it is read.
  if (stream.paging.kind === 'one') return { step: SETTLED, checked };
  if (isDoubted || (evidence !== 'count' && evidence !== 'end')) return { step: SETTLED, checked };
  const isChain = stream.paging.kind !== 'pages';
  const rule = { mode: lookMode(stream), hasTotal: totals !== undefined, isChain, tried: lookTried };
  return { step: nextLookStep(state, { ...rule, ...(choose === undefined ? {} : { choose }) }), checked };
}

const MOVED =
  "records moved while they were read: what a second look found was read again, but more may have moved on pages that it did not ask for. Declare `offsets`, a keyset with `order: 'by key'`, or windows that no longer change";

/** What a second look could not settle. */
function unsettled({ is }: LookStep): ListingFinding[] {
  if (is === 'settled') return [];
  if (is === 'moved' || is === 'repair') return [{ code: 'moved', message: MOVED, verdict: 'UNKNOWN' }];
  const message = 'no page could be asked for again, so nothing shows that records did not move meanwhile';
  return [{ code: 'unchecked', message, verdict: 'UNKNOWN' }];
}

/** What each doubt of a page means for its listing. */
const DOUBTS: Readonly<
  Record<
    Exclude<PageDoubt['code'], 'nested' | 'missing-page' | 'recovered'>,
    Pick<ListingFinding, 'verdict'> & { says: string }
  >
> = {
  'unread-next': {
    verdict: 'INCOMPLETE',
    says: 'the last page leads on in a way that the stream does not read: read it in `paging`',
  },
  'end-inferred': { verdict: 'UNKNOWN', says: 'the end of the listing was only inferred' },
  'broken-promise': { verdict: 'UNKNOWN', says: 'the page after one that promised more has no records' },
  partial: { verdict: 'INCOMPLETE', says: 'the response is only a part of what was asked for' },
  limit: { verdict: 'UNKNOWN', says: 'the API counts no further: there may be more' },
};

function doubtful(stream: Stream, { doubts, totals, ...tally }: ListingTally): ListingFinding[] {
  const findings: ListingFinding[] = [];
  for (const all of Map.groupBy(doubts, ({ code, detail }) => `${code} ${detail}`).values()) {
    const [first] = all;
    if (first === undefined) continue;
    const { code, detail } = first;
    // A page without records that was gone around leaves no hole.
    if (code === 'recovered') continue;
    const pages = [...new Set(all.map(({ page }) => page))].sort((a, b) => a - b);
    if (code === 'nested') {
      const records = all.reduce((sum, each) => sum + (each.records ?? 0), 0);
      const message = `lists inside of records are cut off: "${detail || 'the record itself'}" of ${records} records, first on this page; list them by a stream of their own and name it in \`nested\``;
      findings.push({ code, message, pages: pages.slice(0, 1), verdict: 'UNKNOWN' });
    } else if (code === 'missing-page') findings.push(...missingPages(stream, { totals, ...tally }, pages, detail));
    else findings.push({ code, message: `${DOUBTS[code].says} (${detail})`, pages, verdict: DOUBTS[code].verdict });
  }
  return findings;
}

/** No API lets fewer records of a listing be read: a total below it that is met is the number of its records. */
const LEAST_LIMIT = 100;

/**
 * Pages that the API says do not exist, directly after a full one: where the total agrees and the refusal is 404 or 410, the end; another refusal is the limit of
 * what the API lets be read. Without a total the end is only inferred.
 */
function missingPages(
  { paging }: Stream,
  tally: Pick<ListingTally, 'pages' | 'size' | 'totals'>,
  missing: readonly number[],
  status: string,
): ListingFinding[] {
  const full = tally.size ?? ('size' in paging ? paging.size : Number.POSITIVE_INFINITY);
  const [first = 0] = missing;
  const before = fullest(tally).find(([index]) => index === first - 1);
  if (before === undefined || before[1] < full) return [];
  if (tally.totals !== undefined && tally.totals.greatest < LEAST_LIMIT) return [];
  if (status !== 'HTTP 404' && status !== 'HTTP 410') {
    const message = `the page after a full one was refused (${status}): it may lie beyond what the API lets be read, so there may be more`;
    return [{ code: 'limit', message, pages: [first], verdict: 'UNKNOWN' }];
  }
  if (tally.totals !== undefined) return [];
  const message = `the last page is full, and the one after it does not exist (${status}): if that is how the API ends a listing, say so by a rule that \`is: 'empty'\``;
  return [{ code: 'end-inferred', message, pages: [first], verdict: 'UNKNOWN' }];
}

/** An order by key, or an overlap, has each record once. One that comes twice although no page was read again says that records moved. */
function doubled(
  evidence: ReceiptEvidence | undefined,
  { again, standing, pages, readings }: ListingTally,
  { moved: movedEdges }: PageEdges,
): ListingFinding[] {
  if (evidence !== 'key' && evidence !== 'overlap') return [];
  const isReadAgain = readings.some(({ phase }) => phase > 0) || movedEdges.length > 0;
  const byIndex = new Map(pages.map((page) => [page[0], page]));
  // Pages by keyset may begin with the last record of the one before.
  const shared =
    evidence === 'key'
      ? pages.filter(([index, , first]) => first !== '' && byIndex.get(index - 1)?.[3] === first).length
      : 0;
  // What was read again came twice. Where the pages that count hold a record twice, another one may be on none of them.
  const doubles = isReadAgain ? (standing ?? 0) : again - shared;
  if (doubles <= 0) return [];
  const message = `${doubles} records came twice although their order is said to be stable: others may be on no page`;
  return [{ code: 'moved', message, verdict: 'UNKNOWN' }];
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
function gaps({ paging }: Stream, { behind, doubts, ...tally }: ListingTally): ListingFinding[] {
  if (isSparse(paging)) return [];
  const recovered = new Set(doubts.flatMap(({ code, page }) => (code === 'recovered' ? [page] : [])));
  const pages = fullest(tally);
  const last = greatest(pages.filter(([index, records]) => records > 0 && !behind.has(index)).map(([index]) => index));
  const empty = pages
    .filter(([index, records]) => records === 0 && index < last && !recovered.has(index))
    .map(([index]) => index);
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

const NO_PAGE: PageRead | undefined = undefined;

/**
 * As many records as the API lets be read, and no total that says how many there are: one that ends there may have stopped counting. So may a round total
 * that is met by a full last page.
 */
function limited(
  { paging, count }: Stream,
  { totals, delivered, quarantined, again, size, ...tally }: ListingTally,
): ListingFinding[] {
  const max = 'max' in paging ? paging.max : undefined;
  const distinct = delivered + quarantined - again;
  const isTold = max === undefined || (totals !== undefined && totals.greatest > max);
  if (!isTold && distinct >= max) {
    const message = `as many records came as the API lets be read of one listing (${max}): there may be more`;
    return [{ code: 'limit', message, verdict: 'UNKNOWN' }];
  }
  if (totals === undefined || count?.exact === true || !isRoundTotal(totals.greatest) || distinct !== totals.greatest)
    return [];
  const last = fullest(tally).reduce(
    (most, page) => (page[1] > 0 && page[0] > (most?.[0] ?? -1) ? page : most),
    NO_PAGE,
  );
  const full = size ?? ('size' in paging ? paging.size : Number.POSITIVE_INFINITY);
  if (last === undefined || last[1] < full) return [];
  const message = `the API stated ${totals.greatest} records, and the last page is full: it may count no further`;
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
  { totals, counting, delivered, quarantined, again }: ListingTally,
  { moved }: PageEdges,
  look: LookStep,
): ListingFinding[] {
  if (totals === undefined) return [];
  const distinct = delivered + quarantined - again;
  const { least, greatest } = totals;
  const stated = least === greatest ? `${least}` : `${least} to ${greatest}`;
  const isOnlyCounted = evidenceOf(stream, { totals, counting }) === 'count';
  const isExplained = least !== greatest || moved.length > 0 || again > 0;
  if (distinct < least || (distinct > greatest && !isExplained)) {
    return [{ code: 'count', message: `the API stated ${stated} records, ${distinct} came`, verdict: 'INCOMPLETE' }];
  }
  if (!isOnlyCounted || least === greatest || look.is !== 'unchecked') return [];
  const message = `the total changed while it was read, from ${stated} records`;
  return [{ code: 'total-changed', message, verdict: 'UNKNOWN' }];
}
