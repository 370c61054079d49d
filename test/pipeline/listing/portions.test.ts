import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { defineConnector, job, none, one } from '../../../lib/core/connector/connector.ts';
import { PORTION_BYTES } from '../../../lib/core/response/body.ts';
import { csv, jsonLines, text } from '../../../lib/readers/index.ts';
import { type Api, json, makeWorld, type WorldOptions } from '../world.ts';

const about = {
  name: 'test',
  docs: 'none',
  baseUrl: 'http://api.test',
  params: z.object({}),
  auth: none(),
  limits: [],
};
const NOTE = 'n'.repeat(900);

/** A listing in one response, of rows. */
const inOne = (read: ReturnType<typeof text>) =>
  defineConnector({
    ...about,
    streams: (stream) => ({
      rows: stream({
        ...{ request: () => ({ path: '/rows' }), paging: one(), read, records: (rows) => rows },
        ...{
          total: (reply) => Number(reply.header('x-total')),
          schema: z.looseObject({ id: z.coerce.number() }),
          key: 'id',
        },
      }),
    }),
  });

const FORMS = {
  'JSON lines': {
    connector: inOne(jsonLines()),
    body: (count: number) =>
      Array.from({ length: count }, (_, id) => `${JSON.stringify({ id, note: NOTE })}\n`).join(''),
  },
  'CSV with line breaks in quotes': {
    connector: inOne(csv({ columns: ['id', 'note'] })),
    body: (count: number) =>
      `id,note\r\n${Array.from({ length: count }, (_, id) => `${id},"${NOTE}\r\n""${id}"""\r\n`).join('')}`,
  },
  'CSV without a header': {
    connector: inOne(csv({ columns: ['id', 'note'], header: false })),
    body: (count: number) => Array.from({ length: count }, (_, id) => `${id},${NOTE}\n`).join(''),
  },
};

/** Rows of three portions and a little. */
const ROWS = Math.ceil((3.2 * PORTION_BYTES) / 920);
/** Of the calls at which a reader may die, every so many. */
const EVERY = 7;
const sheet = (body: string, total: number) => ({
  ...{ status: 200, headers: { 'x-total': String(total) }, body: new TextEncoder().encode(body) },
});

const idsIn = (records: readonly unknown[]): number[] =>
  records.map((record) => Number(Reflect.get(Object(record), 'id'))).sort((a, b) => a - b);
const ALL = Array.from({ length: ROWS }, (_, id) => id);

