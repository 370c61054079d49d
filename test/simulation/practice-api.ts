import * as z from 'zod';
import {
  bearer,
  type Connector,
  cursor,
  defineConnector,
  keyset,
  type Limit,
  links,
  offsets,
  pages,
} from '../../lib/core/connector.ts';
import { MINUTE, span } from '../../lib/core/time.ts';
import type { Random, TransportFailure, WireReply, WireRequest } from '../../lib/pipeline/ports.ts';
import type { Tally } from './tally.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { Weather } from './weather.ts';

/** An API whose records may change while they are read, and which fails in every way that weather allows. */

/** Of an incremental stream, in milliseconds. */
export const LOOKBACK = 10_000;
const Row = z.object({ id: z.int(), version: z.int(), updated: z.iso.datetime() });

/** How the API lists: every kind of paging, and evidence a receipt may claim for it while records move. */
export const KINDS = ['pages', 'endless pages', 'offsets', 'endless offsets', 'cursor', 'keyset', 'links'] as const;
export type Kind = (typeof KINDS)[number];
/** Kinds whose COMPLETE must hold whatever moves. */
export const PROOF: ReadonlySet<Kind> = new Set(['offsets', 'endless offsets', 'cursor', 'keyset']);

export const SECRET = 'S3CR3T-never-to-be-seen';

/** Where sliced streams begin: before the first record was changed. */
const BEGINNING = '2026-11-22T11:40:00.000Z';

/** `bounded`: the API is asked for an upper bound of the window, too. `sliced`: the window is cut. */
export function connectorOf(
  kind: Kind,
  size: number,
  {
    incremental,
    bounded,
    sliced = false,
    limits = [],
  }: { incremental: boolean; bounded: boolean; sliced?: boolean; limits?: readonly Limit[] },
): Connector {
  const start = sliced ? { start: BEGINNING } : {};
  const since = { field: (row: { updated: string }) => row.updated, lookback: '10 seconds', ...start } as const;
  /** The least slice may still be longer than the API lets be read: then it is walked by key. */
  const slices = {
    width: '3 minutes',
    least: '1 second',
    byKey: {
      request: ({ page, window }: { page: { after: string | number | undefined; size: number }; window: Window }) => ({
        path: '/rows',
        query: { after: page.after ?? -1, size, by: 'key', ...range(window) },
      }),
      paging: keyset({ size, after: (last) => last.id, more: (reply) => reply.body.next !== null }),
    },
  } as const;
  const shared = {
    records: (body: { rows: unknown[] }) => body.rows,
    schema: Row,
    key: 'id',
    ...(incremental ? { since } : {}),
    ...(sliced ? { slices } : {}),
  } as const;
  const total = { total: (reply: { body: { total: number } }) => reply.body.total };
  type Window = { from: { millis: number }; to: { millis: number } };
  const range = ({ from, to }: Window) => ({
    from: incremental ? from.millis : undefined,
    to: incremental && bounded ? to.millis : undefined,
  });
  return defineConnector({
    name: 'sim',
    docs: '',
    params: z.object({}),
    baseUrl: 'http://sim.test',
    auth: bearer(),
    limits,
    streams: (stream) => {
      switch (kind) {
        case 'pages':
        case 'endless pages':
          return {
            rows: stream({
              ...shared,
              ...(kind === 'pages' ? total : {}),
              paging: pages({ size }),
              request: ({ page, window }) => ({
                path: '/rows',
                query: { offset: (page.number - 1) * page.size, size, ...range(window) },
              }),
            }),
          };
        case 'offsets':
        case 'endless offsets':
          return {
            rows: stream({
              ...shared,
              ...(kind === 'offsets' ? total : {}),
              paging: offsets({ size }),
              request: ({ page, window }) => ({
                path: '/rows',
                query: { offset: page.offset, size, ...range(window) },
              }),
            }),
          };
        case 'cursor':
          return {
            rows: stream({
              ...shared,
              paging: cursor({ size, next: (reply) => reply.body.next }),
              request: ({ page, window }) => ({ path: '/rows', query: { after: page.cursor, size, ...range(window) } }),
            }),
          };
        case 'keyset':
          return {
            rows: stream({
              ...shared,
              paging: keyset({ size, after: (row) => row.id, more: (reply) => reply.body.next !== null }),
              request: ({ page, window }) => ({ path: '/rows', query: { after: page.after, size, ...range(window) } }),
            }),
          };
        case 'links':
          return {
            rows: stream({
              ...shared,
              paging: links({ size }),
              request: ({ window }) => ({ path: '/rows', query: { size, ...range(window) } }),
            }),
          };
      }
    },
  });
}

