/**
 * Movement: records that move between pages while these are read. Offsets overlap by one record, so a page begins with the last record of the one
 * before it. Where it does not, pages around the place are read again. A page may then have several versions; all of them are
 * delivered, and the listing is whole if one version of each page can be chosen so that all neighbours agree.
 */

/** A page as it was read: index, records, fingerprints of its first and its last record's key. */
export type PageRead = readonly [index: number, records: number, first: string, last: string];

/** `checked`: pairs of neighbours. `moved`: pages that did not begin where the one before them ended, as they were read first. `broken`: those where no version does. */
export type PageEdges = {
  readonly checked: number;
  readonly moved: readonly number[];
  readonly broken: readonly number[];
};

/** Where a walk over pages stands: the last record seen, and whether more must follow it. */
type Standing = { readonly last: string; readonly full: boolean };

/** `pages`: all versions, each page's in the order of reading. `full`: records of a full page. `tails`: pages that were to begin with the last record of all. */
export function compareEdges(pages: readonly PageRead[], full: number, tails: ReadonlySet<number>): PageEdges {
  const versions = Map.groupBy(pages, ([index]) => index);
  const indexes = [...versions.keys()].sort((a, b) => a - b);
  const lastTail = Math.max(-1, ...tails);
  const walk = (
    of: (index: number) => readonly PageRead[],
    repaired: boolean,
  ): { checked: number; disagree: number[] } => {
    const disagree: number[] = [];
    let checked = 0;
    let standing: readonly Standing[] | undefined;
    for (const index of indexes) {
      const here = of(index);
      const next = standing?.flatMap((from) => here.flatMap((page) => step(from, page, full, tails.has(index)) ?? []));
      if (standing !== undefined && (here.some(([, records]) => records > 0) || tails.has(index) || next?.length === 0))
        checked += 1;
      // An end that was also probed later may have been another one then.
      const superseded = repaired && tails.has(index) && index < lastTail;
      if (superseded && next !== undefined) {
        standing = distinct([...next, ...(standing ?? [])]);
        continue;
      }
      if (next?.length === 0) disagree.push(index);
      const begun = here.flatMap(([, records, , last]) => (records > 0 ? [{ last, full: records >= full }] : []));
      // After a break the walk continues from the page that is there, so that each break is named.
      if (next !== undefined && next.length > 0) standing = distinct(next);
      else if (begun.length > 0) standing = distinct(begun);
    }
    return { checked, disagree };
  };
  const first = walk((index) => versions.get(index)?.slice(0, 1) ?? [], false);
  const all = walk((index) => versions.get(index) ?? [], true);
  return { checked: first.checked, moved: first.disagree, broken: all.disagree };
}

/** From one page to the next; `undefined`: they do not agree. After a page that is not full nothing is left, so an empty page is no contradiction. */
function step(from: Standing, [, records, first, last]: PageRead, full: number, tail: boolean): Standing | undefined {
  if (records > 0) return first === from.last ? { last, full: records >= full } : undefined; // R19
  return from.full || tail ? undefined : from;
}

const distinct = (all: readonly Standing[]): Standing[] => [
  ...new Map(all.map((one) => [`${one.last} ${one.full}`, one])).values(),
];

/** How often a listing is read again where its pages do not agree, and how many pages to either side each time. */
const REACH = [4, 40, 1_000] as const;
/** How many rounds of repair a sync has. */
export const REPAIR_ROUNDS = REACH.length;

/**
 * The pages that are read again in a round, from 1: records moved between the two sides of a break, not always next to it. `last`: the
 * listing's last page with records. If its end was probed and not found, the break lies after it.
 */
export function pagesAround(broken: readonly number[], round: number, last: number): number[] {
  const reach = REACH[round - 1] ?? 0;
  const pages = new Set<number>();
  for (const index of broken) {
    const end = Math.min(index, last + 1);
    for (let page = Math.max(0, end - reach); page <= Math.min(last, end + reach - 1); page++) pages.add(page);
  }
  return [...pages].sort((a, b) => a - b);
}
