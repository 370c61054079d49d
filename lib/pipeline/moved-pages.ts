import { compareEdges, pagesAround } from '../core/drift.ts';
import { isCutShort } from '../core/listing.ts';
import type { SyncRef } from '../core/tasks.ts';
import type { Wanted } from './again.ts';
import type { Invocation } from './invocation.ts';
import { listed } from './slices.ts';

/** The pages around each place where neighbours do not agree, for a round of repair. A listing that lacks pages anyway is not repaired. */
export const movedPages = (invocation: Invocation, ref: SyncRef, round: number): Wanted => ({
  round,
  pages(listing, { blocks, parts, failed }) {
    const { paging } = listed(invocation, ref, listing).stream;
    if (paging.kind !== 'offsets' || failed.length > 0 || isCutShort(listing)) return undefined;
    const pages = parts.flatMap((part) => part.pages);
    const tails = new Set([...blocks.values()].flatMap(({ first }) => first ?? []));
    const { broken } = compareEdges(pages, listing.size ?? paging.size, tails);
    if (broken.length === 0) return undefined;
    // Where only the end does not agree, it may be enough to look for it anew.
    if (round === 1 && broken.every((index) => tails.has(index))) return [];
    const others = parts.filter(({ node }) => blocks.get(node)?.first === undefined).flatMap((part) => part.pages);
    const last = others.reduce((all, [index, records]) => (records > 0 ? Math.max(all, index) : all), 0);
    return pagesAround(broken, round, last);
  },
});
