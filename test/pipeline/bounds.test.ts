import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import {
  type Auth,
  clientCredentials,
  cursor,
  defineConnector,
  keyset,
  links,
  none,
  one,
  pages,
  type Raw,
  type Rule,
  type Stream,
} from '../../lib/core/connector/connector.ts';
import { MINUTE } from '../../lib/core/time.ts';
import { seededRandom } from '../memory/random.ts';
import { type Api, json, makeWorld } from './world.ts';

/**
 * Whatever an API sends may be long. The memory ports refuse what DynamoDB and SQS would, and a refused write shows as a task that failed. No
 * text of any length may fail a task, stall a sync or end in a COMPLETE that lacks a record.
 */

/** Around the bounds of what is kept, of an item (400 KB) and of a message (1 MiB). */
const SIZES = [0, 900, 40_000, 66_000, 150_000, 399_000, 500_000, 1_000_000];
/** In UTF-8 and in JSON a character has one byte, or several. */
const CHARACTERS = ['x', 'é', '"', '\u0001', '漢', '😀', '\ud800', '.', '%', ' ', '(', '<'];

type Place = {
  readonly auth?: Auth<Raw, Raw>;
  readonly secret?: object;
  readonly errors?: readonly Rule[];
  readonly streams: (text: string) => Record<string, Stream>;
  readonly api: (text: string) => Api;
  /** A text of any length only tells: the sync is COMPLETE all the same. */
  readonly tells?: boolean;
};

const Row = z.object({ id: z.string() });
const row = (id: string, more: object = {}): object => ({ id, ...more });
const FIRST = [row('a'), row('b')];
const LAST = [row('c')];
/** What every listing here holds; a row's key may be longer. */
const MOST_ROWS = 3;

const usual = {
  records: (body: Raw) => body.rows,
  schema: Row,
  key: 'id',
} satisfies Partial<Stream>;

const numbered = (more: Partial<Stream> = {}): Record<string, Stream> => ({
  rows: {
    ...usual,
    request: ({ page }) => ({ path: '/rows', query: { page: page.number } }),
    paging: pages({ size: 2 }),
    total: (reply) => reply.body.total,
    ...more,
  },
});

const chained = (more: Partial<Stream> = {}): Record<string, Stream> => ({
  rows: {
    ...usual,
    request: ({ page }) => ({ path: '/rows', method: 'POST', json: { after: page.cursor } }),
    paging: cursor({ size: 2, next: (reply) => reply.body.next }),
    ...more,
  },
});

/** Two pages by number, as they should be; `odd` says something else of a page. */
const twoPages =
  (odd: (page: string) => ReturnType<Api> | undefined = () => undefined): Api =>
  ({ query }) => {
    const page = query.get('page') ?? '1';
    return odd(page) ?? json({ rows: page === '1' ? FIRST : page === '2' ? LAST : [], total: MOST_ROWS });
  };

const inHeader = (name: string, status = 200, tells = false): Place => ({
  streams: () => numbered(),
  tells,
  api: (text) =>
    twoPages((page) =>
      page === '2' ? json({ rows: LAST, total: MOST_ROWS }, { [name]: text.replace(/\s/g, '_') }, status) : undefined,
    ),
});

const answered = (body: (text: string) => object, status = 200): Place => ({
  streams: () => numbered(),
  api: (text) => twoPages((page) => (page === '2' ? json(body(text), {}, status) : undefined)),
});

const thrown = (more: (text: string) => Partial<Stream>): Place => ({
  streams: (text) => numbered(more(text)),
  api: () => twoPages(),
});

const fail = (text: string): never => {
  throw new Error(text);
};

const tokens = (grant?: z.ZodType): Auth<Raw, Raw> =>
  clientCredentials({ tokenUrl: 'https://api.test/token', ...(grant === undefined ? {} : { grant }) });
