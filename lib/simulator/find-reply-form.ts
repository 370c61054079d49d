import { isDeepStrictEqual } from 'node:util';
import type { Reply, Stream } from '../core/connector/connector.ts';
import type { JobPaging } from '../core/connector/paging.ts';
import { SimulatorRefusal } from './refusal.ts';
import {
  type Facts,
  headerPlace,
  isHeaderPlace,
  placeIn,
  type ReplyForm,
  type ReplyParts,
  replyMaker,
  rowOf,
  type Word,
} from './reply-form.ts';

/** The replies of a stream: to a page that others follow, and to the last one. */
export type ReplyForms = { readonly more: ReplyForm; readonly last: ReplyForm };

/** Sample facts: two pages that others follow, and two last pages, one of them empty. */
export type Samples = { readonly more: readonly [Facts, Facts]; readonly last: readonly [Facts, Facts] };

type Read = (reply: Reply) => unknown;
/** Something that a reply must tell: how the connector reads it, and whether it read what it should. */
export type Demand = { readonly read: Read; readonly fits: (found: unknown, facts: Facts) => boolean };

/**
 * Finds replies out of which the stream's own functions read the sample facts: a breadth-first search, in which the functions judge each
 * candidate. A form grows by one place at a time, where a function looked and found nothing, so the simplest form is found first. Throws a
 * {@link SimulatorRefusal} that names the function that cannot be satisfied.
 */
export function findReplyForms(
  { total, records, paging }: Pick<Stream, 'total' | 'records' | 'paging'>,
  samples: Samples,
): ReplyForms {
  const all = [...samples.more, ...samples.last];
  const told: Demand[] = [
    { read: ({ body }) => records(body), fits: (found, facts) => isDeepStrictEqual(found, facts.records) },
  ];
  let form = must('records', search(ROOTS, told, all, RECORD_WORDS));
  if (total !== undefined) {
    told.push({ read: total, fits: (found, facts) => found === facts.total });
    form = must('total', search(openings(form), told, all, TOTAL_WORDS));
  }
  const chain = chainDemands(paging);
  if (chain === undefined) return { more: form, last: form };

  const { name, goesOn, ends, words } = chain;
  const more = must(name, search(openings(form), [...told, goesOn], samples.more, words));
  const last = must(name, search([...closings(more), ...openings(form)], [...told, ends], samples.last, words));
  return { more, last };
}

/** What is answered about a job: that it was started, that it is not ready yet, and where its file lies. */
export type JobForms = {
  readonly started: ReplyForm;
  readonly waits: ReplyForm | undefined;
  readonly ready: ReplyForm;
};

/** The replies out of which a stream reads its jobs. `told`: texts that stand in its functions. A job's id, and the URL of its file, is `next`. */
export function findJobForms({ start, ready, files }: JobPaging, told: Readonly<Record<string, string>>): JobForms {
  const samples = ['http://127.0.0.1/one', 'http://127.0.0.1/two'].map(
    (next): Facts => ({ records: [next], total: 1, next, told }),
  );
  const said = toldWords(samples[0]);
  const isReady: Demand = { read: ready, fits: (found) => found === true };
  const isWhere: Demand = { read: files, fits: (found, { records }) => isDeepStrictEqual(found, records) };
  const isStarted: Demand = { read: start, fits: (found, { next }) => found === next };
  const allowed = words(
    [...said, 'next', 'records', 'rows', 'object', ...GUARDS],
    [...said, 'next'],
    ['record', 'object'],
  );
  return {
    started: must('start', search(ROOTS, [isStarted], samples, NEXT_WORDS)),
    waits: search(ROOTS, [{ read: ready, fits: (found) => found === false }], samples, allowed),
    ready: must('ready" or "files', search(ROOTS, [isReady, isWhere], samples, allowed)),
  };
}

/** The reply to a question for how many records there are. */
export const findCountForm = (read: Read, samples: readonly Facts[]): ReplyForm =>
  must(
    'count.read',
    search(COUNT_ROOTS, [{ read, fits: (found, { total }) => found === total }], samples, TOTAL_WORDS),
  );

