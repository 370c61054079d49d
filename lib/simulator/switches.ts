import { keepsTokens } from '../core/auth/auth-scheme.ts';
import type { Stream } from '../core/connector/connector.ts';
import { span } from '../core/time.ts';
import type { Answer } from './exchange.ts';
import type { Model } from './model.ts';
import { childrenOf } from './parents.ts';
import { SimulatorRefusal } from './refusal.ts';
import { ancestorsOf } from './scaled.ts';
import type { Trouble } from './trouble.ts';
import { MISSING, type Words } from './words.ts';

/** What is known of a stream that is to be rehearsed. */
export type Facts = {
  readonly stream: Stream;
  readonly words: Words;
  /** How many records a page has; and the longest listing, of all or of one parent's. */
  readonly size: number;
  readonly longest: number;
  /** Whether requests are authorised by a token that ends. */
  readonly keepsTokens: boolean;
  /** Whether its parents are found by listing them. */
  readonly hasParents: boolean;
  /** Whether a listing can be cut until what is left of it has no more than two pages. */
  readonly isCut: boolean;
  /** Whether an honest API can prove that it listed everything, and lets all of it be read. */
  readonly proves: boolean;
  readonly fits: boolean;
};

/** One fault of an API: of which streams it can be said, and what a receipt must then say. */
export type Switch = {
  /** Of which streams it can be said. Default: of those whose listing has a middle. */
  readonly of?: (facts: Facts) => boolean;
  readonly trouble: (facts: Facts) => Trouble;
  /** Whether a sync gets everything all the same, by what is declared. `undefined` (default): it depends. */
  readonly survives?: (facts: Facts) => boolean | undefined;
  /** A reason that must be given where it does not. */
  readonly code?: (facts: Facts) => string;
  /** What to declare where it does not, if anything helps: one sentence. */
  readonly mend?: (facts: Facts) => string | undefined;
};

const says = (status: number, body: unknown, headers: Record<string, string> = {}): Answer => ({
  status,
  headers,
  body,
});
const HTML = says(500, '<html><body><h1>Oops</h1></body></html>', { 'content-type': 'text/html' });
const BROKEN = says(200, '{"data": [{"id": ');
const TOO_MANY = says(429, {}, { 'retry-after': '1' });

const kindOf = ({ stream }: Facts): Stream['paging']['kind'] => stream.paging.kind;
const isFollowed = (facts: Facts): boolean => ['cursor', 'links'].includes(kindOf(facts));
const isChain = (facts: Facts): boolean => isFollowed(facts) || kindOf(facts) === 'keyset';
const isSparse = ({ stream: { paging } }: Facts): boolean => 'sparse' in paging && paging.sparse === true;
const isNumbered = (facts: Facts): boolean => ['pages', 'offsets'].includes(kindOf(facts));
const isStable = ({ order }: Stream): boolean => order === 'oldest first' || order === 'by key';
/** Whether it tells exactly how many records there are. */
const counts = ({ total, count }: Stream): boolean => total !== undefined || count?.exact === true;
const tells = ({ stream }: Facts): boolean => counts(stream);
/** Whether its listing has a page with index 2, and another one after it. */
export const hasPages = (facts: Facts): boolean => kindOf(facts) !== 'one' && facts.longest > 3 * facts.size;
const everything = (): boolean => true;
/** The first time that anything is asked for, this comes instead; of very many things, of some. */
const atFirst = ({ longest, size }: Facts, answer: Answer): Trouble => ({
  every: { requests: Math.max(1, Math.floor(longest / size / 10)), answer },
  times: 1,
});
/** About half of the longest listing, in whole pages. */
const half = ({ size, longest }: Facts): number => size * Math.max(1, Math.floor((0.9 * longest) / size / 2));
const forgets = ({ words }: Facts): Trouble => ({ expired: { page: 2, answer: words.expired ?? MISSING } });

const RESTART =
  "say in `errors` by which answer the API tells that what leads to a page has expired, with `is: 'restart'`: the listing then begins again";
const BROAD =
  "a rule with `is: 'empty'` takes any 404 for a listing that has nothing: let it look at what the answer says, or records are lost without a word";
const EMPTY =
  "say in `errors` by which answer the API tells that a parent is gone, with `is: 'empty'`: it then has no children, and all others count";
