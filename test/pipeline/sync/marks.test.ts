import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { cursor, defineConnector, none, type Since, type Stream } from '../../../lib/core/connector/connector.ts';
import { HOUR } from '../../../lib/core/time.ts';
import { type Api, json, makeWorld, type World } from '../world.ts';

/** A list of changes, each with its number, asked from a number or a token on, in pages of three. */
const SIZE = 3;
const Change = z.object({ id: z.int(), revision: z.int().nullable() });
type Journal = {
  changes: { id: number; revision: number | null }[];
  known: (token: string) => boolean;
  asked: string[];
};

const journalOf = (count: number): Journal => ({
  changes: Array.from({ length: count }, (_, index) => ({ id: index, revision: index + 1 })),
  known: () => true,
  asked: [],
});

const answer =
  (journal: Journal): Api =>
  ({ query }) => {
    const [from, at] = [query.get('from'), Number(query.get('at') ?? 0)];
    journal.asked.push(`${from ?? '-'}/${at}`);
    if (from !== null && !journal.known(from)) return { ...json({ error: 'resync' }), status: 410 };
    const rest = journal.changes.filter(({ revision }) => revision === null || revision > Number(from ?? 0)).slice(at);
    const last = rest.length <= SIZE;
    return json({
      rows: rest.slice(0, SIZE),
      next: last ? null : String(at + SIZE),
      ...(last ? { token: String(journal.changes.length) } : {}),
    });
  };

const connectorOf = (since: Since<{ revision: number | null }>, by: 'number' | 'token', more: Partial<Stream> = {}) =>
  defineConnector({
    ...{ name: 'test', docs: 'none', baseUrl: 'http://api.test', params: z.object({}), auth: none(), limits: [] },
    errors: [{ is: 'restart', when: (reply) => reply.status === 410, because: 'the token is too old' }],
    streams: (stream) => ({
      rows: stream({
        request: ({ page, window }) => ({ path: '/changes', query: { from: window[by], at: page.cursor } }),
        paging: cursor({ size: SIZE, next: ({ body }) => body.next }),
        order: 'by key',
        records: (body) => body.rows,
        schema: Change,
        key: 'id',
        since,
        ...more,
      }),
    }),
  });

const byNumber = connectorOf({ number: (change) => change.revision }, 'number');
const byToken = connectorOf({ token: ({ body }) => body.token }, 'token');

const dated = connectorOf(
  {
    field: ({ revision }) => new Date(Date.UTC(2026, 10, 1, 0, 0, revision ?? 0)).toISOString(),
    lookback: '0 seconds',
  },
  'number',
  { request: ({ page, window }) => ({ path: '/changes', query: { after: window.from.iso, at: page.cursor } }) },
);

const worldOf = (connector: typeof byNumber, journal: Journal) => {
  const world = makeWorld({ connector, api: answer(journal) });
  return {
    ...world,
    /** The next sync, as the receipt tells it. */
    async next(asked?: string) {
      world.clock.advance(HOUR);
      journal.asked.length = 0;
      const { verdict, mode, records, watermark } = await world.sync('rows', asked);
      return [verdict, mode, records.delivered, watermark.before, watermark.after];
    },
  };
};

