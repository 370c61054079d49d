import * as z from 'zod';
import {
  bearer,
  type Connector,
  cursor,
  defineConnector,
  job,
  keyset,
  type Limit,
  links,
  offsets,
  pages,
  type Stream,
} from '../../lib/core/connector/connector.ts';
import { MINUTE, span } from '../../lib/core/time.ts';
import type { Random, TransportFailure, WireReply, WireRequest } from '../../lib/pipeline/ports.ts';
import type { Tally } from './tally.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { Weather } from './weather.ts';

/** An API whose records may change while they are read, and which fails in every way that weather allows. */

/** Of an incremental stream, in milliseconds. */
export const LOOKBACK = 10_000;
/** `fields`: the answer to the setup that it was asked with. */
const Row = z.object({ id: z.int(), version: z.int(), updated: z.iso.datetime(), fields: z.int().optional() });

/** How the API lists: every kind of paging, and evidence a receipt may claim for it while records move. */
export const KINDS = [
  'pages',
  'endless pages',
  'offsets',
  'endless offsets',
  'cursor',
  'keyset',
  'links',
  'job',
] as const;
export type Kind = (typeof KINDS)[number];
/** Kinds whose COMPLETE must hold whatever moves. */
export const PROOF: ReadonlySet<Kind> = new Set(['offsets', 'endless offsets', 'cursor', 'keyset', 'job']);

export const SECRET = 'S3CR3T-never-to-be-seen';

/** Where sliced streams begin: before the first record was changed. */
const BEGINNING = '2026-11-22T11:40:00.000Z';

/** Below every key. */
const FIRST = -1_000_000_000;

/** How a stream is declared. */
export type Declared = {
  readonly kind: Kind;
  readonly size: number;
  readonly incremental: boolean;
  /** The API is asked for an upper bound of the window, too. */
  readonly bounded: boolean;
  /** The window is cut. */
  readonly sliced: boolean;
  /** Records are listed by the families they are of: how those are found, and how many of them are listed in one request. */
  readonly each: { readonly by: 'cursor' | 'pages'; readonly together: number } | undefined;
  /** What is asked besides pages. */
  readonly asks: 'nothing' | 'setup' | 'count' | 'estimate';
  /** How long a cursor is said to live, in seconds. */
  readonly expires: number | undefined;
  readonly limits: readonly Limit[];
  readonly revision: number;
};

