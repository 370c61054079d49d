import assert from 'node:assert/strict';
import { keepsTokens } from '../../../lib/core/auth-scheme.ts';
import type { Stream } from '../../../lib/core/connector.ts';
import type { Receipt } from '../../../lib/core/receipt.ts';
import type { Trouble } from '../../../lib/simulator/trouble.ts';
import { type Case, says } from './cases.ts';

/**
 * What an API does, and what its receipt must then say, of each stream of which it can be said. Pages have ten records, 43 in all; the last one of
 * three parents has 24 of them.
 */

const HTML = says(500, '<html><body><h1>Oops</h1></body></html>', { 'content-type': 'text/html' });
const BROKEN = says(200, '{"data": [{"id": ');
const TOO_MANY = says(429, {}, { 'retry-after': '1' });
const MISSING = says(404, { message: 'not found' });

/** What is known of a stream. */
export type Facts = {
  readonly stream: Stream;
  readonly api: Case;
  readonly isNumbered: boolean;
  readonly isSliced: boolean;
  /** Whether it knows exactly how many records there are. */
  readonly tells: boolean;
};
export type Switch = {
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

export const SWITCHES: Readonly<Record<string, Switch>> = {
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
