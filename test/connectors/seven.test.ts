import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keepsTokens } from '../../lib/core/auth.ts';
import type { Stream } from '../../lib/core/connector.ts';
import type { Receipt } from '../../lib/core/receipt.ts';
import { type Model, modelOf } from '../../lib/simulator/model.ts';
import { childrenOf } from '../../lib/simulator/parents.ts';
import type { Trouble } from '../../lib/simulator/trouble.ts';
import { consent, simulatedWorld } from '../simulator/wired.ts';
import { CASES, type Case, lately, says } from './seven/cases.ts';

/** Seven connectors of real APIs, by the whole pipeline, against APIs that are made from their declarations: honest ones, and others. */

type Run = {
  readonly receipt: Receipt;
  /** Keys of what was delivered, and of what was there throughout and was not. */
  readonly delivered: readonly string[];
  readonly lost: readonly string[];
};

const keyOf = ({ key }: Stream, record: unknown): string =>
  JSON.stringify([key].flat().map((field) => Reflect.get(Object(record), field)));

/** One sync of a stream. What its receipt says is held against what the API knows. */
async function run(model: Model, name: string, trouble: Trouble = {}): Promise<Run> {
  const { connector, params } = model.client;
  const stream = connector.streams[name] ?? assert.fail();
  const held = model.streams.find((one) => one.name === name) ?? assert.fail();
  const { world } = simulatedWorld(model, trouble);
  if (connector.auth.kind === 'authorizationCode') await consent(world, Object(params));
  const before = world.http.requests.length;
  const receipt = await world.sync(name);

  const records = Array.from({ length: held.records.count }, (_, index) => index);
  const { parents } = held;
  const orphans = records.filter((index) => {
    const of = parents && firstOf(parents.count, (parent) => childrenOf(parents, parent, records.length).high > index);
    return of !== undefined && trouble.vanished?.parent(of);
  });
  const isThere = (index: number) =>
    !orphans.includes(index) && [1, 1e9].every((asked) => !trouble.absent?.(index, asked));
  const delivered = world.delivered(receipt).map((record) => keyOf(stream, record));
  const found = new Set(delivered);
  const keys = new Map(records.map((index) => [keyOf(stream, held.records.record(index)), index]));
  const lost = [...keys].filter(([key, index]) => isThere(index) && !found.has(key)).map(([key]) => key);

  const context = JSON.stringify({ ...receipt, reasons: receipt.reasons.slice(0, 5) }, null, 1);
  assert.deepEqual(
    [...found].filter((key) => !keys.has(key)),
    [],
    'what was delivered is the API’s',
  );
  assert.equal(receipt.records.delivered, delivered.length, context);
  assert.equal(receipt.records.repeated, delivered.length - found.size, context);
  const tokens = world.http.requests.slice(before).filter(({ url }) => isForToken(url)).length;
  assert.equal(receipt.requests.sent, world.http.requests.length - before - tokens, context);
  if (receipt.verdict !== 'COMPLETE') assert.notEqual(receipt.reasons.length, 0);
  const isCertain = receipt.evidence === 'overlap' || receipt.evidence === 'cursor' || trouble.absent === undefined;
  if (receipt.verdict === 'COMPLETE' && isCertain) assert.deepEqual(lost, [], context);
  if (receipt.verdict === 'COMPLETE') assert.equal(receipt.records.repeated, 0, context);
  return { receipt, delivered, lost };
}

const firstOf = (count: number, test: (index: number) => boolean) =>
  Array.from({ length: count }, (_, index) => index).find(test);
const isForToken = (url: string) => /access_tokens?$|oauth2?\/token/.test(new URL(url).pathname);
const sizeOf = (paging: object): number => ('size' in paging && typeof paging.size === 'number' ? paging.size : 10);

describe('of an honest API', () => {
  for (const [title, { connector, params = {} }] of Object.entries(CASES)) {
    const declared = lately(connector);
    for (const [name, { paging, each, total, count }] of Object.entries(declared.streams)) {
      it(`${title}: ${name} is complete, every record once`, async () => {
        const own = Math.floor(2.3 * sizeOf(paging));
        const model = modelOf(declared, { params, records: { [name]: own, ...(each && { [each.of]: 25 }) } });
        const { receipt, delivered, lost } = await run(model, name);
        assert.equal(receipt.verdict, 'COMPLETE');
        assert.deepEqual([delivered.length, new Set(delivered).size, lost.length], [own, own, 0]);
        assert.deepEqual(receipt.reasons, []);
        if (total !== undefined || count?.exact) assert.deepEqual(receipt.expected, { records: own, source: 'total' });
      });
    }
  }
});

