/**
 * What a reply looks like: which fact stands at which place of the body or in which header. The place of a body is a
 * path (`/data/items`); one step into each of a list of rows is `/*`. A header's place is `header x-total`.
 */
export type ReplyForm = ReadonlyMap<string, Word>;

/** What a reply is to tell. */
export type Facts = {
  readonly records: readonly unknown[];
  readonly total: number | undefined;
  /** The cursor of the next page, or its URL. */
  readonly next: string;
  /** Whatever else there is to tell, by its name. */
  readonly told?: Readonly<Record<string, unknown>>;
};

export type ReplyParts = { readonly headers: Readonly<Record<string, string>>; readonly body: unknown };

/** `object` and `rows` hold other places; every other word stands for a value. */
export type Word = 'object' | 'rows' | keyof typeof VALUES | `told ${string}`;

type Value = (facts: Facts, row: unknown, field: string) => unknown;
const VALUES = {
  records: ({ records }) => records,
  'no records': () => [],
  record: (_, row) => row,
  'field of the record': (_, row, field) =>
    typeof row === 'object' && row !== null ? Reflect.get(row, field) : undefined,
  text: (_, row, field) => (typeof row === 'string' ? `${field}_${row}` : field),
  total: ({ total }) => total,
  'total in text': ({ total }) => String(total),
  next: ({ next }) => next,
  'next as a Link header': ({ next }) => `<${next}>; rel="next"`,
  true: () => true,
  false: () => false,
  one: () => 1,
  zero: () => 0,
  null: () => null,
  'true in text': () => 'true',
  'false in text': () => 'false',
} as const satisfies Readonly<Record<string, Value>>;
const valueFor = (word: Exclude<Word, 'object' | 'rows'>): Value =>
  isTold(word) ? ({ told }) => told?.[word.slice(TOLD.length)] : VALUES[word];
const TOLD = 'told ';
const isTold = (word: Word): word is `told ${string}` => word.startsWith(TOLD);

const HEADER = 'header ';
export const headerPlace = (name: string): string => HEADER + name.toLowerCase();
export const isHeaderPlace = (place: string): boolean => place.startsWith(HEADER);
/** A field's place inside another place. */
export const placeIn = (place: string, field: string): string =>
  `${place}/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`;
/** The place that stands for each row of a list of rows. */
export const rowOf = (place: string): string => `${place}/*`;

/** Makes the replies of a form: what stands where is looked up once, here. */
export function replyMaker(form: ReplyForm): (facts: Facts) => ReplyParts {
  const headers = [...form].flatMap(([place, word]) =>
    isHeaderPlace(place) ? [{ name: place.slice(HEADER.length), value: maker(form, place, word) }] : [],
  );
  const body = maker(form, '', form.get(''));
  return (facts) => ({
    headers: Object.fromEntries(headers.map(({ name, value }) => [name, String(value(facts, undefined))])),
    body: body(facts, undefined),
  });
}

function maker(form: ReplyForm, place: string, word: Word | undefined): (facts: Facts, row: unknown) => unknown {
  if (word === undefined) return () => null;
  if (word === 'rows') {
    const each = maker(form, rowOf(place), form.get(rowOf(place)));
    return (facts) => facts.records.map((record) => each(facts, record));
  }
  const field = fieldOf(place);
  if (word !== 'object') return (facts, row) => valueFor(word)(facts, row, field);
  const fields = [...form].flatMap(([inner, what]) =>
    inner.slice(0, inner.lastIndexOf('/')) === place && inner !== '' && !isHeaderPlace(inner)
      ? [{ name: fieldOf(inner), value: maker(form, inner, what) }]
      : [],
  );
  const make = (facts: Facts, row: unknown) =>
    Object.fromEntries(fields.map(({ name, value }) => [name, value(facts, row)]));
  const isList = fields.length > 0 && fields.every(({ name }) => /^\d$/.test(name));
  return isList ? (facts, row) => listOf(make(facts, row)) : make;
}

const fieldOf = (place: string): string =>
  place
    .slice(place.lastIndexOf('/') + 1)
    .replaceAll('~1', '/')
    .replaceAll('~0', '~');

/** What is read as `body[0]` and `body[1]` is a list. */
const listOf = (fields: Readonly<Record<string, unknown>>): unknown[] =>
  Array.from({ length: Math.max(...Object.keys(fields).map(Number)) + 1 }, (_, at) => fields[at] ?? null);
