import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { cursor, keyset, one } from '../../../lib/core/connector/connector.ts';
import { HOUR } from '../../../lib/core/time.ts';
import { connectorOf, honest, kinds, numbered, Row, rows } from '../kinds.ts';
import { json, makeWorld } from '../world.ts';

for (const [kind, { connector, evidence }] of Object.entries(kinds)) {
  describe(kind, () => {
    for (const count of [0, 1, 9, 10, 11, 90, 91, 100, 1_275, 3_001]) {
      it(`${count} records: COMPLETE, each delivered once`, async () => {
        const world = makeWorld({ connector, api: honest(rows(count)) });
        const receipt = await world.sync('rows');
        assert.deepEqual(receipt.reasons, []);
        assert.equal(receipt.verdict, 'COMPLETE');
        assert.equal(receipt.evidence, evidence);
        assert.equal(receipt.records.delivered, count);
        const ids = world.delivered(receipt).map((row) => Reflect.get(Object(row), 'id'));
        assert.deepEqual(
          ids.sort((a, b) => a - b),
          rows(count).map(({ id }) => id),
        );
        assert.equal(receipt.requests.sent, world.http.requests.length);
        assert.equal(world.events.published.length, 1);
      });
    }
  });
}

it('the end of a listing in as many blocks as pages takes no more reads the longer it is', async () => {
  const { connector } = kinds['offsets without a total'];
  const readsAtTheEnd = async (pages: number): Promise<number> => {
    let [reads, most] = [0, 0];
    const world = makeWorld({
      connector: { ...connector, limits: () => [{ requests: 1, per: '10 seconds' }] },
      api(request) {
        reads = 0;
        return honest(rows(9 * pages))(request);
      },
      metered: (table) => ({
        ...table,
        get(key) {
          most = Math.max(most, ++reads);
          return table.get(key);
        },
      }),
    });
    const { verdict } = await world.sync('rows');
    assert.equal(verdict, 'COMPLETE');
    return most;
  };
  const reads = await readsAtTheEnd(80);
  assert.ok(reads < 20, `${reads} reads`);
});

it('pages without a total or an end are UNKNOWN: the end is only inferred', async () => {
  const world = makeWorld({ connector: numbered(false), api: honest(rows(345)) });
  const receipt = await world.sync('rows');
  assert.equal(receipt.verdict, 'UNKNOWN');
  assert.deepEqual(
    receipt.reasons.map(({ code }) => code),
    ['end-inferred'],
  );
  assert.equal(receipt.records.delivered, 345);
});

it('one: the whole listing is one answer', async () => {
  const connector = connectorOf((stream) =>
    stream({ request: () => ({ path: '/rows' }), paging: one(), records: (body) => body, schema: Row, key: 'id' }),
  );
  const world = makeWorld({ connector, api: () => json(rows(7)) });
  const receipt = await world.sync('rows');
  assert.equal(receipt.verdict, 'COMPLETE');
  assert.equal(receipt.records.delivered, 7);
  assert.equal(world.http.requests.length, 1);
});