/**
 * The reply to a question whose meaning only the connector knows: every place it looks at has a value, and no list is empty. `fits`: what
 * else must be true of the value it reads.
 */
export const findSetupForm = (name: string, read: Read, facts: Facts, fits: Demand['fits'] = () => true): ReplyForm => {
  const demand: Demand = { read, fits: (found) => isSomething(found) && fits(found, facts) };
  const told = toldWords(facts);
  const allowed = words([...SETUP_WORDS, ...told], ['text', 'one', ...told], [...SETUP_WORDS, ...told]);
  return must(name, search(ROOTS, [demand], [facts], allowed));
};

/** The reply out of which a connector reads a token, and when it ends. */
export const findTokenForm = (read: Read, samples: readonly Facts[], fits: Demand['fits']): ReplyForm => {
  const told = toldWords(samples[0]);
  return must('auth.read', search(ROOTS, [{ read, fits }], samples, words([...told, 'object', ...GUARDS], told)));
};

/** A reply for which a rule holds, if there is one: first by the text of an error, then by what the rule looks at. `isText`: it need not be JSON. */
export const findRuleForm = (holds: Read, facts: Facts, isText: boolean): ReplyForm | undefined => {
  const told = toldWords(facts);
  const errors = told.map((word): ReplyForm => new Map([['', 'object'] as const, ['/message', word] as const]));
  const texts = isText ? told.map((word): ReplyForm => new Map([['', word]])) : [];
  const allowed = words([...told, 'object', 'rows', 'true', 'one'], [...told, 'one'], ['object', ...told]);
  return search([...errors, ...texts, ...ROOTS], [{ read: holds, fits: Boolean }], [facts], allowed);
};

const toldWords = (facts: Facts | undefined): readonly Word[] =>
  Object.keys(facts?.told ?? {}).map((name) => `told ${name}` as const);

function isSomething(found: unknown): boolean {
  if (typeof found === 'number') return !Number.isNaN(found);
  if (typeof found !== 'object' || found === null) return found !== undefined;
  const inside = Object.values(found);
  return inside.length > 0 && inside.every(isSomething);
}

type Chain = { readonly name: string; readonly goesOn: Demand; readonly ends: Demand; readonly words: Words };

/** What the pages of a chain must tell besides their records; `undefined` if its pages are asked for without it. */
function chainDemands(paging: Stream['paging']): Chain | undefined {
  switch (paging.kind) {
    case 'keyset': {
      const { more: read } = paging;
      return {
        name: 'more',
        words: MORE_WORDS,
        goesOn: { read, fits: Boolean },
        ends: { read, fits: (found) => !found },
      };
    }
    case 'cursor':
    case 'links': {
      const { next: read } = paging;
      const goesOn: Demand = { read, fits: (found, facts) => found === facts.next };
      return { name: 'next', words: NEXT_WORDS, goesOn, ends: { read, fits: (found) => ENDS.has(found) } };
    }
    default:
      return undefined;
  }
}

/** What a cursor is at the end of a chain. */
const ENDS: ReadonlySet<unknown> = new Set([undefined, null, '']);

function must(name: string, form: ReplyForm | undefined): ReplyForm {
  if (form !== undefined) return form;
  throw new SimulatorRefusal(
    `the simulator finds no reply out of which its "${name}" reads what it should. Read one place of the body or one header, as it is.`,
  );
}

const GUARDS: readonly Word[] = ['true', 'one', 'zero', 'false', 'null'];
const ROOTS = (['object', 'records', 'rows'] as const).map((word) => extended(new Map(), '', word));
const COUNT_ROOTS: readonly ReplyForm[] = [new Map([['', 'object']]), new Map([['', 'total']])];
const RECORD_WORDS = words(
  ['records', 'object', 'rows', 'no records', ...GUARDS],
  [],
  ['record', 'field of the record', 'object'],
);
const TOTAL_WORDS = words(['total', 'total in text', 'object', ...GUARDS], ['total in text']);
const NEXT_WORDS = words(
  ['next', ...GUARDS, 'object'],
  ['next', 'next as a Link header', 'true in text', 'false in text'],
);
const SETUP_WORDS: readonly Word[] = ['rows', 'text', 'one', 'true', 'object'];
const MORE_WORDS = words([...GUARDS, 'object'], ['true in text', 'false in text']);