export type Row = { readonly id: number; readonly version: number; readonly updated: number };
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
  readonly size: number;
  /** So many records of one listing may be read, and no more, unless it is walked by key. */
  readonly reach?: number | undefined;
  readonly tally: Tally;
};

export function practiceApi({
  time,
  random,
  weather,
  kind: paging,
  count,
  size,
  reach,
  tally,
}: ApiOptions): PracticeApi {
  const offset = (random.number() - 0.5) * 10 * MINUTE;
  const now = (): number => Math.floor(time.now() + offset);
  const lives: Lived[] = [];
  /** In listing order: by id, which new records enter anywhere. */
  let rows: Lived[] = [];
  let made = 0;
  const chance = (rate: number): boolean => rate > 0 && random.number() < rate;

  const enter = (row: Row): Lived => {
    const lived = { ...row, since: time.now(), until: Number.POSITIVE_INFINITY };
    lives.push(lived);
    return lived;
  };
  const make = (id: number, updated: number): Lived => enter({ id, version: made++, updated });
  for (let i = 0; i < count; i++) rows.push(make(i * 1_000, now() - Math.floor(random.number() * 10) * MINUTE));

  function change(): void {
    tally.count('records changed');
    const at = Math.floor(random.number() * (rows.length + 1));
    const found = rows[at];
    const kind = random.number();
    if (found === undefined || kind < 0.4) {
      const [below, above] = [rows[at - 1]?.id ?? -1_000_000, found?.id ?? (rows.at(-1)?.id ?? 0) + 2_000];
      const id = Math.floor((below + above) / 2);
      if (id > below && id < above) rows = rows.toSpliced(at, 0, make(id, now()));
    } else {
      found.until = time.now();
      rows = kind < 0.7 ? rows.toSpliced(at, 1) : rows.toSpliced(at, 1, make(found.id, now()));
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

  function honest(url: URL): WireReply {
    const from = Number(url.searchParams.get('from') ?? 0);
    const to = Number(url.searchParams.get('to') ?? Number.POSITIVE_INFINITY);
    const window = rows.filter(({ updated }) => updated >= from && updated < to);
    const after = url.searchParams.get('after');
    const start =
      after !== null ? window.findIndex(({ id }) => id > Number(after)) : Number(url.searchParams.get('offset') ?? 0);
    if (reach !== undefined && start >= reach && url.searchParams.get('by') !== 'key') {
      tally.count('pages out of reach');
      return reply(400, { message: 'no further' });
    }
    const found = start < 0 ? [] : window.slice(start, start + size);
    const more = start >= 0 && start + size < window.length;
    const next = new URL(url);
    next.searchParams.set('offset', String(start + size));
    const body = {
      rows: found.map(({ id, version, updated }) => ({ id, version, updated: new Date(updated).toISOString() })),
      total: window.length,
      next: more ? String(found.at(-1)?.id) : null,
    };
    return reply(200, body, more ? { link: `<${next.href}>; rel="next"` } : {});
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
      const mark = url.searchParams.get('offset') ?? url.searchParams.get('after') ?? 'first';
      switch (fateOf(mark)) {
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
      const page = honest(url);
      // A lie that nothing in the listing contradicts is nobody's to find: only a total contradicts an empty page.
      const honestly = (paging !== 'pages' && paging !== 'offsets') || page.status !== 200 || !chance(weather.apiLies);
      if (honestly) return { takes, reply: page };
      tally.count('API lies');
      return {
        takes,
        reply: reply(200, { ...JSON.parse(new TextDecoder().decode(page.body)), rows: [] }, page.headers),
      };
    },
  };
}
