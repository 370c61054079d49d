import * as z from 'zod';
import type { Invocation } from '../invocation.ts';
import type { Part } from './sync-state.ts';

/** What led to each page of a chain, beside the part that holds the page: the second look asks for some of them again. */

/** Cursors up to so many characters stand in the part's item; more of them in an object. */
const FEW_CHARACTERS = 1_024;

const cursors = z.array(z.tuple([z.int(), z.string()]));
type PageCursor = readonly [index: number, cursor: string];

/** The object of cursors that lies beside a part. */
export const partCursorsKey = (part: string): string => part.replace(/\.ndjson(\.gz)?$/, '.cursors');

/** Stores the cursors that led to the pages of a part, or gives what its item keeps of them. */
export async function storeCursors(
  { objects }: Invocation,
  part: string,
  pages: readonly { readonly index: number; readonly cursor?: string | undefined }[],
): Promise<{ readonly cursors?: string }> {
  const found = pages.flatMap(({ index, cursor }): PageCursor[] => (cursor === undefined ? [] : [[index, cursor]]));
  if (found.length === 0) return {};
  const text = JSON.stringify(found);
  if (text.length <= FEW_CHARACTERS) return { cursors: text };
  await objects.create(partCursorsKey(part), new TextEncoder().encode(text), { type: 'application/json' });
  return {};
}

/** The cursors that led to some pages of a chain, of its latest reading. The first page needs none. */
export async function readCursors(
  { objects }: Invocation,
  parts: readonly Part[],
  pages: ReadonlySet<number>,
): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for (const part of parts) {
    if (part.look || !part.pages.some(([index]) => index > 0 && pages.has(index))) continue;
    const text = part.cursors ?? new TextDecoder().decode(await objects.get(partCursorsKey(part.key)));
    if (text === '') continue;
    for (const [index, cursor] of cursors.parse(JSON.parse(text))) if (pages.has(index)) found.set(index, cursor);
  }
  return found;
}
