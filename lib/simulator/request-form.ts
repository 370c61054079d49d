import { isDeepStrictEqual } from 'node:util';
import type { Request } from '../core/connector/connector.ts';
import { type Instant, instant } from '../core/dates.ts';
import { DAY } from '../core/time.ts';
import { FIRST_START } from '../core/verdict/watermark.ts';
import { requestDates } from './dates.ts';
import { leavesOf, type Parents } from './parents.ts';
import { folded, isHeader, type Places, placesOfDeclared } from './places.ts';
import { PROBED } from './probed.ts';
import { SimulatorRefusal } from './refusal.ts';

/** What a request asks for. What it does not say is absent. */
export type Asked = {
  /** Number, offset, cursor or key, as the paging kind has it. */
  readonly page?: string | number;
  /** The window `[from, to)`, in epoch milliseconds, as exactly as the request tells it. */
  readonly from?: number;
  readonly to?: number;
  /** Indexes of the parents whose children are asked for; -1 for one that there is not. */
  readonly parents?: readonly number[];
};

/** What a request is to ask for. */
export type Wanted = { readonly page: unknown; readonly window: Window; readonly parents: readonly unknown[] };

/** How a connector writes a request. */
export type Writing = {
  /** The function's name in the declaration. */
  readonly name: string;
  /** The request, for what it is to ask for. */
  readonly write: (wanted: Wanted) => Request;
  /** By default it is asked for no page. */
  readonly pages?: PageProbe;
  /** Where the window of a full sync begins, epoch milliseconds. Default: as of a stream without `start`. */
  readonly begin?: number;
  /** Those by whom it asks. */
  readonly parents?: Parents | undefined;
};

/** One form that requests take: what always stands in it, and where the page, the window and the parents stand. */
export type RequestForm = {
  /** What a request asks for, or `undefined` if it does not have this form. */
  readonly read: (places: Places) => Asked | undefined;
  /** The form in text: what always stands there as it is, and `{page}`, `{from}`, `{to}`, `{parents}` for the rest. */
  readonly text: Places;
  /** A request of this form. */
  readonly example: Places;
  /** How many of page, from, to and parents it tells. */
  readonly tells: number;
};

/** Which pages to ask for, to see where a page is written. */
export type PageProbe = {
  readonly first: unknown;
  /**
   * A later page for a value, and three values. Absent if `request` is only ever asked for the first page. `alone`: it is asked for by its value alone, and
   * need not tell the parent.
   */
  readonly later?: {
    readonly page: (value: Value) => unknown;
    readonly values: readonly [Value, Value, Value];
    readonly alone?: boolean;
  };
};
export type Value = string | number;
export type Window = { readonly from: Instant; readonly to: Instant };

/** A part of a place's text: fixed, or a value to be read. */
type Piece = string | { readonly name: keyof Asked; readonly pattern: string; readonly tell: (text: string) => Asked };

/** Two windows in which no group of digits comes twice. */
const WINDOW: Window = {
  from: instant(Date.UTC(2031, 6, 19, 13, 47, 23, 456)),
  to: instant(Date.UTC(2042, 10, 28, 21, 35, 51, 678)),
};
const OTHER: Window = {
  from: instant(Date.UTC(2034, 4, 16, 8, 24, 49, 135)),
  to: instant(Date.UTC(2045, 8, 7, 4, 52, 36, 924)),
};

/**
 * The forms of a connector's requests, those that tell least first. They are learnt by asking for known pages and windows
 * and looking where these turn up, and proved: out of requests that were not learnt from, each reads what they were
 * asked with. A first page, a later one, a full sync and an incremental one may each have a form of its own. Throws a
 * {@link SimulatorRefusal} if a page, a window or a parent cannot be read back.
 */
export function requestForms(writing: Writing): readonly RequestForm[] {
  const start = instant(writing.begin ?? FIRST_START);
  const forms = [
    ...formsIn(writing, ['to'], { from: start, to: WINDOW.to }, { from: start, to: OTHER.to }),
    ...formsIn(writing, ['from', 'to'], WINDOW, OTHER),
  ];
  const distinct = new Map(forms.map((form) => [JSON.stringify([...form.text]), form]));
  return [...distinct.values()].sort((a, b) => a.tells - b.tells);
}