describe('an API that lies', () => {
  it('an empty page in the middle is no end: INCOMPLETE, and the page is named', async () => {
    const all = honest(rows(100));
    const world = makeWorld({
      connector: numbered(true),
      api: (request) => (request.query.get('page') === '3' ? json({ rows: [], total: 100 }) : all(request)),
    });
    const receipt = await world.sync('rows');
    assert.equal(receipt.verdict, 'INCOMPLETE');
    assert.deepEqual(receipt.reasons.find(({ code }) => code === 'empty-page')?.pages, [3]);
    assert.equal(receipt.records.delivered, 90);
    assert.equal(receipt.pages.failed, 1);
    assert.deepEqual(receipt.requests, { sent: 14, throttled: 0, retried: 4 });
    assert.equal(world.failures.receive(10).length, 1);
  });

  it('an empty page that heals costs nothing but a retry', async () => {
    const all = honest(rows(100));
    let lies = 2;
    const world = makeWorld({
      connector: numbered(true),
      api: (request) =>
        request.query.get('page') === '3' && lies-- > 0 ? json({ rows: [], total: 100 }) : all(request),
    });
    const receipt = await world.sync('rows');
    assert.equal(receipt.verdict, 'COMPLETE');
    assert.deepEqual(receipt.requests, { sent: 22, throttled: 0, retried: 2 });
  });

  it('a total that is too high is a count that does not agree', async () => {
    const world = makeWorld({
      connector: numbered(true),
      api: (request) => {
        const number = Number(request.query.get('page'));
        return json({
          rows: number === 10 ? rows(5) : rows(10).map(({ id }) => ({ id: number * 10 + id })),
          total: 100,
        });
      },
    });
    const receipt = await world.sync('rows');
    assert.equal(receipt.verdict, 'INCOMPLETE');
    assert.deepEqual(
      receipt.reasons.map(({ code }) => code),
      ['count'],
    );
  });

  it('a total that nobody counted does not have pages asked for until the deadline', async () => {
    for (const kind of ['pages with a total', 'offsets with a total'] as const) {
      const all = honest(rows(250));
      const world = makeWorld({
        connector: kinds[kind].connector,
        api(request) {
          const body = JSON.parse(new TextDecoder().decode(Object(all(request)).body));
          return json({ ...body, total: 2 ** 31 - 1 });
        },
      });
      const receipt = await world.sync('rows');
      assert.deepEqual([receipt.verdict, receipt.records.delivered], ['INCOMPLETE', 250]);
      const codes = new Set(receipt.reasons.map(({ code }) => code));
      assert.ok(codes.has('empty-page') && codes.has('cut-short') && codes.has('count'), [...codes].join());
      assert.ok(receipt.pages.planned < 1_000, `${receipt.pages.planned} pages`);
      assert.equal(receipt.pages.planned, receipt.pages.fetched + receipt.pages.failed);
    }
  });

  it('a cursor that comes back is a loop, not a sync without end', async () => {
    const { connector } = kinds.cursor;
    const world = makeWorld({
      connector,
      api: ({ query }) => json({ rows: rows(10), next: (Number(query.get('cursor') ?? 0) % 5) + 1 }),
    });
    const receipt = await world.sync('rows');
    assert.equal(receipt.verdict, 'INCOMPLETE');
    assert.deepEqual(
      receipt.reasons.map(({ code }) => code),
      ['loop', 'cut-short'],
    );
    assert.ok(world.http.requests.length < 20);
  });

  for (const status of [410, 204]) {
    it(`a page that says of itself that nothing is here (${status}), although the one before led to it, is no end`, async () => {
      const { connector } = kinds.cursor;
      const errors = [
        { when: (reply: { status: number }) => reply.status === 410, is: 'empty', because: 'gone' },
      ] as const;
      for (const [times, verdict, records] of [
        [1, 'COMPLETE', 30],
        [9, 'INCOMPLETE', 10],
      ] as const) {
        let lies: number = times;
        const world = makeWorld({
          connector: { ...connector, errors },
          api: ({ query }) => {
            const cursor = Number(query.get('cursor') ?? 0);
            if (cursor === 1 && lies-- > 0) return json({}, {}, status);
            const page = rows(10).map(({ id }) => ({ id: cursor * 10 + id }));
            return json({ rows: page, next: cursor < 2 ? cursor + 1 : null });
          },
        });
        const receipt = await world.sync('rows');
        assert.deepEqual([receipt.verdict, receipt.records.delivered], [verdict, records]);
        const codes = receipt.reasons.map(({ code }) => code);
        assert.deepEqual(codes, verdict === 'COMPLETE' ? [] : ['empty-page', 'cut-short']);
      }
    });
  }

  it('a first page of a cursor with the status 204 is a listing of nothing', async () => {
    const world = makeWorld({ connector: kinds.cursor.connector, api: () => json({}, {}, 204) });
    const receipt = await world.sync('rows');
    assert.deepEqual([receipt.verdict, receipt.reasons, receipt.records.delivered], ['COMPLETE', [], 0]);
  });

  for (const records of [1, 10]) {
    it(`a first page (${records} records) that comes again by ever new cursors is not walked until the deadline`, async () => {
      let next = 0;
      const world = makeWorld({
        connector: kinds.cursor.connector,
        api: () => json({ rows: rows(records), next: `opaque-${next++}` }),
      });
      const receipt = await world.sync('rows');
      assert.equal(receipt.verdict, 'INCOMPLETE');
      assert.deepEqual(
        receipt.reasons.map(({ code }) => code),
        ['loop', 'cut-short'],
      );
      assert.equal(world.http.requests.length, 3);
    });
  }

  it('a first page that comes again, where each is committed before the next one is asked for', async () => {
    let next = 0;
    const world = makeWorld({
      connector: { ...kinds.cursor.connector, limits: () => [{ requests: 1, per: '1 minute' }] },
      api: () => json({ rows: rows(10), next: `opaque-${next++}` }),
    });
    const receipt = await world.sync('rows');
    assert.deepEqual([receipt.verdict, world.http.requests.length], ['INCOMPLETE', 3]);
  });

  for (const [word, says] of Object.entries({
    has_more: true,
    hasNextPage: true,
    isLast: false,
    end_of_stream: false,
  })) {
    it(`a page that says that there is more ("${word}": ${says}), but not what leads there, is no end`, async () => {
      let forgets = 1;
      const all = honest(rows(30));
      const world = makeWorld({
        connector: kinds.cursor.connector,
        api(request) {
          const body = JSON.parse(new TextDecoder().decode(Object(all(request)).body));
          const more = body.next !== null;
          if (request.query.get('cursor') === '10' && forgets-- > 0) delete body.next;
          return json({ ...body, meta: { page: { [word]: says === more } } });
        },
      });
      const healed = await world.sync('rows');
      assert.deepEqual([healed.verdict, healed.records.delivered, healed.requests.retried], ['COMPLETE', 30, 1]);
      forgets = 100;
      const receipt = await world.sync('rows');
      assert.deepEqual(
        [receipt.verdict, receipt.reasons.map(({ code }) => code)],
        ['INCOMPLETE', ['stuck', 'cut-short']],
      );
    });
  }

  for (const inclusive of [true, false]) {
    const verdict = inclusive ? 'COMPLETE' : 'INCOMPLETE';
    it(`a keyset by a value that several records share is ${verdict}, where pages begin ${inclusive ? 'with' : 'behind'} it`, async () => {
      const Dated = z.object({ id: z.int(), at: z.int() });
      const connector = connectorOf((stream) =>
        stream({
          request: ({ page }) => ({ path: '/rows', query: { after: page.after } }),
          paging: keyset({ size: 4, after: (last) => last.at, more: (reply) => reply.body.more }),
          records: (body) => body.rows,
          schema: Dated,
          key: 'id',
        }),
      );
      const all = rows(10).map(({ id }) => ({ id, at: Math.floor(id / 3) }));
      const world = makeWorld({
        connector,
        api({ query }) {
          const after = Number(query.get('after') ?? -1);
          const found = all.filter(({ at }) => (inclusive ? at >= after : at > after));
          return json({ rows: found.slice(0, 4), more: found.length > 4 });
        },
      });
      const receipt = await world.sync('rows');
      assert.deepEqual(
        [receipt.verdict, receipt.reasons.map(({ code }) => code)],
        [verdict, inclusive ? [] : ['tie', 'cut-short']],
      );
      const ids = new Set(world.delivered(receipt).map((row) => Reflect.get(Object(row), 'id')));
      assert.equal(ids.size, inclusive ? 10 : 4);
    });
  }

  it('204 where records must be is asked for again', async () => {
    const all = honest(rows(100));
    let lies = 2;
    const world = makeWorld({
      connector: numbered(true),
      api: (request) => (request.query.get('page') === '3' && lies-- > 0 ? json({}, {}, 204) : all(request)),
    });
    const receipt = await world.sync('rows');
    assert.deepEqual([receipt.verdict, receipt.requests.retried], ['COMPLETE', 2]);
  });

  /** Lists rows by cursor; the third page has none the first `times` times that it is asked for. */
  const holed = (times: number, sparse: boolean) => {
    const paging = cursor({ size: 10, next: (reply) => reply.body.next, sparse });
    const { rows: stream } = kinds.cursor.connector.streams;
    assert.ok(stream);
    return makeWorld({
      connector: { ...kinds.cursor.connector, streams: { rows: { ...stream, paging } } },
      api: ({ query }) => {
        const start = Number(query.get('cursor') ?? 0);
        const found = start === 20 && times-- > 0 ? [] : rows(50).slice(start, start + 10);
        return json({ rows: found, next: start < 40 ? start + 10 : null });
      },
    });
  };

  it('a page by cursor that is empty, and leads on, is asked for once more', async () => {
    const receipt = await holed(1, false).sync('rows');
    assert.deepEqual([receipt.verdict, receipt.records.delivered, receipt.requests.retried], ['COMPLETE', 50, 1]);
  });

  it('one that stays empty is a hole, and what lies behind it is delivered', async () => {
    const receipt = await holed(Number.POSITIVE_INFINITY, false).sync('rows');
    assert.deepEqual([receipt.verdict, receipt.records.delivered, receipt.requests.retried], ['INCOMPLETE', 40, 1]);
    assert.deepEqual(
      receipt.reasons.map(({ code, pages }) => [code, pages]),
      [['empty-page', [3]]],
    );
  });

  it('holes without end, by ever new cursors, are not followed until the deadline', async () => {
    let next = 0;
    const world = makeWorld({
      connector: kinds.cursor.connector,
      api: () => json({ rows: [], next: `opaque-${next++}` }),
    });
    const receipt = await world.sync('rows');
    const codes = receipt.reasons.map(({ code }) => code);
    assert.deepEqual([receipt.verdict, codes], ['INCOMPLETE', ['loop', 'cut-short']]);
    assert.ok(next <= 200, `${next} requests`);
  });

  it('of a listing that has such pages it is none', async () => {
    const receipt = await holed(Number.POSITIVE_INFINITY, true).sync('rows');
    assert.deepEqual([receipt.verdict, receipt.evidence], ['COMPLETE', 'end']);
    assert.deepEqual([receipt.records.delivered, receipt.requests.retried], [40, 0]);
  });

  it('a next link to another origin is not followed', async () => {
    const world = makeWorld({
      connector: kinds.links.connector,
      api: () => json({ rows: rows(10) }, { link: '<http://evil.test/rows>; rel="next"' }),
    });
    const receipt = await world.sync('rows');
    assert.deepEqual(
      receipt.reasons.map(({ code }) => code),
      ['stuck', 'cut-short'],
    );
    assert.equal(world.http.requests.length, 1);
  });

  it('an API that cannot be reached for longer than an outage may last ends INCOMPLETE, and says so', async () => {
    const world = makeWorld({
      connector: numbered(true),
      api: () => ({ failed: 'unreachable', message: 'connection refused' }),
    });
    const receipt = await world.sync('rows');
    assert.equal(receipt.verdict, 'INCOMPLETE');
    assert.deepEqual(receipt.reasons[0], { code: 'unreachable', message: 'connection refused', pages: [1] });
    const took = Date.parse(receipt.finishedAt) - Date.parse(receipt.startedAt);
    assert.ok(took > HOUR, `${took} ms`);
    // Ever more seldom: 2 s, 4 s, … 15 minutes.
    assert.ok(world.http.requests.length < 25, `${world.http.requests.length} requests`);
  });
});
