import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { bearer, defineConnector, job, one } from '../../../lib/core/connector/connector.ts';
import { DAY, MINUTE } from '../../../lib/core/time.ts';
import { csv } from '../../../lib/readers/index.ts';
import { type Api, json, makeWorld, type WorldOptions } from '../world.ts';

/** Reports of an API whose files lie with somebody else. */
const reports = (slices = false) =>
  defineConnector({
    ...{ name: 'test', docs: 'none', baseUrl: 'https://api.test/v1', params: z.object({}), auth: bearer(), limits: [] },
    errors: [
      { when: (reply) => reply.body?.status === 'FAILED', is: 'failure', because: 'the report could not be made' },
      { when: (reply) => reply.body?.status === 'CANCELLED', is: 'restart', because: 'the report was cancelled' },
      { when: (reply) => reply.body?.status === 'NO DATA', is: 'empty', because: 'nothing in this window' },
    ],
    streams: (stream) => ({
      rows: stream({
        request: ({ page, window }) =>
          page.job === undefined
            ? { path: '/reports', method: 'POST', json: { from: window.from.iso, to: window.to.iso } }
            : { path: `/reports/${page.job}` },
        paging: job({
          start: (reply) => reply.body.id,
          ready: (reply) => reply.body.status === 'DONE',
          files: (reply) => reply.body.urls,
          every: '20 seconds',
        }),
        read: csv({ columns: ['id'] }),
        records: (lines) => lines,
        schema: z.object({ id: z.string() }),
        key: 'id',
        ...(slices
          ? {
              since: { field: () => '2026-11-21T00:00:00Z', lookback: '1 minute', start: '2026-11-20T00:00:00Z' },
              slices: { width: '1 day', least: '1 day' },
            }
          : {}),
      }),
    }),
  });

const FILES = 3;
const ROWS = 4;
const idsOf = (name: string): string[] => Array.from({ length: ROWS }, (_, row) => `${name}-${row}`);
const sheet = (body: string, status = 200) => ({
  ...{ status, headers: { 'content-type': 'text/csv' }, body: new TextEncoder().encode(body) },
});

type Twist = { readonly status?: (poll: number) => string; readonly life?: number; readonly files?: number };

/** Makes reports of some files each, ready at the third question. A URL is good for `life` requests to its host. */
function maker({ status = (poll) => (poll < 3 ? 'RUNNING' : 'DONE'), life = 100, files = FILES }: Twist = {}) {
  const made: { polls: number }[] = [];
  const started: string[] = [];
  const strangers: { url: string; headers: Readonly<Record<string, string>> }[] = [];
  let signed = 0;
  const api: Api = ({ url, path, method, headers, query, body }) => {
    if (url.startsWith('https://files.test/')) {
      strangers.push({ url, headers });
      const expired = signed - Number(query.get('signature')?.slice(10)) >= life;
      signed += 1;
      return expired ? sheet('<Error>expired</Error>', 403) : sheet(`id\n${idsOf(path.slice(1)).join('\n')}\n`);
    }
    assert.equal(headers.authorization, 'Bearer t');
    if (method === 'POST') {
      started.push(body ?? '');
      return json({ id: made.push({ polls: 0 }) }, {}, 202);
    }
    const id = Number(path.split('/').at(-1));
    const report = made[id - 1];
    if (report === undefined) return json({}, {}, 404);
    report.polls += 1;
    const urls = Array.from(
      { length: files },
      (_, at) => `https://files.test/${id}-${at}?signature=0123456789${signed}`,
    );
    return json({ status: status(report.polls), urls });
  };
  return { api, made, started, strangers };
}

const run = async (twist: Twist = {}, options: Partial<WorldOptions> = {}) => {
  const maker_ = maker(twist);
  const world = makeWorld({ connector: reports(), api: maker_.api, ...options });
  const receipt = await world.sync('rows');
  const ids = world
    .delivered(receipt)
    .map((row) => String(Reflect.get(Object(row), 'id')))
    .sort();
  return { ...maker_, world, receipt, ids };
};

const whole = (jobs = 1): string[] =>
  Array.from({ length: jobs }, (_, at) => Array.from({ length: FILES }, (_, file) => idsOf(`${at + 1}-${file}`)))
    .flat(2)
    .sort();