const CLIENT = { clientId: 'client', clientSecret: 'a-secret-of-a-client' };
const withToken = (
  body: (text: string) => object,
  { grant, status = 200 }: { grant?: z.ZodType; status?: number } = {},
): Place => ({
  auth: tokens(grant),
  secret: CLIENT,
  streams: () => numbered(),
  api: (text) => (request) => (request.path === '/token' ? json(body(text), {}, status) : twoPages()(request)),
});

const PLACES: Readonly<Record<string, Place>> = {
  'a cursor': {
    streams: () => chained(),
    api:
      (text) =>
      ({ body = '{}' }) =>
        json(JSON.parse(body).after === undefined ? { rows: FIRST, next: `n${text}` } : { rows: LAST, next: null }),
  },
  'each of many cursors': {
    streams: () => chained(),
    api:
      (text) =>
      ({ body = '{}' }) => {
        const at = Number(/^\d+/.exec(JSON.parse(body).after ?? '0')?.[0]);
        return json({ rows: [row(`r${at}`)], next: at < 11 ? `${at + 1} ${text}` : null });
      },
  },
  'a link': {
    streams: () =>
      chained({
        request: () => ({ path: '/rows' }),
        paging: links({ size: 2, next: (reply: Raw) => reply.body.next }),
      }),
    api:
      (text) =>
      ({ query }) =>
        json(query.has('at') ? { rows: LAST, next: null } : { rows: FIRST, next: `/rows?at=${text}` }),
  },
  'a Link header': {
    streams: () => chained({ request: () => ({ path: '/rows' }), paging: links({ size: 2 }) }),
    api:
      (text) =>
      ({ query }) =>
        query.has('at')
          ? json({ rows: LAST })
          : json({ rows: FIRST }, { link: `</rows?at=${encodeURIComponent(text.toWellFormed())}>; rel="next"` }),
  },
  'a key to go on from': {
    streams: () =>
      chained({
        request: ({ page }) => ({ path: '/rows', method: 'POST', json: { after: page.after } }),
        paging: keyset({ size: 2, after: (last: Raw) => last.id, more: (reply) => reply.body.more }),
      }),
    api:
      (text) =>
      ({ body = '{}' }) =>
        json(
          JSON.parse(body).after === undefined
            ? { rows: [row(`a${text}`), row(`b${text}`)], more: true }
            : { rows: [row(`c${text}`)], more: false },
        ),
  },
  'a key to go on from, of a short page that says nothing': {
    streams: () =>
      chained({
        request: ({ page }) => ({ path: '/rows', method: 'POST', json: { after: page.after } }),
        paging: keyset({ size: 2, after: (last: Raw) => last.id, more: (reply) => reply.body.rows.length === 2 }),
      }),
    api:
      (text) =>
      ({ body = '{}' }) =>
        json({ rows: JSON.parse(body).after === undefined ? [row(`a${text}`)] : [] }),
  },
  'the key of a record': {
    tells: true,
    streams: () => numbered(),
    api: (text) => twoPages((page) => (page === '2' ? json({ rows: [row(`c${text}`)], total: MOST_ROWS }) : undefined)),
  },
  'the name of a field': {
    tells: true,
    streams: () => numbered(),
    api: (text) =>
      twoPages((page) =>
        page === '2' ? json({ rows: [row('c', { [`f${text}`]: 1 })], total: MOST_ROWS }) : undefined,
      ),
  },
  'the names of many fields': {
    tells: true,
    streams: () => numbered(),
    api: (text) => {
      const fields = Object.fromEntries(
        Array.from({ length: 60 }, (_, i) => [`f${i}${text.slice(0, text.length / 60)}`, i]),
      );
      return twoPages((page) => (page === '2' ? json({ rows: [row('c', fields)], total: MOST_ROWS }) : undefined));
    },
  },
  'a name that comes twice': {
    streams: () => numbered(),
    api: (text) =>
      twoPages((page) => {
        const name = JSON.stringify(`f${text}`);
        const body = `{"rows":[{"id":"c",${name}:1,${name}:2}],"total":${MOST_ROWS}}`;
        return page === '2' ? { ...json({}), body: new TextEncoder().encode(body) } : undefined;
      }),
  },
  'a value of another type': answered((text) => ({ rows: [{ id: [text] }], total: MOST_ROWS })),
  'an error body': answered((text) => ({ error: text, message: text }), 500),
  'an error inside of a page': answered((text) => ({ error: { message: text, code: text } })),
  'a total': answered((text) => ({ rows: LAST, total: `1${text}` })),
  'what stands in the place of the records': answered((text) => ({ rows: `x${text}`, total: MOST_ROWS })),
  'what "records" throws': thrown((text) => ({ records: () => fail(text) })),
  'what "map" throws': thrown((text) => ({ map: () => fail(text) })),
  'what "total" throws': thrown((text) => ({ total: () => fail(text) })),
  'what "request" throws': thrown((text) => ({
    request: ({ page }) => (page.number > 1 ? fail(text) : { path: '/rows' }),
  })),
  'what "read" throws': thrown((text) => ({ read: () => fail(text) })),
  'what a rule throws': {
    errors: [{ when: (reply) => fail(reply.body.message), is: 'failure', because: 'it is odd' }],
    ...answered((text) => ({ message: text }), 422),
  },
  'a path': {
    streams: (text) =>
      numbered({
        request: ({ page }) => ({
          path: page.number > 1 ? `/${encodeURIComponent(text.toWellFormed())}` : '/rows',
          query: { page: page.number },
        }),
      }),
    api: () => twoPages((page) => (page === '2' ? json({ message: 'no' }, {}, 404) : undefined)),
  },
  'a parameter of a query': {
    tells: true,
    streams: (text) => numbered({ request: ({ page }) => ({ path: '/rows', query: { page: page.number, text } }) }),
    api: () => twoPages(),
  },
  'what a setup reads': {
    streams: () =>
      numbered({
        setup: { request: () => ({ path: '/setup' }), read: (reply) => reply.body.text },
        request: ({ page, setup }) => ({ path: '/rows', query: { page: page.number, setup: String(setup).length } }),
      }),
    api: (text) => (request) => (request.path === '/setup' ? json({ text }) : twoPages()(request)),
  },
  'one parent of many': {
    streams: () => ({
      parents: { ...usual, request: () => ({ path: '/parents' }), paging: one() },
      rows: {
        ...usual,
        each: { of: 'parents', pick: (parent) => String(parent.id) },
        request: ({ parent }) => ({ path: '/rows', method: 'POST', json: { of: parent } }),
        paging: one(),
      },
    }),
    api:
      (text) =>
      ({ path, body = '{}' }) =>
        json(
          path === '/parents'
            ? { rows: [row(`p${text}`), row('q'), row('r')] }
            : { rows: [row(`of ${JSON.parse(body).of.slice(0, 1)}`)] },
        ),
  },
  'parents together, whose listing has long cursors': {
    streams: () => ({
      parents: { ...usual, request: () => ({ path: '/parents' }), paging: one() },
      rows: {
        ...usual,
        each: { of: 'parents', pick: (parent) => String(parent.id), together: 10 },
        request: ({ parents, page }) => ({ path: '/rows', method: 'POST', json: { of: parents, after: page.cursor } }),
        paging: cursor({ size: 10, next: (reply) => reply.body.next }),
      },
    }),
    api: (text) => {
      const piece = text.slice(0, text.length / 12);
      return ({ path, body = '{}' }) => {
        if (path === '/parents') return json({ rows: Array.from({ length: 10 }, (_, i) => row(`${i}${piece}`)) });
        const { of, after }: { of: string[]; after?: string } = JSON.parse(body);
        const at = Number(/^\d+/.exec(after ?? '0')?.[0]);
        const rows = of.map((each) => row(`${at} of ${each.slice(0, 1)}`));
        return json({ rows, next: at < 4 ? `${at + 1} ${piece}` : null });
      };
    },
  },
  'an access token': withToken((text) => ({ access_token: `t${text}`, token_type: 'bearer' })),
  'a refresh token': withToken((text) => ({
    access_token: 'a-token',
    refresh_token: `t${text}`,
    token_type: 'bearer',
  })),
  'an error of the token endpoint': withToken((text) => ({ error: text, error_description: text }), { status: 400 }),
  'what is told with a token': withToken((text) => ({ access_token: 'a-token', token_type: 'bearer', site: text }), {
    grant: z.object({ site: z.string() }),
  }),
  ...Object.fromEntries(
    [
      'date',
      'deprecation',
      'sunset',
      'etag',
      'set-cookie',
      'x-ratelimit-remaining',
      'x-ratelimit-reset',
      'ratelimit',
    ].map((name) => [`the header ${name}`, inHeader(name, 200, true)]),
  ),
  ...Object.fromEntries(
    ['content-type', 'content-range', 'link', 'warning'].map((name) => [`the header ${name}`, inHeader(name)]),
  ),
  'the header retry-after of a 429': inHeader('retry-after', 429),
  'the header location': inHeader('location', 302),
  'the header www-authenticate': inHeader('www-authenticate', 401),
};