/** Which words may stand at a place. */
type Words = (place: string) => readonly Word[];
function words(body: readonly Word[], header: readonly Word[], row: readonly Word[] = []): Words {
  return (place) => (isHeaderPlace(place) ? header : place.includes('/*') ? row : body);
}

/** Where a search continues from: the form as it is, and without its guards, whose value does not matter. */
const openings = (form: ReplyForm): ReplyForm[] => [
  form,
  new Map([...form].filter(([, word]) => !GUARDS.includes(word))),
];

/** What "there is more" turns into on the last page: first what real APIs send, then without the next page's place. */
function closings(more: ReplyForm): ReplyForm[] {
  const opposite: Partial<Record<Word, Word>> = {
    next: 'null',
    true: 'false',
    one: 'zero',
    'true in text': 'false in text',
  };
  const entries = [...more].filter(([, word]) => word !== 'next as a Link header');
  const closed = entries.filter(([place, word]) => !(word === 'next' && isHeaderPlace(place)));
  return [
    new Map(closed.map(([place, word]) => [place, opposite[word] ?? word])),
    new Map(closed.filter(([, word]) => word !== 'next')),
  ];
}

/** How many forms are tried for one function. Real connectors need some hundreds at most. */
const PATIENCE = 5_000;

function search(
  from: readonly ReplyForm[],
  demands: readonly Demand[],
  samples: readonly Facts[],
  words: Words,
): ReplyForm | undefined {
  const queue = [...from];
  const known = new Set<string>();
  for (const form of queue) {
    const make = replyMaker(form);
    const unmet = samples
      .flatMap((facts) => demands.map((demand) => ({ facts, demand })))
      .find(({ facts, demand }) => !satisfies(make(facts), facts, demand));
    if (unmet === undefined) return form;
    for (const place of placesMissed(unmet.demand.read, form, make(unmet.facts))) {
      for (const word of words(place)) {
        const larger = extended(form, place, word);
        const text = JSON.stringify([...larger].sort());
        if (known.has(text) || queue.length >= PATIENCE) continue;
        known.add(text);
        queue.push(larger);
      }
    }
  }
  return undefined;
}

function extended(form: ReplyForm, place: string, word: Word): ReplyForm {
  return new Map([...form, [place, word], ...(word === 'rows' ? ([[rowOf(place), 'object']] as const) : [])]);
}

const replyOf = ({ headers, body }: ReplyParts): Reply => ({
  status: 200,
  header: (name) => headers[name.toLowerCase()],
  body,
});

/** Whether the connector's function reads what it should. One that fails does not. */
function satisfies(parts: ReplyParts, facts: Facts, { read, fits }: Demand): boolean {
  try {
    return fits(read(replyOf(parts)), facts);
  } catch {
    return false;
  }
}

/** Where the function looked and found nothing. */
function placesMissed(read: Read, form: ReplyForm, { headers, body }: ReplyParts): readonly string[] {
  const missed = new Set<string>();
  const watch = (value: unknown, place: string): unknown => {
    const word = form.get(place);
    if (typeof value !== 'object' || value === null || (word !== 'object' && word !== 'rows')) return value;
    return new Proxy(value, {
      get: (target, name) => {
        const found: unknown = Reflect.get(target, name);
        if (typeof name !== 'string' || name in Object.prototype) return found;
        const isIndex = /^\d+$/.test(name);
        if (word === 'rows') return isIndex ? watch(found, rowOf(place)) : found;
        const inner = placeIn(place, name);
        if (form.has(inner)) return watch(found, inner);
        if (Array.isArray(target) && !isIndex) return found;
        missed.add(inner);
        return undefined;
      },
    });
  };
  const header = (name: string) => {
    const place = headerPlace(name);
    if (!form.has(place)) missed.add(place);
    return headers[name.toLowerCase()];
  };
  try {
    read({ status: 200, header, body: watch(body, '') });
  } catch {
    // It failed because a place is missing; the places it looked at before count.
  }
  return [...missed];
}