describe('a job', () => {
  it('is started once, waited for without an attempt, and its files are delivered', async () => {
    const { receipt, ids, made, strangers } = await run();
    assert.deepEqual(receipt.reasons, []);
    assert.equal(receipt.verdict, 'COMPLETE');
    assert.deepEqual(ids, whole());
    assert.equal(receipt.evidence, 'end');
    assert.equal(made.length, 1);
    assert.equal(strangers.length, FILES);
    assert.equal(receipt.requests.retried, 0);
  });

  it('is started once, though its worker dies while it is asked for', async () => {
    const { receipt, made } = await run({}, { death: { request: 2 } });
    assert.equal(receipt.verdict, 'COMPLETE');
    assert.equal(made.length, 1);
  });

  it('tells no credential to who keeps its files, and no URL of them to anybody', async () => {
    const { strangers, world } = await run();
    assert.ok(strangers.every(({ headers }) => Object.keys(headers).every((name) => name === 'accept')));
    assert.ok(!world.everything().includes('0123456789'));
  });

  it('is waited for as long as it takes, and not for ever', async () => {
    const slow = await run({ status: (poll) => (poll < 200 ? 'RUNNING' : 'DONE') });
    assert.equal(slow.receipt.verdict, 'COMPLETE');
    assert.equal(slow.made.length, 1);
    const never = await run({ status: () => 'RUNNING' });
    assert.deepEqual(
      never.receipt.reasons.map(({ code }) => code),
      ['job-late', 'cut-short'],
    );
    assert.equal(never.made.length, 1);
    assert.ok(never.world.clock.now() - Date.UTC(2026, 10, 22, 12) < DAY + 30 * MINUTE);
  });

  it('asks for URLs anew that have expired', async () => {
    const { receipt, ids, made } = await run({ life: 2 });
    assert.equal(receipt.verdict, 'COMPLETE', JSON.stringify(receipt.reasons));
    assert.deepEqual(ids, whole());
    assert.equal(made.length, 1);
  });

  it('that failed is set aside; one that was cancelled is started again, three times at most', async () => {
    const failed = await run({ status: () => 'FAILED' });
    assert.equal(failed.receipt.verdict, 'INCOMPLETE');
    assert.equal(failed.receipt.reasons[0]?.message, 'HTTP 200: the report could not be made');
    assert.equal(failed.made.length, 1);
    const cancelled = await run({ status: () => 'CANCELLED' });
    assert.equal(cancelled.receipt.verdict, 'INCOMPLETE');
    assert.equal(cancelled.made.length, 4);
  });

  it('that has nothing to make, by a rule, is complete with nothing', async () => {
    const { receipt } = await run({ status: () => 'NO DATA' });
    assert.equal(receipt.verdict, 'COMPLETE', JSON.stringify(receipt.reasons));
    assert.equal(receipt.records.delivered, 0);
  });

  it('is one for each slice', async () => {
    const { receipt, started, ids, made } = await run({}, { connector: reports(true) });
    assert.equal(receipt.verdict, 'COMPLETE', JSON.stringify(receipt.reasons));
    assert.equal(made.length, 3);
    assert.equal(new Set(started).size, 3);
    assert.deepEqual(ids, whole(3));
  });

  it('is one for each parent', async () => {
    const { api, started } = maker();
    const connector = defineConnector({
      ...{
        name: 'test',
        docs: 'none',
        baseUrl: 'https://api.test/v1',
        params: z.object({}),
        auth: bearer(),
        limits: [],
      },
      streams: (stream) => ({
        shops: stream({
          ...{ request: () => ({ path: '/shops' }), paging: one(), records: (body) => body },
          ...{ schema: z.object({ id: z.number() }), key: 'id' },
        }),
        rows: stream({
          each: { of: 'shops', pick: (shop) => Number(shop.id) },
          request: ({ page, parent }) =>
            page.job === undefined
              ? { path: '/reports', method: 'POST', json: { shop: parent } }
              : { path: `/reports/${page.job}` },
          paging: job({
            start: (reply) => reply.body.id,
            ready: (reply) => reply.body.status === 'DONE',
            files: (reply) => reply.body.urls,
          }),
          ...{
            read: csv({ columns: ['id'] }),
            records: (lines) => lines,
            schema: z.object({ id: z.string() }),
            key: 'id',
          },
        }),
      }),
    });
    const world = makeWorld({
      connector,
      api: (request) => (request.path === '/v1/shops' ? json([{ id: 1 }, { id: 2 }]) : api(request)),
    });
    const receipt = await world.sync('rows');
    assert.equal(receipt.verdict, 'COMPLETE', JSON.stringify(receipt.reasons));
    assert.deepEqual(started.sort(), ['{"shop":1}', '{"shop":2}']);
    assert.equal(receipt.records.delivered, 2 * FILES * ROWS);
  });

  it('whose files the API forgot makes no full sync of one by number', async () => {
    const { api } = maker({ status: () => 'DONE' });
    let forgets = false;
    const asked: (string | undefined)[] = [];
    const connector = defineConnector({
      ...{
        name: 'test',
        docs: 'none',
        baseUrl: 'https://api.test/v1',
        params: z.object({}),
        auth: bearer(),
        limits: [],
      },
      errors: [{ when: (reply) => reply.status === 410, is: 'restart', because: 'the report is gone' }],
      streams: (stream) => ({
        rows: stream({
          request: ({ page, window }) =>
            page.job === undefined
              ? { path: '/reports', method: 'POST', json: { after: window.number } }
              : { path: `/reports/${page.job}` },
          paging: job({ start: (reply) => reply.body.id, ready: () => true, files: () => ['/file'] }),
          records: (body) => body,
          schema: z.object({ id: z.number() }),
          key: 'id',
          since: { number: (row) => row.id },
        }),
      }),
    });
    const world = makeWorld({
      connector,
      api: (request) => {
        if (request.method === 'POST') asked.push(request.body);
        if (request.path === '/file') return forgets ? json({}, {}, 410) : json([{ id: 7 }]);
        return api(request);
      },
    });
    const first = await world.sync('rows');
    forgets = true;
    const second = await world.sync('rows');
    assert.deepEqual([first.verdict, first.mode], ['COMPLETE', 'full'], JSON.stringify(first.reasons));
    assert.deepEqual([second.verdict, second.mode], ['INCOMPLETE', 'incremental']);
    assert.deepEqual([...new Set(asked)], ['{}', '{"after":7}']);
  });

  it('has no other files than when it was ready', async () => {
    let polls = 0;
    const { api } = maker();
    const shrinking: Api = (request) => {
      if (request.path === '/v1/reports/1') polls += 1;
      return polls > 3 && request.method === 'GET' && request.url.includes('api.test')
        ? json({ status: 'DONE', urls: ['https://files.test/1-0?signature=01234567890'] })
        : api(request);
    };
    const world = makeWorld({ connector: reports(), api: shrinking });
    const receipt = await world.sync('rows');
    assert.equal(receipt.verdict, 'INCOMPLETE');
    assert.ok(receipt.reasons.some(({ code }) => code === 'job-changed'));
  });
});

