import { envelopeFields } from './envelope.ts';

/** Words of APIs that are true where more follows, and words that are true on the last page. */
const MORE = /^(has_?(more|next)(_?(page|results|items|records|pages))?|more_items_in_collection|is_?truncated)$/i;
const LAST = /^(is_?last(_?page)?|last_?page_?reached|end_?of_?(stream|list|results|records))$/i;
/** Salesforce's word. It means other things inside of records. */
const DONE = 'done';

/** What a body says in a boolean of whether more follows. `path`: where, as `data.pageInfo.hasNextPage`. */
export type MoreWord = { readonly path: string; readonly more: boolean };

/** Of several words one that says that more follows wins: to read on loses nothing. */
export function readMoreWord(body: unknown, records: readonly unknown[]): MoreWord | undefined {
  const words = envelopeFields(body, records).flatMap(({ path, name, value }): MoreWord[] => {
    const more = name === DONE && value === true ? false : moreByName(name, value);
    return more === undefined ? [] : [{ path, more }];
  });
  return words.find(({ more }) => more) ?? words[0];
}

/** Whether more follows, by one field; `undefined`: the field does not tell. */
export function moreByName(name: string, value: unknown): boolean | undefined {
  if (typeof value !== 'boolean') return undefined;
  if (MORE.test(name)) return value;
  return LAST.test(name) ? !value : undefined;
}
