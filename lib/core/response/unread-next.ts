import { type EnvelopeField, envelopeFields, isPlainObject } from './envelope.ts';

/** What APIs call the place that leads to the next page, without separators and in lower case. */
const NEXT =
  /^(next(page|cursor|token|link|ur[li]|href|path|records?|results?|offset|start|marker|key|id|index|after|batch|set)*|continue|continuation(token|key|id)?|lastevaluatedkey)$/;
const ODATA = /odatanextlink$/;
/** What APIs also call the place of the page itself, or send on every page: it leads on only where nothing says that the page is the last. */
const CURSOR =
  /^((end|page|paging|pagination|list|search|sync)?(cursor|marker)|(page|paging|pagination|sync|resume)token|cursors?after|pagingafter|scrollid)$/;

/** A place of a last page that leads on, although the stream does not read it. `path`: as `meta.next_cursor`. */
export type UnreadNext = { readonly path: string; readonly text: string };

/**
 * What leads on from a last page and is not read: a non-empty field that is named like a cursor, a token or a next link. `here`: what led to this page, as a
 * cursor and as a URL: a place that leads there leads nowhere. `explicit`: the place that the stream reads says that this is the end; then only
 * names count that cannot mean the page itself.
 */
export function findUnreadNext(
  body: unknown,
  records: readonly unknown[],
  { here, explicit }: { readonly here: readonly string[]; readonly explicit: boolean },
): UnreadNext | undefined {
  for (const field of envelopeFields(body, records)) {
    if (!isNextName(field.name) && (explicit || !CURSOR.test(cursorName(field)))) continue;
    const text = leadingText(field.value);
    if (text !== undefined && !here.includes(text)) return { path: field.path, text };
  }
  return undefined;
}

/** Whether a field is named like one that leads to the next page, and to nothing else. */
export function isNextName(name: string): boolean {
  const plain = plainName(name);
  return NEXT.test(plain) || ODATA.test(plain);
}

/** A name without separators, in lower case: `next_page`, `nextPage` and `next-page` are one. */
export const plainName = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** The name; of `after`, with the name around it: `cursors.after`. */
const cursorName = ({ path, name }: EnvelopeField): string =>
  plainName(/^after$/i.test(name) ? path.split('.').slice(-2).join('') : name);

/** The text of a value that leads somewhere; of an object, of its first field that does: `next: { href }`. */
export function leadingText(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  if (typeof value === 'number' || typeof value === 'bigint') return value > 0 ? String(value) : undefined;
  if (value === true) return 'true';
  if (!isPlainObject(value)) return undefined;
  return Object.values(value)
    .map(leadingText)
    .find((text) => text !== undefined);
}