for (const [name, connector] of [
  ['number', byNumber],
  ['token', byToken],
] as const)
  describe(`what is new is told by a ${name}`, () => {
    it('the first sync gets everything, the next one what came after it', async () => {
      const journal = journalOf(7);
      const { next } = worldOf(connector, journal);
      assert.deepEqual(await next(), ['COMPLETE', 'full', 7, null, '7']);
      assert.deepEqual(await next(), ['COMPLETE', 'incremental', 0, '7', '7']);
      journal.changes.push({ id: 7, revision: 8 }, { id: 0, revision: 9 });
      assert.deepEqual(await next(), ['COMPLETE', 'incremental', 2, '7', '9']);
      assert.deepEqual(journal.asked.slice(0, 1), ['7/0']);
    });

    it('everything can be asked for again', async () => {
      const { next } = worldOf(connector, journalOf(4));
      await next();
      assert.deepEqual(await next('full'), ['COMPLETE', 'full', 4, '4', '4']);
    });

    it('a sync that lacks something commits nothing', async () => {
      const journal = journalOf(7);
      const { next } = worldOf(connector, journal);
      await next();
      journal.changes.push(...journalOf(20).changes.slice(7));
      const whole = answer(journal);
      const broken = makeWorld({
        connector,
        api: (request) => (request.query.get('at') === '6' ? { ...json({}), status: 403 } : whole(request)),
      });
      const receipt = await broken.sync('rows');
      assert.deepEqual([receipt.verdict, receipt.watermark.after], ['INCOMPLETE', null]);
    });

    it('the mark of another kind means nothing, and is replaced', async () => {
      const journal = journalOf(4);
      let deployed: typeof byNumber = dated;
      const world = makeWorld({
        connector,
        api: answer(journal),
        deployed: () => ({ connector: deployed, version: 1 }),
      });
      const next = async () => {
        world.clock.advance(HOUR);
        const { mode, watermark } = await world.sync('rows');
        return [mode, watermark.before];
      };
      const [date, mark] = ['2026-11-01T00:00:04.000Z', '4'];
      for (const [each, before] of [
        [dated, date],
        [connector, mark],
        [connector === byNumber ? byToken : byNumber, mark],
        [connector, mark],
        [dated, date],
      ] as const) {
        deployed = each;
        assert.deepEqual(await next(), ['full', null]);
        assert.deepEqual(await next(), ['incremental', before]);
      }
    });
  });

describe('a number', () => {
  it('is not moved by a record that has none, and quarantines one that cannot be compared', async () => {
    const journal = journalOf(3);
    journal.changes.push({ id: 8, revision: null });
    const { next } = worldOf(byNumber, journal);
    assert.deepEqual(await next(), ['COMPLETE', 'full', 4, null, '3']);
    const odd = connectorOf({ number: ({ revision }) => (revision === 2 ? 1.5 : revision) }, 'number');
    const receipt = await makeWorld({ connector: odd, api: answer(journalOf(3)) }).sync('rows');
    assert.deepEqual([receipt.records.quarantined, receipt.watermark.after], [1, null]);
  });
});

describe('a token', () => {
  it('that the API no longer knows lets the sync ask for everything', async () => {
    const journal = journalOf(7);
    const { next } = worldOf(byToken, journal);
    await next();
    journal.known = (token) => token !== '7';
    journal.changes.push({ id: 9, revision: 8 });
    assert.deepEqual(await next(), ['COMPLETE', 'full', 8, '7', '8']);
    assert.deepEqual(journal.asked, ['7/0', '-/0', '-/3', '-/6']);
    assert.deepEqual(await next(), ['COMPLETE', 'incremental', 0, '8', '8']);
  });

  it('that cannot be read sets the last page aside, and says why', async () => {
    const connector = connectorOf({ token: ({ body }) => body.token.missing.here }, 'token');
    const receipt = await makeWorld({ connector, api: answer(journalOf(2)) }).sync('rows');
    assert.deepEqual([receipt.verdict, receipt.reasons[0]?.code], ['INCOMPLETE', 'bad-token']);
  });
});

it('an old sync that is completed late sets nothing back', async () => {
  for (const connector of [byNumber, byToken]) {
    const journal = journalOf(5);
    let [broken, stands] = [true, false];
    const whole = answer(journal);
    const world: World = makeWorld({
      connector,
      api: (request) => (broken && request.query.get('at') === '3' ? json({}, {}, 422) : whole(request)),
      metered: (table) => ({
        ...table,
        async update(key, change, when) {
          if (stands && change.set?.watermark !== undefined) {
            // Before it commits, others begin and end a later sync.
            stands = false;
            journal.changes.push({ id: 5, revision: 6 });
            const at = new Date(world.clock.now()).toISOString();
            await world.queue.send([{ task: { v: 1, kind: 'tick', stream: 'rows', at }, group: 'main' }]);
            while (await world.workOnce());
          }
          return table.update(key, change, when);
        },
      }),
    });
    const first = await world.sync('rows');
    assert.deepEqual([first.verdict, first.watermark.after], ['INCOMPLETE', null]);
    [broken, stands] = [false, true];
    assert.ok((await world.sendBack()) > 0);
    world.clock.advance(HOUR);
    await world.settle();
    const marks = world.receipts().map(({ revision, watermark }) => `${revision}: ${watermark.after}`);
    assert.deepEqual(marks.toSorted(), ['1: 6', '1: null', '2: 5']);
    world.clock.advance(HOUR);
    assert.equal((await world.sync('rows')).watermark.before, '6');
  }
});