export function connectorOf(declared: Declared): Connector {
  const { kind, size, incremental, bounded, sliced, each, asks, limits, revision } = declared;
  type Window = { from: { millis: number }; to: { millis: number } };
  type At = { readonly parents: readonly number[]; readonly window: Window };
  const about = ({ parents, window: { from, to } }: At) => ({
    from: incremental ? from.millis : undefined,
    to: incremental && bounded ? to.millis : undefined,
    of: each === undefined ? undefined : parents.join(),
  });
  const start = sliced ? { start: BEGINNING } : {};
  const since = { field: (row: { updated: string }) => row.updated, lookback: '10 seconds', ...start } as const;
  /** The least slice may still be longer than the API lets be read: then it is walked by key. */
  const cut = { width: '3 minutes', least: '1 second' } as const;
  const slices = {
    ...cut,
    byKey: {
      request: (at: At & { page: { after: string | number | undefined; size: number }; setup: number }) => ({
        path: '/rows',
        query: { after: at.page.after ?? FIRST, size, by: 'key', fields: at.setup, ...about(at) },
      }),
      paging: keyset({ size, after: (last) => last.id, more: (reply) => reply.body.next !== null }),
    },
  } as const;
  const setup = {
    request: () => ({ path: '/setup' }),
    read: (reply: { body: { fields: number } }) => reply.body.fields,
  };
  const count = {
    request: (at: At) => ({ path: '/count', query: about(at) }),
    read: (reply: { body: { total: number } }) => reply.body.total,
    exact: asks === 'count',
  };
  const shared = {
    records: (body: { rows: unknown[] }) => body.rows,
    schema: Row,
    key: 'id',
    map: (row: z.output<typeof Row>) => ({ ...row, revision }),
    ...(incremental ? { since } : {}),
    ...(sliced ? { slices: kind === 'job' ? cut : slices } : {}),
    ...(each === undefined
      ? {}
      : { each: { of: 'families', pick: (one: { id: number }) => one.id, together: each.together } }),
    ...(asks === 'setup' ? { setup } : {}),
    ...(kind !== 'job' && (asks === 'count' || asks === 'estimate') ? { count } : {}),
  } as const;
  const total = { total: (reply: { body: { total: number } }) => reply.body.total };
  const lives = declared.expires === undefined ? {} : ({ expires: `${declared.expires} seconds` } as const);
  const rows = (stream: Parameters<Parameters<typeof defineConnector>[0]['streams']>[0]): Stream => {
    switch (kind) {
      case 'pages':
      case 'endless pages':
        return stream({
          ...shared,
          ...(kind === 'pages' ? total : {}),
          paging: pages({ size }),
          request: (at) => ({
            path: '/rows',
            query: { offset: (at.page.number - 1) * at.page.size, size, fields: at.setup, ...about(at) },
          }),
        });
      case 'offsets':
      case 'endless offsets':
        return stream({
          ...shared,
          ...(kind === 'offsets' ? total : {}),
          paging: offsets({ size }),
          request: (at) => ({ path: '/rows', query: { offset: at.page.offset, size, fields: at.setup, ...about(at) } }),
        });
      case 'cursor':
        return stream({
          ...shared,
          paging: cursor({ size, next: (reply) => reply.body.next, ...lives }),
          order: 'by key',
          request: (at) => ({ path: '/rows', query: { after: at.page.cursor, size, fields: at.setup, ...about(at) } }),
        });
      case 'keyset':
        return stream({
          ...shared,
          paging: keyset({ size, after: (row) => row.id, more: (reply) => reply.body.next !== null }),
          order: 'by key',
          request: (at) => ({ path: '/rows', query: { after: at.page.after, size, fields: at.setup, ...about(at) } }),
        });
      case 'job':
        return stream({
          ...shared,
          paging: job({
            start: (reply) => reply.body.id,
            ready: (reply) => reply.body.state === 'done',
            files: (reply) => reply.body.files,
            every: '20 seconds',
          }),
          request: (at) =>
            at.page.job === undefined
              ? { path: '/jobs', method: 'POST', query: { fields: at.setup, ...about(at) } }
              : { path: `/jobs/${at.page.job}` },
        });
      case 'links':
        return stream({
          ...shared,
          paging: links({ size, ...lives }),
          request: (at) => ({ path: '/rows', query: { size, fields: at.setup, ...about(at) } }),
        });
    }
  };
  return defineConnector({
    name: 'sim',
    docs: '',
    revision,
    params: z.object({}),
    baseUrl: 'http://sim.test',
    auth: bearer(),
    limits,
    errors: [
      { when: (reply) => reply.status === 404, is: 'empty', because: 'the family is gone' },
      { when: (reply) => reply.status === 419, is: 'restart', because: 'the cursor has expired' },
    ],
    streams: (stream) => ({
      ...(each === undefined ? {} : { families: families(stream, each.by) }),
      rows: rows(stream),
    }),
  });
}

/** The listing of families, two at a time. */
function families(
  stream: Parameters<Parameters<typeof defineConnector>[0]['streams']>[0],
  by: 'cursor' | 'pages',
): Stream {
  const shared = {
    records: (body: { rows: unknown[] }) => body.rows,
    schema: z.object({ id: z.int() }),
    key: 'id',
  } as const;
  return by === 'cursor'
    ? stream({
        ...shared,
        paging: cursor({ size: 2, next: (reply) => reply.body.next }),
        order: 'by key',
        request: ({ page }) => ({ path: '/families', query: { after: page.cursor, size: 2 } }),
      })
    : stream({
        ...shared,
        total: (reply) => reply.body.total,
        paging: pages({ size: 2 }),
        request: ({ page }) => ({ path: '/families', query: { offset: (page.number - 1) * 2, size: 2 } }),
      });
}

export type Row = { readonly id: number; readonly version: number; readonly updated: number; readonly family: number };
/** What was true of a record when: from `since` until `until` it stood in the listing as this version. */
export type Lived = Row & { readonly since: number; until: number };

