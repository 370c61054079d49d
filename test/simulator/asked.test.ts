import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { type Connector, defineConnector, keyset, links, none } from '../../lib/core/connector/connector.ts';
import { modelOf } from '../../lib/simulator/model.ts';
import { makeWorld } from '../pipeline/world.ts';
import { wired } from './wired.ts';

/** What a stream asks besides its pages, by a client that is the whole pipeline. */

const RECORDS = 1_234;
const Row = z.object({ id: z.int(), changed: z.iso.datetime(), at: z.int().optional() });

const connector = (exact: boolean): Connector =>
  defineConnector({
    name: 'asks',
    docs: 'here',
    params: z.object({}),
    baseUrl: 'https://api.test',
    auth: none(),
    limits: [],
    streams: (stream) => ({
      counted: stream({
        request: ({ page }) => ({ path: '/counted', query: { size: page.size } }),
        paging: links({ size: 100 }),
        records: (body) => body.rows,
        count: {
          request: () => ({ path: '/counted/count' }),
          read: (reply) => Number(reply.body.result.number),
          exact,
        },
        schema: Row,
        key: 'id',
      }),
      described: stream({
        setup: {
          request: () => ({ path: '/described/fields' }),
          read: ({ body }) =>
            z
              .array(z.object({ name: z.string() }))
              .parse(body.fields)
              .map(({ name }) => name),
        },
        request: ({ page, setup }) => ({ path: '/described', query: { after: page.after, fields: setup.join() } }),
        paging: keyset({ size: 100, after: (last) => last.id, more: (reply) => reply.body.more }),
        records: (body) => body.rows,
        schema: Row,
        key: 'id',
      }),
    }),
  });

const run = async (stream: string, exact = true) => {
  const model = modelOf(connector(exact), { records: RECORDS });
  const world = makeWorld({ connector: connector(exact), api: wired(model) });
  const receipt = await world.sync(stream);
  const ids = world.delivered(receipt).map((record) => Reflect.get(Object(record), 'id'));
  assert.deepEqual(new Set(ids).size, RECORDS, JSON.stringify(receipt.reasons));
  assert.equal(ids.length, RECORDS);
  return { receipt, paths: world.http.requests.map(({ url }) => new URL(url).pathname + new URL(url).search) };
};

describe('the simulator answers', () => {
  it('an exact count, which is proof', async () => {
    const { receipt } = await run('counted');
    assert.deepEqual([receipt.verdict, receipt.evidence, receipt.expected.records], ['COMPLETE', 'count', RECORDS]);
  });

  it('an estimate, which is none', async () => {
    const { receipt } = await run('counted', false);
    assert.deepEqual([receipt.verdict, receipt.evidence], ['COMPLETE', 'end']);
    assert.deepEqual(receipt.expected, { records: 1_230, source: 'estimate' });
  });

  it('a setup, and lists only for whoever tells what it said', async () => {
    const { receipt, paths } = await run('described');
    assert.deepEqual([receipt.verdict, receipt.evidence], ['COMPLETE', 'end']);
    assert.equal(paths.filter((path) => path === '/described/fields').length, 1);
    assert.equal(paths.filter((path) => path.includes('fields=name_one%2Cname_two')).length, 13 + 9);
  });
});