const CUT =
  'if the API lets only so many records be read of one listing, cut it: `since` with `slices`, and `max` if the number is known';

/** One list for the tests and for `headgate rehearse`. The names are ends of sentences that begin with "It". */
export const SWITCHES: Readonly<Record<string, Switch>> = {
  'is honest': { of: everything, trouble: () => ({}), survives: everything },
  'asks for patience, whatever is asked for first': {
    of: everything,
    trouble: (facts) => atFirst(facts, TOO_MANY),
    survives: everything,
  },
  'asks for patience in words of its own': {
    of: ({ words }) => words.throttled !== undefined,
    trouble: (facts) => atFirst(facts, facts.words.throttled ?? TOO_MANY),
    survives: everything,
  },
  'answers with a page of HTML first': {
    of: everything,
    trouble: (facts) => atFirst(facts, HTML),
    survives: everything,
  },
  'breaks off its answers first': { of: everything, trouble: (facts) => atFirst(facts, BROKEN), survives: everything },
  'fails at first, in words of its own': {
    of: ({ words }) => words.failing !== undefined,
    trouble: (facts) => atFirst(facts, facts.words.failing ?? HTML),
    survives: everything,
  },
  'refuses a page in words of its own': {
    of: (facts) => hasPages(facts) && facts.words.refused !== undefined,
    trouble: ({ words }) => ({ expired: { page: 2, answer: words.refused ?? MISSING } }),
    survives: () => false,
    code: () => 'rule',
  },
  'says of its pages that they are none': {
    of: ({ words }) => words.dressed !== undefined,
    trouble: ({ words }) => (words.dressed === undefined ? {} : { dressed: words.dressed }),
    survives: everything,
  },
  'gives less than half of the records that are asked for': {
    of: (facts) => hasPages(facts) && facts.size >= 5,
    trouble: ({ size }) => ({ cap: Math.floor(0.4 * size) }),
    survives: everything,
  },
  'has a short page in the middle': {
    trouble: () => ({ short: 2 }),
    // Offsets may be read on from its last record.
    survives: (facts) => isChain(facts) || (kindOf(facts) === 'offsets' ? undefined : false),
    code: (facts) => (kindOf(facts) === 'offsets' ? 'moved' : tells(facts) ? 'count' : 'short-page'),
  },
  'has an empty page in the middle, twice': {
    trouble: () => ({ empty: 2, times: 2 }),
    // An empty page that a cursor leads on from is asked for only once more. Without a total it looks like the end for a while.
    survives: (facts) =>
      isFollowed(facts) ? isSparse(facts) : kindOf(facts) === 'keyset' || tells(facts) ? true : undefined,
    code: () => 'empty-page',
  },
  'has an empty page in the middle': {
    trouble: () => ({ empty: 2 }),
    survives: (facts) => isSparse(facts) || (isNumbered(facts) && tells(facts) && facts.isCut),
    code: (facts) => (kindOf(facts) === 'keyset' ? 'stuck' : 'empty-page'),
    mend: (facts) =>
      isFollowed(facts)
        ? 'if such pages are no mistake of the API (it filters what it pages through), say `sparse: true`'
        : undefined,
  },
  'says that there are more than there are': {
    of: (facts) => hasPages(facts) && tells(facts),
    trouble: () => ({ total: (honest) => honest + 7 }),
    survives: () => false,
    code: () => 'count',
  },
  'says that there are fewer than there are': {
    of: (facts) => hasPages(facts) && tells(facts),
    trouble: () => ({ total: (honest) => Math.floor(honest * 0.9) }),
    survives: () => false,
    code: () => 'count',
  },
  'says another total each time': {
    of: (facts) => hasPages(facts) && tells(facts),
    trouble: () => ({ total: (honest, asked) => honest + asked }),
    survives: () => false,
    code: () => 'count',
  },
  'estimates wildly': {
    of: ({ stream }) => stream.count?.exact === false,
    trouble: () => ({ total: () => 3 }),
    survives: everything,
  },
  'leads back to where it has been': {
    of: (facts) => hasPages(facts) && isFollowed(facts),
    trouble: () => ({ loop: 1 }),
    survives: () => false,
    code: () => 'loop',
  },
  'forgets once what leads to a page': {
    of: (facts) => hasPages(facts) && isChain(facts),
    trouble: (facts) => ({ ...forgets(facts), times: 1 }),
    survives: ({ words, isCut }) => words.expired !== undefined || (isCut && !words.broad),
    code: () => 'http-404',
    mend: ({ words }) => (words.expired === undefined ? (words.broad ? BROAD : RESTART) : undefined),
  },
  'forgets always what leads to a page': {
    of: (facts) => hasPages(facts) && isChain(facts),
    trouble: forgets,
    // Where no rule says that it has expired, the response looks like a page out of reach, and narrower slices have fewer pages.
    survives: ({ words, isCut }) => words.expired === undefined && isCut && !words.broad,
    code: ({ words }) => (words.expired === undefined ? 'http-404' : 'rule'),
    mend: ({ words }) => (words.expired === undefined && words.broad ? BROAD : undefined),
  },
  'refuses to be read further than half': {
    trouble: (facts) => ({ limit: { records: half(facts), by: '400' } }),
    survives: ({ isCut }) => isCut,
    mend: ({ stream }) => (stream.slices === undefined ? CUT : undefined),
  },
  'ends at half, and says that there are more': {
    of: (facts) => hasPages(facts) && tells(facts),
    trouble: (facts) => ({ limit: { records: half(facts), by: 'end' } }),
    // The last page of offsets is not full then, and looks like any last page.
    survives: (facts) => (facts.isCut && kindOf(facts) === 'offsets' ? undefined : facts.isCut),
    code: () => 'count',
    mend: ({ stream }) => (stream.slices === undefined ? CUT : undefined),
  },
  'is not ready with its jobs when it is asked first': {
    of: (facts) => kindOf(facts) === 'job',
    trouble: () => ({ waits: true, times: 1 }),
    survives: everything,
  },
  'no longer takes the first URL of a file': {
    of: (facts) => kindOf(facts) === 'job',
    trouble: () => ({ expired: { page: 0, answer: MISSING }, times: 1 }),
    survives: everything,
  },
  'no longer has the second parent': {
    of: ({ hasParents, stream: { each } }) => hasParents && each?.together === undefined,
    trouble: ({ words }) => ({ vanished: { parent: (index) => index === 1, answer: words.vanished ?? MISSING } }),
    survives: ({ words }) => words.vanished !== undefined,
    mend: ({ words }) => (words.vanished === undefined ? EMPTY : undefined),
  },
  'takes its tokens back': {
    of: (facts) => hasPages(facts) && facts.keepsTokens,
    trouble: () => ({ revokes: 5 }),
    survives: everything,
  },
  'loses and gets records while it is read': {
    // An order that is declared says that it does not.
    of: (facts) => !['pages', 'links'].includes(kindOf(facts)) || !isStable(facts.stream),
    trouble: () => ({
      absent: (index, asked) => (index % 5 === 1 && asked > 2) || (index % 7 === 3 && asked < 3),
    }),
  },
};

