import * as z from 'zod';
import { pageNumber } from './paging.ts';
import type { Stream } from './stream.ts';

/** The closing statement of a sync. Outside readers rely on these names. */
export const receiptSchema = z.object({
  connector: z.string(),
  connection: z.string(),
  stream: z.string(),
  sync: z.string(),
  revision: z.int(),
  mode: z.enum(['full', 'incremental']),
  verdict: z.enum(['COMPLETE', 'INCOMPLETE', 'UNKNOWN']),
  /**
   * What the verdict COMPLETE rests on; `null` with any other.
   * `overlap`: neighbouring pages share a record, all edges agree, and the last page was short. `cursor`: a cursor or keyset was
   * followed to the API's explicit end, or a declared stable order was. `count`: the total never changed, no key came twice, and
   * the count agrees. `end`: an explicit end of a listing whose records may move. The last two hold unless records moved meanwhile.
   */
  evidence: z.enum(['overlap', 'cursor', 'count', 'end']).nullable(),
  /** Why the verdict is not COMPLETE. Pages are counted from 1, or as the API numbers them. */
  reasons: z
    .array(z.object({ code: z.string(), message: z.string(), pages: z.array(z.int()).readonly().optional() }))
    .readonly(),
  /** What the API said there would be, and how it said so. */
  expected: z.object({ records: z.int().nullable(), source: z.enum(['total']).nullable() }),
  pages: z.object({ planned: z.int(), fetched: z.int(), failed: z.int() }),
  /** `repeated`: records whose key had been read before. Those in the overlap of two pages are dropped; any other is delivered again. */
  records: z.object({ fetched: z.int(), delivered: z.int(), quarantined: z.int(), repeated: z.int() }),
  requests: z.object({ sent: z.int(), throttled: z.int(), retried: z.int() }),
  /** Edges of neighbouring pages compared, how many disagreed, and how many of those were mended by reading again. */
  drift: z.object({ checked: z.int(), moved: z.int(), repaired: z.int() }),
  /** Departures from the declared schema: the first of each kind. */
  schema: z
    .array(z.object({ path: z.string(), change: z.enum(['missing', 'retyped']), page: z.int(), sample: z.string() }))
    .readonly(),
  watermark: z.object({ before: z.string().nullable(), after: z.string().nullable() }),
  /** Key of the manifest, which lists the parts. */
  manifest: z.string(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
});
export type Receipt = z.output<typeof receiptSchema>;
type Evidence = NonNullable<Receipt['evidence']>;
type Reason = Receipt['reasons'][number];
export type SchemaChange = Receipt['schema'][number];

/** What the tree says at the end of a sync: the sum over everything that counts. */
export type Tally = {
  /** One entry for each page that counts: index, records, fingerprints of the first and the last record. */
  readonly pages: readonly (readonly [index: number, records: number, first: string, last: string])[];
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
};

export type Judgement = Pick<Receipt, 'verdict' | 'evidence' | 'reasons' | 'drift'>;

type Finding = Reason & { readonly verdict: 'INCOMPLETE' | 'UNKNOWN' };

/** Whether a sync got everything, and what says so. */
export function judgeSync(stream: Stream, tally: Tally): Judgement {
  const edges = compareEdges(stream, tally);
  const findings = [...failures(tally), ...gaps(tally), ...moved(edges), ...miscount(stream, tally)];
  const evidence = evidenceOf(stream, tally);
  if (findings.length === 0 && evidence === undefined) findings.push(INFERRED);
  const verdict = findings.some((each) => each.verdict === 'INCOMPLETE')
    ? 'INCOMPLETE'
    : findings.length > 0
      ? 'UNKNOWN'
      : 'COMPLETE';
  return {
    verdict,
    evidence: verdict === 'COMPLETE' ? (evidence ?? null) : null,
    reasons: findings.map((finding) => reason(stream, finding)),
    drift: { checked: edges.checked, moved: edges.moved.length, repaired: 0 },
  };
}

function reason({ paging }: Stream, { code, message, pages }: Finding): Reason {
  return pages === undefined
    ? { code, message }
    : { code, message, pages: pages.map((index) => pageNumber(paging, index)) };
}

const INFERRED: Finding = {
  code: 'end-inferred',
  message: 'the end was only inferred from a page without records: the API states neither a total nor an end',
  verdict: 'UNKNOWN',
};

/** What would make this listing complete, if nothing speaks against it. */
function evidenceOf(stream: Stream, { totals }: Pick<Tally, 'totals'>): Evidence | undefined {
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
function failures({ failed, cutShort }: Tally): Finding[] {
  const causes = Map.groupBy(failed, ({ code, message }) => `${code}\n${message}`);
  const findings = [...causes.values()].flatMap((group): Finding[] => {
    const [first] = group;
    if (first === undefined) return [];
    const pages = group.map(({ page }) => page).sort((a, b) => a - b);
    return [{ code: first.code, message: first.message, pages, verdict: 'INCOMPLETE' }];
  });
  const rest: Finding = {
    code: 'cut-short',
    message: 'what follows the failed page was not asked for',
    verdict: 'INCOMPLETE',
  };
  return cutShort ? [...findings, rest] : findings;
}

/** Pages without records before pages with records: a hole, whatever comes behind it. */
function gaps({ pages }: Tally): Finding[] {
  const last = Math.max(-1, ...pages.filter(([, records]) => records > 0).map(([index]) => index));
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

type Edges = { readonly checked: number; readonly moved: readonly number[] };

/** Where offsets overlap, the last record of a page must be the first of the next. */
function compareEdges({ paging }: Stream, { pages }: Tally): Edges {
  if (paging.kind !== 'offsets') return { checked: 0, moved: [] };
  const byIndex = new Map(pages.map((page) => [page[0], page]));
  let checked = 0;
  const moved: number[] = [];
  for (const [index, records, , last] of pages) {
    const next = byIndex.get(index + 1);
    // A short page is the end; behind it nothing is left to compare.
    if (next === undefined || records < paging.size) continue;
    checked += 1;
    if (next[2] !== last) moved.push(index + 1);
  }
  return { checked, moved: moved.sort((a, b) => a - b) };
}

const moved = ({ moved: pages }: Edges): Finding[] =>
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

/** What a stated total says against the records that came. */
function miscount(stream: Stream, { totals, delivered, quarantined, again }: Tally): Finding[] {
  if (totals === undefined) return [];
  const distinct = delivered + quarantined - again;
  const { least, greatest } = totals;
  const stated = least === greatest ? `${least}` : `${least} to ${greatest}`;
  if (distinct < least || distinct > greatest) {
    return [{ code: 'count', message: `the API stated ${stated} records, ${distinct} came`, verdict: 'INCOMPLETE' }];
  }
  if (evidenceOf(stream, { totals }) !== 'count') return [];
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

/** A fixed order of fields, so that receipts read alike. */
export const receiptText = (receipt: Receipt): string => `${JSON.stringify(receipt, undefined, 2)}\n`;