/** The forms of the first page and of later ones, learnt in one window and proved in another. `parts`: what to look for. */
function formsIn(writing: Writing, parts: readonly ('from' | 'to')[], window: Window, other: Window): RequestForm[] {
  const { pages: { first, later } = { first: undefined }, parents } = writing;
  const dates = parts.map((part) => ({ part, millis: window[part].millis }));
  const [one, two] = PROBED;
  const nearest: readonly number[] = parents === undefined ? [] : [one];
  const ask = (page: unknown, within = window, by = nearest): Places =>
    declared(writing, { page, window: within, parents: by.map((index) => parents?.parent(index)) });
  const learnt = (page: unknown, paged?: Paged): RequestForm => {
    const pair = parents && { parents, one, two, places: ask(page, window, [one, two]) };
    return learn(ask(page), dates, paged, pair);
  };
  const proved = (form: RequestForm, page: unknown, value?: Value): RequestForm => {
    for (const by of parents === undefined ? [] : groupsOf(parents))
      prove(writing, form, ask(page, window, by), { page: value, window, parents: by }, 'parent');
    prove(writing, form, ask(page, other), { page: value, window: other, parents: nearest }, 'window');
    return form;
  };

  const form = proved(learnt(first), first);
  if (later === undefined) return [form];
  const { page, values, alone = false } = later;
  const laterForm = learnt(page(values[0]), { one: values[0], two: values[1], places: ask(page(values[1])) });
  for (const value of values)
    prove(writing, laterForm, ask(page(value)), { page: value, window, parents: alone ? undefined : nearest }, 'page');
  return alone ? [form, laterForm] : [form, proved(laterForm, page(values[0]), values[0])];
}

/** The parents of one request and another. */
const groupsOf = ({ together }: Parents): readonly (readonly number[])[] =>
  together > 1 ? [PROBED] : PROBED.map((index) => [index]);

function declared({ name, write }: Writing, wanted: Wanted): Places {
  try {
    return placesOfDeclared(write(wanted));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SimulatorRefusal(`its "${name}" fails for ${JSON.stringify(wanted.page)}: ${reason}`);
  }
}

/** What was asked for: the dates of the window, two values of the page with the request for the second one, and two parents with the request for both. */
type Dates = readonly { readonly part: 'from' | 'to'; readonly millis: number }[];
type Paged = { readonly one: Value; readonly two: Value; readonly places: Places };
type Pair = { readonly parents: Parents; readonly one: number; readonly two: number; readonly places: Places };

function learn(example: Places, dates: Dates, paged: Paged | undefined, pair: Pair | undefined): RequestForm {
  const view = pair !== undefined && pair.parents.together > 1 ? folded : (places: Places) => places;
  const [later, both] = [paged && view(paged.places), pair && view(pair.places)];
  const pieces = new Map<string, readonly Piece[]>();
  for (const [place, text] of view(example)) {
    const inPage = paged === undefined ? [text] : pagePieces(text, later?.get(place) ?? text, paged);
    const inParents = pair === undefined ? inPage : parentPieces(inPage, text, both?.get(place) ?? text, pair);
    pieces.set(place, datePieces(inParents, dates));
  }
  return { ...requestForm(pieces, view), example };
}

/** Where the first parent is written, and between both of them whatever stands there between any two. */
function parentPieces(
  pieces: readonly Piece[],
  text: string,
  both: string,
  { parents, one, two }: Pair,
): readonly Piece[] {
  const others = new Map(leavesOf(parents.parent(two)));
  return leavesOf(parents.parent(one)).reduce((found, [path, value]) => {
    const [first, second] = [String(value), String(others.get(path))];
    if (first === second) return found;
    const at = text.indexOf(first) + first.length;
    const rest = both.slice(at, both.length - (text.length - at));
    const separator = rest.length > second.length && rest.endsWith(second) ? rest.slice(0, -second.length) : undefined;
    const names = (all: string) => (separator === undefined ? [all] : all.split(separator));
    const tell = (all: string): Asked => ({ parents: names(all).map((name) => parents.find(path, name)) });
    return cut(found, first, { name: 'parents', pattern: '.+', tell });
  }, pieces);
}

function pagePieces(text: string, other: string, { one, two }: Paged): readonly Piece[] {
  if (typeof one === 'number' && typeof two === 'number') return numberPieces(text, other, one, two);
  return cut([text], String(one), { name: 'page', pattern: '.+', tell: (page) => ({ page }) });
}

/** Numbers that change with the page, in a straight line: the number itself, an offset, the row to begin at. */
function numberPieces(text: string, other: string, one: number, two: number): readonly Piece[] {
  const others = other.split(/(\d+)/);
  const pieces = text.split(/(\d+)/).map((part, at): Piece => {
    const [a, b] = [Number(part), Number(others[at])];
    if (at % 2 === 0 || a === b || Number.isNaN(b)) return part;
    const page = (found: number) => one + ((found - a) * (two - one)) / (b - a);
    return { name: 'page', pattern: '\\d+', tell: (found) => ({ page: page(Number(found)) }) };
  });
  return joined(pieces);
}

