import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as z from 'zod';
import { cursor, defineConnector, none, one } from '../../../lib/core/connector/connector.ts';
import { json, makeWorld } from '../world.ts';

/** An item of the table has at most 400 KB: the memory table refuses more, like DynamoDB and its emulator. */

const Row = z.object({ id: z.string() });

it('a thousand parents with long names, asked for together, are as many listings as it takes', async () => {
  const names = Array.from({ length: 1_000 }, (_, i) => `${String(i).padStart(4, '0')}${'é'.repeat(996)}`);
  const connector = defineConnector({
    ...{ name: 'test', docs: 'none', baseUrl: 'http://api.test', params: z.object({}), auth: none(), limits: [] },
    streams: (stream) => ({
      parents: stream({
        request: () => ({ path: '/parents' }),
        paging: one(),
        records: (body) => body,
        schema: Row,
        key: 'id',
      }),
      rows: stream({
        each: { of: 'parents', pick: (parent) => String(parent.id), together: 1_000 },
        request: ({ parents }) => ({ path: '/rows', method: 'POST', json: { parents } }),
        paging: one(),
        records: (body) => body,
        schema: Row,
        key: 'id',
      }),
    }),
  });
  const world = makeWorld({
    connector,
    api: ({ path, body = '' }) =>
      json(path === '/parents' ? names.map((id) => ({ id })) : JSON.parse(body).parents.map((id: string) => ({ id }))),
  });
  const receipt = await world.sync('rows');
  assert.deepEqual([receipt.verdict, receipt.records.delivered], ['COMPLETE', 1_000]);
  assert.ok(receipt.requests.sent <= 12, `${receipt.requests.sent} requests`);
});

it('a setup that is too long to be kept is a reason, at once', async () => {
  const connector = defineConnector({
    ...{ name: 'test', docs: 'none', baseUrl: 'http://api.test', params: z.object({}), auth: none(), limits: [] },
    streams: (stream) => ({
      rows: stream({
        setup: { request: () => ({ path: '/describe' }), read: (reply) => reply.body },
        request: ({ page }) => ({ path: '/rows', query: { cursor: page.cursor } }),
        paging: cursor({ size: 10, next: (reply) => reply.body.next }),
        records: (body) => body.rows,
        schema: Row,
        key: 'id',
      }),
    }),
  });
  const world = makeWorld({
    connector,
    api: ({ path }) => json(path === '/describe' ? { fields: 'x'.repeat(500_000) } : { rows: [] }),
  });
  const receipt = await world.sync('rows');
  assert.deepEqual([receipt.verdict, receipt.reasons[0]?.code], ['INCOMPLETE', 'bad-setup']);
  assert.match(receipt.reasons[0]?.message ?? '', /500013 bytes of its answer, and at most 358400 are kept/);
  assert.equal(receipt.requests.sent, 1);
});