/** What a receipt says at best. */
export const bestOf = ({ proves }: Facts): 'COMPLETE' | 'UNKNOWN' => (proves ? 'COMPLETE' : 'UNKNOWN');

/** What a model tells of one of its streams. */
export function factsOf({ client: { connector }, streams }: Model, name: string, words: Words): Facts {
  const [stream, held] = [connector.streams[name], streams.find((one) => one.name === name)];
  if (stream === undefined || held === undefined) throw new SimulatorRefusal(`There is no stream "${name}".`);
  const { parents, records } = held;
  const { low, high } =
    parents === undefined ? { low: 0, high: records.count } : childrenOf(parents, parents.count - 1, records.count);
  const { paging, slices } = stream;
  const size = 'size' in paging ? paging.size : records.count;
  const apart = (records.changedAt?.(size) ?? 0) - (records.changedAt?.(0) ?? 0);
  const isCut = slices !== undefined && span(slices.least) <= apart;
  const ancestors = ancestorsOf(connector, name).flatMap((each) => connector.streams[each] ?? []);
  return {
    ...{ stream, words, size, isCut, longest: high - low },
    keepsTokens: keepsTokens(connector.auth),
    hasParents: parents !== undefined,
    proves: [stream, ...ancestors].every((each) => each.paging.kind !== 'pages' || counts(each) || isStable(each)),
    fits: isCut || !('max' in paging) || paging.max === undefined || high - low < paging.max,
  };
}
