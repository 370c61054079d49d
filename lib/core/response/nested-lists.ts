import { isPlainObject } from './envelope.ts';
import { moreByName } from './more-word.ts';
import { isNextName, leadingText, plainName } from './unread-next.ts';

/** Lists are searched so deep below a record. */
const DEEPEST_LIST = 4;
/** What APIs call the length of the whole list. The first is clear by itself; the second may be a sum of money, unless the object is paged. */
const CLEAR_COUNT = /^total(count|results|items|records|elements|hits)$/;
const COUNT = /^(total|count|size)$/;
/** Names that only stand in an object that is a page. */
const PAGED = /^(maxresults|pagesize|perpage|startat|offset)$/;
/** Names of objects that tell of the list beside them. */
const TELLING = /^(page(info)?|paging|pagination|meta|metadata|links|cursors?)$/;

/**
 * The lists inside of a record that say that they are cut off: by a word like `has_more`, a stated count above their length, or a next link. Each by the place
 * of the object that holds it, as `lines` or `fields.worklog`; `''` is the record itself.
 */
export function truncatedLists(record: unknown): string[] {
  const found = new Set<string>();
  const search = (value: unknown, path: string, depth: number): void => {
    if (depth > DEEPEST_LIST || typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const each of value) search(each, path, depth + 1);
      return;
    }
    const fields = Object.entries(value);
    if (isTruncated(fields, path === '')) found.add(path);
    for (const [name, inner] of fields) search(inner, path === '' ? name : `${path}.${name}`, depth + 1);
  };
  search(record, '', 0);
  return [...found];
}

type Fields = readonly (readonly [name: string, value: unknown])[];

/** `outermost`: the record itself. Its own numbers and links may be of anything. */
function isTruncated(fields: Fields, outermost: boolean): boolean {
  const lists = fields.flatMap(([, value]) => (Array.isArray(value) ? [value] : []));
  if (lists.length === 0) return false;
  const told: Fields = fields.flatMap(([name, value]) =>
    TELLING.test(plainName(name)) && isPlainObject(value) ? Object.entries(value) : [],
  );
  const words = [...fields, ...told].flatMap(([name, value]) => moreByName(name, value) ?? []);
  if (words.length > 0) return words.includes(true);
  if (told.some(([name, value]) => isNextName(name) && leadingText(value) !== undefined)) return true;
  if (fields.some(([name, value]) => leadsOn(name, value, outermost))) return true;
  const [list, another] = lists;
  if (outermost || list === undefined || another !== undefined) return false;
  const isPaged = fields.some(([name]) => PAGED.test(plainName(name)));
  const counts = [...fields, ...told].flatMap(([name, value]) =>
    CLEAR_COUNT.test(plainName(name)) || (isPaged && COUNT.test(plainName(name))) ? [value] : [],
  );
  return counts.some((value) => typeof value === 'number' && Number.isInteger(value) && value > list.length);
}

/** Whether a field beside a list leads to its next page. A plain `next` may be the next of anything, unless it is a link. */
function leadsOn(name: string, value: unknown, outermost: boolean): boolean {
  if (/odata\.nextlink$/i.test(name)) return leadingText(value) !== undefined;
  if (outermost || !isNextName(name)) return false;
  const text = leadingText(value);
  return (
    text !== undefined &&
    (/page|cursor|token|link|ur[li]|href|continuation/i.test(name) || /^(https?:|[/?])/i.test(text))
  );
}