for (const moment of ['before', 'after'] as const)
  it(`a worker that dies ${moment} any call loses nothing of a job, counts nothing twice, and starts another only for an id that was lost`, async () => {
    const clean = await run();
    assert.ok(clean.world.calls() > 30);
    let again = 0;
    for (let call = 1; call <= clean.world.calls(); call++) {
      const { receipt, ids, made } = await run({}, { death: { call, moment } });
      assert.deepEqual(receipt.reasons, [], `call ${call}`);
      assert.equal(receipt.records.delivered, FILES * ROWS, `call ${call}`);
      assert.deepEqual(ids, idsOfJob(made.length), `call ${call}`);
      again += made.length - 1;
    }
    // Only between the answer and the writing of the id: the part's object, and its item.
    assert.ok(again <= 5, `${again} of ${clean.world.calls()}`);
  });

/** The rows of a job, by its number. */
const idsOfJob = (number: number): string[] =>
  Array.from({ length: FILES }, (_, file) => idsOf(`${number}-${file}`))
    .flat()
    .sort();

describe('a job that is declared wrongly', () => {
  const declare = (change: object) => () =>
    defineConnector({
      ...{ name: 'test', docs: 'none', baseUrl: 'https://api.test', params: z.object({}), auth: bearer(), limits: [] },
      streams: (stream) => ({
        rows: stream({
          request: ({ page }) => ({ path: `/reports/${page.job ?? ''}` }),
          paging: job({ start: (reply) => reply.body.id, ready: () => true, files: () => [] }),
          ...{ records: (body) => body, schema: z.object({ id: z.string() }), key: 'id' },
          ...change,
        }),
      }),
    });
  it('is refused with one sentence', () => {
    assert.doesNotThrow(declare({}));
    assert.throws(declare({ request: () => ({ path: '/reports' }) }), /its request ignores "page"/);
    assert.throws(
      declare({ count: { request: () => ({ path: '/n' }), read: () => 1, exact: true } }),
      /it declares "count" and a job: files have no pages to be counted or walked\. Leave "count" out\./,
    );
    assert.throws(declare({ since: { token: () => 'x' } }), /it declares "since" by token with the files of a job/);
  });
  it('says what it found', async () => {
    for (const [answer, message] of [
      [{}, '"start" must give the id of the job (got nothing)'],
      [{ id: 7, status: 'DONE', urls: 'https://x' }, '"files" must give a list of URLs (got a text of 9 characters)'],
      [{ id: 7, status: 'DONE', urls: [null] }, '"files" must give URLs (got null)'],
      [
        { id: 7, status: 'DONE', urls: ['http://files.test/a'] },
        'a file must be fetched by https, as the API is (got http://files.test)',
      ],
    ] as const) {
      const world = makeWorld({ connector: reports(), api: () => json(answer) });
      const receipt = await world.sync('rows');
      assert.equal(receipt.verdict, 'INCOMPLETE');
      assert.equal(receipt.reasons[0]?.message, message);
    }
  });
});