/** Small pages: so many records make five of them, and three of the last one of so many parents. */
const SIZE = 10;
const RECORDS = 43;
const PARENTS = 3;

const HTML = says(500, '<html><body><h1>Oops</h1></body></html>', { 'content-type': 'text/html' });
const BROKEN = says(200, '{"data": [{"id": ');
const TOO_MANY = says(429, {}, { 'retry-after': '1' });
const MISSING = says(404, { message: 'not found' });

/** What is known of a stream. */
type Facts = {
  readonly stream: Stream;
  readonly api: Case;
  readonly isNumbered: boolean;
  readonly isSliced: boolean;
  /** Whether it knows exactly how many records there are. */
  readonly tells: boolean;
};
type Switch = {
  /** Of which streams something can be said. Default: of those that have pages. */
  readonly of?: (facts: Facts) => boolean;
  readonly trouble: (facts: Facts) => Trouble;
  /** Default: any that what is lost allows. */
  readonly verdict?: (facts: Facts) => Receipt['verdict'];
  /** A reason that must be given for what is not COMPLETE. */
  readonly code?: (facts: Facts) => string;
};

const whether = (isComplete: boolean) => (isComplete ? 'COMPLETE' : 'INCOMPLETE');
const isFollowed = ({ stream: { paging } }: Facts) => paging.kind === 'cursor' || paging.kind === 'links';
const isChain = (facts: Facts) => isFollowed(facts) || facts.stream.paging.kind === 'keyset';

const SWITCHES: Readonly<Record<string, Switch>> = {
  'asks for patience at every third request': {
    trouble: () => ({ every: { requests: 3, answer: TOO_MANY } }),
    verdict: () => 'COMPLETE',
  },
  'asks for patience in words of its own': {
    of: ({ api }) => api.throttled !== undefined,
    trouble: ({ api }) => ({ every: { requests: 3, answer: api.throttled ?? assert.fail() } }),
    verdict: () => 'COMPLETE',
  },
  'answers every third request with a page of HTML': {
    trouble: () => ({ every: { requests: 3, answer: HTML } }),
    verdict: () => 'COMPLETE',
  },
  'breaks off every third answer': {
    trouble: () => ({ every: { requests: 3, answer: BROKEN } }),
    verdict: () => 'COMPLETE',
  },
  'gives four records where ten are asked for': {
    trouble: () => ({ cap: 4 }),
    verdict: () => 'COMPLETE',
  },
  'has a short page in the middle': {
    trouble: () => ({ short: 2 }),
    verdict: ({ isNumbered }) => whether(!isNumbered),
    code: () => 'count',
  },
  'has an empty page in the middle, twice': {
    trouble: () => ({ empty: 2, times: 2 }),
    // What a cursor leads away from is not asked for again.
    verdict: (facts) => whether(!isFollowed(facts)),
    code: () => 'empty-page',
  },
  'has an empty page in the middle': {
    trouble: () => ({ empty: 2 }),
    verdict: ({ isNumbered, isSliced }) => whether(isNumbered && isSliced),
    code: ({ stream: { paging } }) => (paging.kind === 'keyset' ? 'stuck' : 'empty-page'),
  },
  'says that there are more than there are': {
    of: ({ tells }) => tells,
    trouble: () => ({ total: (honest) => honest + 7 }),
    verdict: () => 'INCOMPLETE',
    code: () => 'count',
  },
  'says that there are fewer than there are': {
    of: ({ tells }) => tells,
    trouble: () => ({ total: (honest) => Math.floor(honest * 0.9) }),
    verdict: () => 'INCOMPLETE',
    code: () => 'count',
  },
  'says another total each time': {
    of: ({ tells }) => tells,
    trouble: () => ({ total: (honest, asked) => honest + asked }),
    verdict: () => 'INCOMPLETE',
    code: () => 'count',
  },
  'estimates wildly': {
    of: ({ stream }) => stream.count?.exact === false,
    trouble: () => ({ total: () => 3 }),
    verdict: () => 'COMPLETE',
  },
  'leads back to where it has been': {
    of: isFollowed,
    trouble: () => ({ loop: 1 }),
    verdict: () => 'INCOMPLETE',
    code: () => 'loop',
  },
  'forgets once what leads to a page': {
    of: isChain,
    trouble: ({ api }) => ({ expired: { page: 2, answer: api.expired ?? MISSING }, times: 1 }),
    verdict: ({ api, isSliced }) => whether(api.expired !== undefined || isSliced),
    code: () => 'http-404',
  },
  'forgets always what leads to a page': {
    of: isChain,
    trouble: ({ api }) => ({ expired: { page: 2, answer: api.expired ?? MISSING } }),
    // Where nothing says that it has expired, it is taken for a page that there cannot be, and narrower slices have fewer.
    verdict: ({ api, isSliced }) => whether(api.expired === undefined && isSliced),
    code: ({ api }) => (api.expired === undefined ? 'http-404' : 'rule'),
  },
  'lets nobody read further than 20 records': {
    trouble: () => ({ limit: { records: 20, by: '400' } }),
    verdict: ({ isSliced }) => whether(isSliced),
  },
  'ends at 20 records, and says that there are more': {
    of: ({ tells }) => tells,
    trouble: () => ({ limit: { records: 20, by: 'end' } }),
    verdict: ({ isSliced }) => whether(isSliced),
    code: () => 'count',
  },
  'no longer has the second parent': {
    of: ({ stream: { each } }) => each !== undefined && each.together === undefined,
    trouble: ({ api }) => ({ vanished: { parent: (index) => index === 1, answer: api.vanished ?? MISSING } }),
    verdict: () => 'COMPLETE',
  },
  'takes its tokens back': {
    of: ({ api }) => keepsTokens(api.connector.auth),
    trouble: () => ({ revokes: 3 }),
    verdict: () => 'COMPLETE',
  },
  'loses and gets records while it is read': {
    of: () => true,
    trouble: () => ({
      absent: (index, asked) => (index % 5 === 1 && asked > 2) || (index % 7 === 3 && asked < 3),
    }),
  },
};