export type PracticeApi = {
  answer(request: WireRequest): { takes: number; reply: WireReply | TransportFailure | 'kills' };
  /** Every version of every record that ever was. */
  readonly lives: readonly Lived[];
  /** The API's own clock. */
  readonly now: () => number;
};

export type ApiOptions = {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly weather: Weather;
  readonly kind: Kind;
  readonly count: number;
  /** So many records of one listing may be read, and no more, unless it is walked by key. */
  readonly reach?: number | undefined;
  /** How many families there are at first; `undefined`: records are of none. */
  readonly families: number | undefined;
  readonly tally: Tally;
};

export function practiceApi({
  time,
  random,
  weather,
  kind: paging,
  count,
  reach,
  families: begun,
  tally,
}: ApiOptions): PracticeApi {
  const offset = (random.number() - 0.5) * 10 * MINUTE;
  const now = (): number => Math.floor(time.now() + offset);
  const lives: Lived[] = [];
  /** In listing order: by id, which new records enter anywhere. */
  let rows: Lived[] = [];
  let made = 0;
  /** In listing order, too. */
  let families = Array.from({ length: begun ?? 1 }, (_, i) => ({ id: i * 1_000 }));
  const chance = (rate: number): boolean => rate > 0 && random.number() < rate;

  const enter = (row: Row): Lived => {
    const lived = { ...row, since: time.now(), until: Number.POSITIVE_INFINITY };
    lives.push(lived);
    return lived;
  };
  const make = (id: number, updated: number, family = anyFamily()): Lived =>
    enter({ id, version: made++, updated, family });
  const anyFamily = (): number =>
    begun === undefined ? 0 : (families[Math.floor(random.number() * families.length)]?.id ?? -1);
  for (let i = 0; i < count; i++) rows.push(make(i * 1_000, now() - Math.floor(random.number() * 10) * MINUTE));

  /** Between two neighbours, or at an end; `undefined`: there is no room. */
  const between = (below: number, above: number): number | undefined => {
    const id = Math.floor((below + above) / 2);
    return id > below && id < above ? id : undefined;
  };

  /** A family goes, with all its records, or one comes, with its first. */
  function changeFamilies(): void {
    const at = Math.floor(random.number() * (families.length + 1));
    const found = families[at];
    if (found !== undefined && random.number() < 0.5) {
      tally.count('parents vanished');
      families = families.toSpliced(at, 1);
      for (const row of rows) if (row.family === found.id) row.until = time.now();
      rows = rows.filter(({ family }) => family !== found.id);
      return;
    }
    const id = between(families[at - 1]?.id ?? -1_000_000, found?.id ?? (families.at(-1)?.id ?? 0) + 2_000);
    if (id === undefined) return;
    tally.count('parents appeared');
    families = families.toSpliced(at, 0, { id });
    rows.push(make((rows.at(-1)?.id ?? 0) + 1_000, now(), id));
  }

  function change(): void {
    tally.count('records changed');
    if (begun !== undefined && random.number() < 0.2) changeFamilies();
    const at = Math.floor(random.number() * (rows.length + 1));
    const found = rows[at];
    const kind = random.number();
    if (found === undefined || kind < 0.4) {
      const id = between(rows[at - 1]?.id ?? -1_000_000, found?.id ?? (rows.at(-1)?.id ?? 0) + 2_000);
      if (id !== undefined && families.length > 0) rows = rows.toSpliced(at, 0, make(id, now()));
    } else {
      found.until = time.now();
      rows = kind < 0.7 ? rows.toSpliced(at, 1) : rows.toSpliced(at, 1, make(found.id, now(), found.family));
    }
  }
  const churn = (): void => {
    change();
    if (made < 4 * count + 50) time.after(random.number() * 2 * (weather.churnEvery ?? 0), churn);
  };
  if (weather.churnEvery !== undefined) time.after(weather.churnEvery, churn);

  /** What becomes of a page does not change from request to request, until the API is mended. */
  const fate = new Map<string, 'refused' | 'fails' | 'kills' | 'fine'>();
  const started = time.now();
  const fateOf = (page: string): string => {
    if (time.now() - started >= weather.mendedAt) return 'fine';
    const known = fate.get(page);
    if (known !== undefined) return known;
    const drawn = !chance(weather.poison)
      ? 'fine'
      : random.number() < 0.4
        ? 'refused'
        : random.number() < 0.8
          ? 'fails'
          : 'kills';
    if (drawn !== 'fine')
      tally.count(`pages that ${drawn === 'kills' ? 'kill' : drawn === 'fails' ? 'always fail' : 'are refused'}`);
    fate.set(page, drawn);
    return drawn;
  };

  const reply = (status: number, body: unknown, headers: Record<string, string> = {}): WireReply => ({
    status,
    headers: { date: new Date(now()).toUTCString(), ...headers },
    body: new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body)),
  });

  /** What each job found when it was started, in files; and when it is ready. */
  const jobs: { readonly files: readonly (readonly object[])[]; readonly readyAt: number; readonly born: number }[] =
    [];
  function startJob(found: readonly object[]): WireReply {
    const files = 1 + Math.floor(random.number() * 3);
    const length = Math.ceil(found.length / files);
    tally.count('jobs started');
    const id = jobs.push({
      files: Array.from({ length: files }, (_, at) => found.slice(at * length, (at + 1) * length)),
      readyAt: time.now() + random.number() ** 3 * 20 * MINUTE,
      born: now(),
    });
    return reply(202, { id });
  }
  function aboutJob(id: number): WireReply {
    const found = jobs[id - 1];
    if (found === undefined) return reply(400, { message: 'no such job' });
    if (now() - found.born > 10 * (weather.lifetime ?? Number.POSITIVE_INFINITY)) {
      tally.count('jobs forgotten');
      return reply(419, { message: 'forgotten' });
    }
    if (time.now() < found.readyAt) return reply(200, { state: 'running' });
    return reply(200, {
      state: 'done',
      files: found.files.map((_, at) => `/files/${id}/${at}?until=${now() + MINUTE}`),
    });
  }
  function fileOf(url: URL): WireReply {
    const [, , id, at] = url.pathname.split('/').map(Number);
    if (now() > Number(url.searchParams.get('until'))) {
      tally.count('files expired');
      return reply(403, { message: 'expired' });
    }
    return reply(200, { rows: jobs[(id ?? 0) - 1]?.files[at ?? 0] ?? [] });
  }

  let setups = 0;
  function honest(url: URL): WireReply {
    if (url.pathname === '/setup') return reply(200, { fields: setups++ });
    if (url.pathname === '/families') return page(url, families);
    if (url.pathname.startsWith('/jobs/')) return aboutJob(Number(url.pathname.slice('/jobs/'.length)));
    if (url.pathname.startsWith('/files/')) return fileOf(url);
    const { searchParams: query } = url;
    const of = query.get('of')?.split(',').map(Number);
    if (of !== undefined && !families.some(({ id }) => of.includes(id))) {
      tally.count('parents not found');
      return reply(404, { message: 'no such family' });
    }
    const from = Number(query.get('from') ?? 0);
    const to = Number(query.get('to') ?? Number.POSITIVE_INFINITY);
    const window = rows.filter(
      ({ updated, family }) => updated >= from && updated < to && (of === undefined || of.includes(family)),
    );
    if (url.pathname === '/count') return reply(200, { total: window.length });
    const fields = query.get('fields');
    const found = window.map(({ id, version, updated }) => ({
      ...{ id, version, updated: new Date(updated).toISOString() },
      ...(fields === null ? {} : { fields: Number(fields) }),
    }));
    return url.pathname === '/jobs' ? startJob(found) : page(url, found);
  }

  /** A page of a listing. A cursor, and a link, tells when its chain began: it may live for so long only. */
  function page(url: URL, listing: readonly { readonly id: number }[]): WireReply {
    const { searchParams: query } = url;
    const after = query.get('after')?.split('~');
    const born = Number(query.get('born') ?? after?.[1] ?? now());
    if (now() - born > (weather.lifetime ?? Number.POSITIVE_INFINITY)) {
      tally.count('cursors expired');
      return reply(419, { message: 'expired' });
    }
    const size = Number(query.get('size'));
    const start =
      after === undefined ? Number(query.get('offset') ?? 0) : listing.findIndex(({ id }) => id > Number(after[0]));
    if (url.pathname === '/rows' && reach !== undefined && start >= reach && query.get('by') !== 'key') {
      tally.count('pages out of reach');
      return reply(400, { message: 'no further' });
    }
    const found = start < 0 ? [] : listing.slice(start, start + size);
    const more = start >= 0 && start + size < listing.length;
    const next = new URL(url);
    next.searchParams.set('offset', String(start + size));
    if (weather.lifetime !== undefined) next.searchParams.set('born', String(born));
    const cursor = weather.lifetime === undefined ? `${found.at(-1)?.id}` : `${found.at(-1)?.id}~${born}`;
    const body = { rows: found, total: listing.length, next: more ? cursor : null };
    return reply(200, body, { link: `<${next.href}>; rel="${more ? 'next' : 'last'}"` });
  }

  function failure(): WireReply | TransportFailure {
    tally.count('API failures');
    const kinds: (() => WireReply | TransportFailure)[] = [
      () => reply(500, 'oops'),
      () => reply(502, '<html>bad gateway</html>'),
      () => reply(200, ''),
      () => reply(200, '{"rows":[{"id'),
      () => reply(200, '<html>log in</html>'),
      () => ({ failed: 'broken', message: 'reset' }),
      () => ({ failed: 'timeout', message: 'no answer' }),
    ];
    return (kinds[Math.floor(random.number() * kinds.length)] ?? (() => reply(500, '')))();
  }

  const startedAt = time.now();
  const departures: number[] = [];
  /** An API whose limit is lower than its connector says refuses what is beyond it. */
  function isTooMuch(): boolean {
    const [limit] = weather.limits;
    if (weather.truth === 1 || limit?.requests === undefined) return false;
    const most = Math.max(1, Math.floor(limit.requests * weather.truth));
    const oldest = departures.at(-most);
    const refused = oldest !== undefined && time.now() - oldest <= span(limit.per);
    if (!refused) departures.push(time.now());
    return refused;
  }

  return {
    lives,
    now,
    answer(request) {
      const url = new URL(request.url);
      const takes = 20 + random.number() * (chance(0.02) ? 30_000 : 300);
      const mark = url.searchParams.get('offset') ?? url.searchParams.get('after')?.split('~')[0] ?? 'first';
      switch (fateOf(`${url.pathname} ${mark}`)) {
        case 'kills':
          return { takes, reply: 'kills' };
        case 'refused':
          return { takes, reply: reply(422, { error: 'no' }) };
        case 'fails':
          return { takes, reply: failure() };
      }
      const begun = time.now() - startedAt;
      if (weather.outage !== undefined && begun >= weather.outage[0] && begun < weather.outage[1]) {
        tally.count('API down');
        return { takes: 20, reply: { failed: 'unreachable', message: 'no way there' } };
      }
      if (isTooMuch()) {
        tally.count('API limits');
        return { takes, reply: reply(429, '', { 'retry-after': '3' }) };
      }
      if (chance(weather.longHolds)) {
        tally.count('long holds');
        return {
          takes,
          reply: reply(429, '', { 'retry-after': String(Math.ceil((1 + 2 * random.number()) * 3_600)) }),
        };
      }
      if (chance(weather.apiThrottles)) {
        tally.count('API throttles');
        const wait = Math.ceil(random.number() * (chance(0.1) ? 600 : 10));
        return { takes, reply: reply(429, '', { 'retry-after': String(wait) }) };
      }
      if (chance(weather.apiFails)) return { takes, reply: failure() };
      const truth = honest(url);
      // A lie that nothing in the listing contradicts is nobody's to find: only a total contradicts an empty page.
      const isContradicted = url.pathname === '/rows' && (paging === 'pages' || paging === 'offsets');
      if (!isContradicted || truth.status !== 200 || !chance(weather.apiLies)) return { takes, reply: truth };
      tally.count('API lies');
      return {
        takes,
        reply: reply(200, { ...JSON.parse(new TextDecoder().decode(truth.body)), rows: [] }, truth.headers),
      };
    },
  };
}