function datePieces(text: readonly Piece[], dates: Dates): readonly Piece[] {
  return requestDates.reduce(
    (pieces, { write, pattern, read }) =>
      dates.reduce((found, { part, millis }) => {
        const tell = (date: string): Asked => (part === 'from' ? { from: read(date) } : { to: read(date) });
        return cut(found, write(millis), { name: part, pattern, tell });
      }, pieces),
    text,
  );
}

/** Puts the piece wherever its text stands in the fixed pieces. */
const cut = (pieces: readonly Piece[], text: string, piece: Piece): readonly Piece[] =>
  pieces.flatMap((whole) =>
    typeof whole === 'string' ? whole.split(text).flatMap((part, at) => (at === 0 ? [part] : [piece, part])) : [whole],
  );

/** Fixed pieces side by side become one, so that a date in digits is found again. */
function joined(pieces: readonly Piece[]): readonly Piece[] {
  const found: Piece[] = [];
  for (const piece of pieces) {
    const last = found.at(-1);
    if (typeof last === 'string' && typeof piece === 'string') found[found.length - 1] = last + piece;
    else found.push(piece);
  }
  return found;
}

function requestForm(
  pieces: ReadonlyMap<string, readonly Piece[]>,
  view: (places: Places) => Places,
): Omit<RequestForm, 'example'> {
  const readers = [...pieces].map(([place, parts]) => ({ place, read: reader(parts) }));
  const own = [...pieces.keys()].filter((place) => !isHeader(place)).length;
  const names = [...pieces.values()].flat().flatMap((piece) => (typeof piece === 'string' ? [] : [piece.name]));
  const text = (parts: readonly Piece[]) => parts.map((part) => (typeof part === 'string' ? part : `{${part.name}}`));
  return {
    read: (sent) => {
      const places = view(sent);
      if ([...places.keys()].filter((place) => !isHeader(place)).length !== own) return undefined;
      return readers.reduce<Asked | undefined>((asked, { place, read }) => {
        const found = places.get(place);
        return asked && found !== undefined ? merged(asked, read(found)) : undefined;
      }, {});
    },
    text: new Map([...pieces].map(([place, parts]) => [place, text(parts).join('')])),
    tells: new Set(names).size,
  };
}

/** Reads what one place tells. `undefined`: its text has another form. */
function reader(pieces: readonly Piece[]): (text: string) => Asked | undefined {
  const values = pieces.filter((piece) => typeof piece !== 'string');
  const source = pieces.map((piece) => (typeof piece === 'string' ? escaped(piece) : `(${piece.pattern})`));
  const whole = new RegExp(`^${source.join('')}$`, 's');
  return (text) => {
    const found = whole.exec(text);
    if (found === null) return undefined;
    return values.reduce<Asked | undefined>(
      (asked, { tell }, at) => asked && merged(asked, tell(found[at + 1] ?? '')),
      {},
    );
  };
}

const escaped = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** Both together; `undefined` if they contradict each other, or if one of them is not a date. */
function merged(one: Asked, other: Asked | undefined): Asked | undefined {
  if (other === undefined || Object.values(other).some(Number.isNaN)) return undefined;
  const differs = NAMES.some(
    (name) => one[name] !== undefined && other[name] !== undefined && !isDeepStrictEqual(one[name], other[name]),
  );
  return differs ? undefined : { ...one, ...other };
}

const NAMES = ['page', 'from', 'to', 'parents'] as const;

/** `parents`: absent where it may tell them or not. */
type Meant = {
  readonly page: Value | undefined;
  readonly window: Window;
  readonly parents: readonly number[] | undefined;
};

/** Throws unless the form reads what was asked. A date may be told only to the second, the minute or the day. */
function prove(
  { name }: Writing,
  form: RequestForm,
  places: Places,
  { page, window, parents }: Meant,
  what: 'page' | 'window' | 'parent',
): void {
  const asked = form.read(places);
  const isNear = (told: number | undefined, { millis }: Instant) =>
    told === undefined || (told <= millis && told > millis - DAY);
  const isRead = asked?.page === page && isNear(asked?.from, window.from) && isNear(asked?.to, window.to);
  const isOf = parents === undefined || isDeepStrictEqual(asked?.parents ?? [], parents);
  if (asked !== undefined && isRead && isOf) return;
  throw new SimulatorRefusal(
    `its "${name}" writes "${what}" in a way that the simulator cannot read back. Put it there as it is, or as a plain sum or multiple.`,
  );
}

/** Whether it asks only for parents that there are. */
export const knowsParents = ({ parents = [] }: Asked): boolean => !parents.includes(-1);