const STREAMS: Readonly<Record<string, readonly string[]>> = {
  hubspot: ['contacts', 'contactsArchived', 'contactCompanies'],
  salesforce: ['accounts'],
  github: ['repos', 'issues'],
  'github, as an app': ['issues'],
  stripe: ['charges', 'events'],
  jira: ['issues', 'comments'],
  'jira, by consent': ['issues'],
  shopify: ['orders'],
  erp: ['orderLines'],
};

const hasPages = ({ stream: { paging } }: Facts) => paging.kind !== 'one';

for (const [what, { of = hasPages, trouble, verdict, code }] of Object.entries(SWITCHES)) {
  describe(`of an API that ${what}`, () => {
    for (const [title, names] of Object.entries(STREAMS)) {
      const api = CASES[title] ?? assert.fail();
      const small = lately(api.connector, SIZE);
      for (const name of names) {
        const stream = small.streams[name] ?? assert.fail();
        const { paging, each, total, count, slices } = stream;
        const facts: Facts = {
          ...{ stream, api, isNumbered: paging.kind === 'pages', isSliced: slices !== undefined },
          tells: total !== undefined || count?.exact === true,
        };
        if (!of(facts)) continue;
        it(`${title}: ${name} is told so`, async () => {
          const records = { [name]: RECORDS, ...(each && { [each.of]: PARENTS }) };
          const model = modelOf(small, { params: api.params ?? {}, records });
          const does = trouble(facts);
          const { receipt } = await run(model, name, { stream: name, ...does });
          const context = JSON.stringify(receipt.reasons);
          if (verdict !== undefined) assert.equal(receipt.verdict, verdict(facts), context);
          const codes = receipt.reasons.map((reason) => reason.code);
          if (code !== undefined && receipt.verdict !== 'COMPLETE') assert.ok(codes.includes(code(facts)), context);
          const { throttled, retried } = receipt.requests;
          if (does.every !== undefined) assert.notEqual(throttled + retried, 0);
        });
      }
    }
  });
}
