import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { bearer, type Connector, defineConnector, job, one } from '../../lib/core/connector/connector.ts';
import { csv, jsonLines } from '../../lib/readers/index.ts';
import { assess } from '../../lib/simulator/assess.ts';
import { modelOf } from '../../lib/simulator/model.ts';
import { keyOf } from '../../lib/simulator/rehearsed.ts';
import { scaled } from '../../lib/simulator/scaled.ts';
import { bestOf, factsOf, SWITCHES } from '../../lib/simulator/switches.ts';
import { tallyOf } from '../../lib/simulator/truth.ts';
import { wordsOf } from '../../lib/simulator/words.ts';
import { simulatedWorld } from './wired.ts';

/** Streams that are read by jobs, against APIs that are made of their declarations. */

const about = { docs: 'none', params: z.object({}), auth: bearer(), limits: [] };
const Row = z.object({ id: z.string(), changed: z.iso.datetime() });

/** As Amazon's selling partners, Shopify, Salesforce and others write it. */
const JOBS: Readonly<Record<string, Connector>> = {
  'of one file, in CSV': defineConnector({
    ...{ ...about, name: 'reports', baseUrl: 'https://reports.example/2021' },
    streams: (stream) => ({
      rows: stream({
        request: ({ page, window }) =>
          page.job === undefined
            ? { path: '/reports', method: 'POST', json: { type: 'ORDERS', dataStartTime: window.from.iso } }
            : { path: `/reports/${encodeURIComponent(page.job)}` },
        paging: job({
          start: (reply) => reply.body.reportId,
          ready: (reply) => reply.body.processingStatus === 'DONE',
          files: (reply) => [reply.body.url],
        }),
        ...{ read: csv({ columns: ['id', 'changed'] }), records: (rows) => rows, schema: Row, key: 'id' },
        since: { field: (row) => row.changed, lookback: '1 minute' },
      }),
    }),
  }),
  'in slices, in JSON lines': defineConnector({
    ...{ ...about, name: 'bulk', baseUrl: 'https://bulk.example' },
    streams: (stream) => ({
      rows: stream({
        request: ({ page, window }) => ({
          path: '/jobs',
          query: page.job === undefined ? { from: window.from.seconds, to: window.to.seconds } : { id: page.job },
        }),
        paging: job({
          start: (reply) => reply.body.data.id,
          ready: (reply) => reply.body.data.done,
          files: (reply) => reply.body.data.files.map((file: { url: string }) => file.url),
        }),
        ...{ read: jsonLines(), records: (rows) => rows, schema: Row, key: 'id' },
        since: { field: (row) => row.changed, lookback: '1 minute' },
        slices: { width: '2 hours', least: '1 second' },
      }),
    }),
  }),
  'one for each parent': defineConnector({
    ...{ ...about, name: 'shops', baseUrl: 'https://shops.example' },
    streams: (stream) => ({
      parents: stream({
        ...{ request: () => ({ path: '/shops' }), paging: one(), records: (body) => body.shops },
        ...{ schema: z.object({ id: z.int() }), key: 'id' },
      }),
      rows: stream({
        each: { of: 'parents', pick: (shop) => Number(shop.id) },
        request: ({ page, parent }) =>
          page.job === undefined
            ? { path: `/shops/${parent}/exports`, method: 'POST' }
            : { path: '/exports', query: { job: page.job } },
        paging: job({
          start: (reply) => reply.body.id,
          ready: (reply) => reply.body.state === 'finished',
          files: (reply) => reply.body.urls,
        }),
        ...{ records: (body) => body.rows, total: (reply) => reply.body.count },
        ...{ schema: z.object({ id: z.int() }), key: 'id' },
      }),
    }),
  }),
};

for (const [title, declared] of Object.entries(JOBS)) {
  describe(`jobs ${title}`, () => {
    const connector = scaled(declared, { starts: { rows: '2026-11-20T00:00:00Z' } });
    const { rows = assert.fail() } = connector.streams;
    const records = { rows: 45, ...(rows.each === undefined ? {} : { parents: 3 }) };
    const model = modelOf(connector, { records });
    const facts = factsOf(model, 'rows', wordsOf(connector.errors).words);
    for (const [what, does] of Object.entries(SWITCHES)) {
      if (!(does.of ?? (() => false))(facts)) continue;
      it(`of an API that ${what}`, async () => {
        const trouble = { stream: 'rows', ...does.trouble(facts) };
        const { world } = simulatedWorld(model, trouble);
        const receipt = await world.sync('rows');
        const tally = tallyOf(model, 'rows', trouble, receipt);
        for (const record of world.delivered(receipt)) tally.take(keyOf(rows, record));
        const truth = tally.truth();
        const { worth, failed } = assess(receipt, truth, { facts, does });
        const context = JSON.stringify([receipt.verdict, receipt.reasons, truth]);
        assert.deepEqual([worth === 'lied', failed], [false, false], context);
        if (does.survives?.(facts) === true) assert.equal(receipt.verdict, bestOf(facts), context);
      });
    }
  });
}
