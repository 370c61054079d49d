import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { type DateMark, defineConnector, none, one } from '../../../lib/core/connector/connector.ts';
import { HOUR, MINUTE } from '../../../lib/core/time.ts';
import { json, makeWorld } from '../world.ts';

const Row = z.object({ id: z.int(), at: z.string().nullable() });
type Since = DateMark<z.infer<typeof Row>>;

/** What clocks and dates of an API make of its watermark. Each record is there from the first sync on; `asked`: what each sync asked from. */
function apiOf(
  dates: readonly (string | null)[],
  { since = {}, ahead }: { since?: Partial<Since>; ahead?: number } = {},
) {
  const asked: string[] = [];
  const connector = defineConnector({
    ...{ name: 'test', docs: 'none', baseUrl: 'http://api.test', params: z.object({}), auth: none(), limits: [] },
    streams: (stream) => ({
      rows: stream({
        request: ({ window }) => ({ path: '/rows', query: { since: window.from.iso, local: window.from.local } }),
        paging: one(),
        records: (body) => body,
        schema: Row,
        key: 'id',
        since: { field: (row) => row.at, lookback: '5 minutes', ...since },
      }),
    }),
  });
  const world = makeWorld({
    connector,
    api({ query }) {
      asked.push(`${query.get('since')} ${query.get('local')}`);
      const headers = ahead === undefined ? {} : { date: new Date(world.clock.now() + ahead).toUTCString() };
      return json(
        dates.map((at, id) => ({ id, at })),
        headers,
      );
    },
  });
  const sync = async () => {
    world.clock.advance(HOUR);
    const { verdict, mode, records, watermark, warnings } = await world.sync('rows');
    return { verdict, mode, ...records, watermark: watermark.after, warned: warnings.map(({ code }) => code) };
  };
  return { world, sync, asked };
}

const NOON = Date.UTC(2026, 10, 22, 12);
const iso = (millis: number): string => new Date(millis).toISOString();

describe('a date in the future', () => {
  it('is delivered and told, and moves nothing: the highest of the others does', async () => {
    const { sync } = apiOf([iso(NOON - HOUR), '2099-01-01T00:00:00Z']);
    const first = await sync();
    assert.deepEqual([first.verdict, first.delivered, first.watermark], ['COMPLETE', 2, iso(NOON - HOUR)]);
    assert.deepEqual(first.warned, ['future-dates']);
    assert.equal((await sync()).mode, 'incremental');
  });

  it('of an API whose clock is ahead by hours moves nothing either, so that nothing is passed over when it is corrected', async () => {
    const { sync } = apiOf([iso(NOON + 5 * HOUR)], { ahead: 5 * HOUR });
    const { watermark, delivered } = await sync();
    assert.deepEqual([watermark, delivered], [null, 1]);
  });

  it('of what changes while the sync runs is no news', async () => {
    const { sync } = apiOf([iso(NOON - HOUR), iso(NOON + HOUR + MINUTE)]);
    assert.deepEqual((await sync()).warned, []);
  });
});

describe('an API whose clock is behind', () => {
  it('is believed: what it dates after its own clock is asked for again', async () => {
    const { sync } = apiOf([iso(NOON - 4 * HOUR), iso(NOON)], { ahead: -2 * HOUR });
    // The sync starts at 13:00; the API believes that it is 11:00.
    assert.equal((await sync()).watermark, iso(NOON - 4 * HOUR));
  });
});

describe('a record without a date', () => {
  it('is delivered, and does not move the watermark', async () => {
    const { sync } = apiOf([null, iso(NOON - HOUR)]);
    assert.deepEqual(await sync(), {
      ...{ verdict: 'COMPLETE', mode: 'full', fetched: 2, delivered: 2, quarantined: 0, repeated: 0 },
      ...{ watermark: iso(NOON - HOUR), warned: [] },
    });
  });

  it('is told apart from one whose date is none', async () => {
    const { sync } = apiOf(['17', iso(NOON - HOUR)]);
    const { quarantined, watermark } = await sync();
    assert.deepEqual([quarantined, watermark], [1, null], 'half of the records are quarantined: the watermark stays');
  });
});

describe('dates without a zone', () => {
  it('are UTC where none is declared; that is told, and the next window begins an hour earlier', async () => {
    const { sync, asked } = apiOf(['2026-11-22 09:00:00']);
    const { watermark, warned } = await sync();
    assert.deepEqual([watermark, warned], ['2026-11-22T09:00:00.000Z', ['zoneless-dates']]);
    await sync();
    assert.equal(asked.at(-1), '2026-11-22T07:55:00.000Z 2026-11-22T07:55:00');
  });

  it('are of the declared zone, and asked for in it', async () => {
    const { sync, asked } = apiOf(['2026-11-22 04:00:00'], { since: { zone: 'America/New_York' } });
    const { watermark, warned } = await sync();
    assert.deepEqual([watermark, warned], ['2026-11-22T09:00:00.000Z', []]);
    await sync();
    assert.equal(asked.at(-1), '2026-11-22T08:55:00.000Z 2026-11-22T03:55:00');
  });

  it('in the hour that local time repeats are asked for from its first pass on', async () => {
    // On 1 November 2026, clocks in New York went from 2:00 EDT back to 1:00 EST.
    const { sync, asked } = apiOf(['2026-11-01 01:50:00'], { since: { zone: 'America/New_York' } });
    assert.equal((await sync()).watermark, '2026-11-01T05:50:00.000Z', 'the earlier of the two');
    await sync();
    assert.equal(asked.at(-1), '2026-11-01T05:45:00.000Z 2026-11-01T01:00:00');
  });
});

describe('a start in the future', () => {
  it('is not used: the first window begins as without one', async () => {
    const { sync, asked } = apiOf([iso(NOON - HOUR)], { since: { start: '2030-01-01T00:00:00Z' } });
    assert.equal((await sync()).watermark, iso(NOON - HOUR));
    assert.match(asked[0] ?? '', /^1970-01-02T00:00:00\.000Z/);
  });
});

describe('a watermark in the future', () => {
  it('that an earlier version committed is not used, and replaced', async () => {
    const { world, sync } = apiOf([iso(NOON - HOUR)]);
    await sync();
    const key = { pk: 'test/main#rows', sk: 'STREAM' };
    await world.syncs.update(key, { set: { watermark: '2036-01-01T00:00:00.000Z' } });
    const next = await sync();
    assert.equal(next.mode, 'full');
    assert.equal((await sync()).mode, 'incremental');
  });
});