for (const [title, { connector, body }] of Object.entries(FORMS))
  describe(`a large body: ${title}`, () => {
    const whole = body(ROWS);
    const sync = async (api: Api, options: Partial<WorldOptions> = {}) => {
      const world = makeWorld({ connector, api, ...options });
      const receipt = await world.sync('rows');
      return { world, receipt, ids: idsIn(world.delivered(receipt)) };
    };

    it('is asked for once, and delivered in several parts', async () => {
      const { receipt, ids, world } = await sync(() => sheet(whole, ROWS));
      assert.deepEqual([receipt.verdict, receipt.evidence, receipt.reasons], ['COMPLETE', 'count', []]);
      assert.deepEqual(ids, ALL);
      assert.equal(world.http.requests.length, 1);
      assert.ok(receipt.pages.fetched >= 3);
      assert.ok(world.readLines(receipt.manifest).length >= 2);
    });

    it('whose reader dies is asked for again, and goes on where it was committed', async () => {
      const clean = await sync(() => sheet(whole, ROWS));
      let again = 0;
      for (let call = 8; call <= clean.world.calls(); call += EVERY) {
        const { receipt, ids, world } = await sync(() => sheet(whole, ROWS), { death: { call, moment: 'after' } });
        assert.deepEqual([receipt.verdict, receipt.reasons], ['COMPLETE', []], `call ${call}`);
        assert.deepEqual(ids, ALL, `call ${call}`);
        again += world.http.requests.length - 1;
      }
      assert.ok(again > 0);
    });

    it('that is another one when it is asked for again is read from its beginning', async () => {
      const clean = await sync(() => sheet(whole, ROWS));
      const other = whole.replace('nn', 'mm');
      let replaced = 0;
      for (let call = 8; call <= clean.world.calls(); call += EVERY) {
        let asked = 0;
        const api: Api = () => sheet(asked++ === 0 ? whole : other, ROWS);
        const { receipt, ids, world } = await sync(api, { death: { call, moment: 'after' } });
        assert.equal(receipt.verdict, 'COMPLETE', `call ${call}: ${JSON.stringify(receipt.reasons)}`);
        assert.deepEqual(ids, ALL, `call ${call}`);
        if (world.log.lines.some(({ message }) => message === 'listing begun again')) replaced += 1;
      }
      assert.ok(replaced > 0);
    });

    it('that breaks in the middle lacks what follows, and says so', async () => {
      const broken = title === 'JSON lines' ? `${whole}{"id":` : `${whole}7,"open`;
      const { receipt } = await sync(() => sheet(broken, ROWS));
      assert.equal(receipt.verdict, 'INCOMPLETE');
      assert.equal(receipt.reasons[0]?.code, 'unreadable');
      assert.match(
        receipt.reasons[0]?.message ?? '',
        /^after byte \d{7,} of the body: HTTP 200: the body cannot be read: /,
      );
      assert.ok(receipt.records.delivered > 0);
    });
  });

describe('a large file of a job', () => {
  const connector = defineConnector({
    ...about,
    streams: (stream) => ({
      rows: stream({
        request: ({ page }) => ({ path: `/jobs/${page.job ?? ''}` }),
        paging: job({
          start: (reply) => reply.body.id,
          ready: () => true,
          files: () => ['http://files.test/1', 'http://files.test/2'],
        }),
        ...{ read: jsonLines(), records: (rows) => rows, schema: z.looseObject({ id: z.int() }), key: 'id' },
      }),
    }),
  });
  const lines = FORMS['JSON lines'].body(ROWS).split('\n');
  const file = (odd: number): string => lines.filter((_, at) => at % 2 === odd).join('\n');
  const api: Api = ({ url }) =>
    url.startsWith('http://files.test') ? sheet(file(url.endsWith('1') ? 1 : 0), 0) : json({ id: 'a' });

  it('is read in portions, whichever call its reader dies at', async () => {
    const clean = makeWorld({ connector, api });
    const receipt = await clean.sync('rows');
    assert.deepEqual([receipt.verdict, receipt.evidence, receipt.reasons], ['COMPLETE', 'end', []]);
    assert.deepEqual(idsIn(clean.delivered(receipt)), ALL);
    for (let call = 20; call <= clean.calls(); call += EVERY) {
      const world = makeWorld({ connector, api, death: { call, moment: 'before' } });
      const again = await world.sync('rows');
      assert.deepEqual([again.verdict, again.reasons], ['COMPLETE', []], `call ${call}`);
      assert.deepEqual(idsIn(world.delivered(again)), ALL, `call ${call}`);
    }
  });
});

it('a body that is read as a whole has a smaller bound', () => {
  const declare = (read: ReturnType<typeof text>, largest: number) => () =>
    defineConnector({
      ...about,
      streams: (stream) => ({
        rows: stream({
          ...{ request: () => ({ path: '/rows' }), paging: one(), read, records: (rows) => rows, largest },
          ...{ schema: z.looseObject({ id: z.int() }), key: 'id' },
        }),
      }),
    });
  assert.doesNotThrow(declare(jsonLines(), 200_000_000));
  assert.throws(
    declare(text(), 200_000_000),
    /"largest" must be at most 134217728 \(128 MiB\), but for rows of csv\(\)/,
  );
  assert.throws(declare(jsonLines(), 300_000_000), /must be at most 268435456 \(256 MiB\)/);
});