/** The longest that a sync takes that meets its attempts and nothing else, in virtual time: a stalled one is taken up after 15 minutes. */
const PATIENT = 14 * MINUTE;

describe('of any length:', () => {
  for (const [what, place] of Object.entries(PLACES)) {
    it(what, async () => {
      const random = seededRandom(what.length);
      for (const size of SIZES) {
        const character = CHARACTERS[Math.floor(random.number() * CHARACTERS.length)] ?? 'x';
        await check(place, `${what}, ${size} of ${JSON.stringify(character)}`, character.repeat(size));
      }
    });
  }
});

async function check(place: Place, context: string, text: string): Promise<void> {
  const world = makeWorld({
    connector: defineConnector({
      ...{ name: 'test', docs: 'none', baseUrl: 'http://api.test', params: z.object({}), limits: [] },
      auth: place.auth ?? none(),
      ...(place.errors === undefined ? {} : { errors: [...place.errors] }),
      streams: () => place.streams(text),
    }),
    api: place.api(text),
    ...(place.secret === undefined ? {} : { secret: place.secret }),
    budget: 5 * MINUTE,
  });
  const began = world.clock.now();
  const receipt = await world.sync('rows').catch((error: unknown) => {
    throw new Error(context, { cause: error });
  });
  const failed = world.log.lines.filter(({ message }) => message === 'task failed');
  assert.deepEqual(failed, [], context);
  // A token that does not come is waited for, however long its answer was.
  if (place.secret === undefined)
    assert.ok(world.clock.now() - began < PATIENT, `${context}: ${(world.clock.now() - began) / MINUTE} minutes`);
  if (place.tells)
    assert.equal(receipt.verdict, 'COMPLETE', `${context}: ${JSON.stringify(receipt.reasons).slice(0, 400)}`);
  if (receipt.verdict === 'INCOMPLETE') {
    assert.ok(receipt.reasons.length > 0, context);
    assert.ok(JSON.stringify(receipt.reasons).length < 10_000, `${context}: the reasons are long`);
  }
  // What was answered and could not be taken is kept.
  if (receipt.reasons.some(({ code }) => ANSWERED.test(code)))
    assert.ok(
      [...world.objects.stored.keys()].some((key) => key.startsWith('responses/')),
      `${context}: no evidence of ${JSON.stringify(receipt.reasons)}`,
    );
}

/** Reasons against an answer. */
const ANSWERED = /^(http-|stuck|error-body|no-records|bad-total|rule|redirect|duplicate-key|unreadable)/;
