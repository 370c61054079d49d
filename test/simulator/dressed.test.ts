import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { cursor, defineConnector, links, none } from '../../lib/core/connector/connector.ts';
import { modelOf } from '../../lib/simulator/model.ts';
import { scaled } from '../../lib/simulator/scaled.ts';
import { factsOf, SWITCHES } from '../../lib/simulator/switches.ts';
import { wordsOf } from '../../lib/simulator/words.ts';
import { simulatedWorld } from './wired.ts';

const about = {
  name: 'api',
  docs: 'none',
  params: z.object({}),
  baseUrl: 'https://api.example',
  auth: none(),
  limits: [],
};
const WHAT = 'says of its pages that they are none';

describe('an API whose pages look like errors', () => {
  const connector = defineConnector({
    ...about,
    errors: [{ when: (reply) => reply.body?.error?.code === 'ok', is: 'page', because: 'that is no error' }],
    streams: (stream) => ({
      rows: stream({
        request: ({ page }) => ({ path: '/rows', query: { cursor: page.cursor } }),
        paging: cursor({ size: 8, next: (reply) => reply.body.next }),
        ...{ records: (body) => body.rows, schema: z.object({ id: z.int() }), key: 'id' },
      }),
    }),
  });
  const model = modelOf(connector, { records: 45 });

  it('is read as the rule says, and the receipt notes it', async () => {
    const facts = factsOf(model, 'rows', wordsOf(connector.errors).words);
    const { of = () => false, trouble } = SWITCHES[WHAT] ?? assert.fail();
    assert.ok(of(facts));
    const { world } = simulatedWorld(model, trouble(facts));
    const receipt = await world.sync('rows');
    assert.deepEqual([receipt.verdict, receipt.records.delivered], ['COMPLETE', 45], JSON.stringify(receipt.reasons));
    assert.deepEqual(
      receipt.notes?.map(({ message }) => message),
      ['HTTP 200: that is no error'],
    );
  });

  it('of one without such a rule it cannot be said', () => {
    const facts = factsOf(model, 'rows', wordsOf([]).words);
    assert.equal(SWITCHES[WHAT]?.of?.(facts), false);
  });
});

it('an API that lists the newest change first, and knows no filter, is played', async () => {
  const connector = scaled(
    defineConnector({
      ...about,
      streams: (stream) => ({
        rows: stream({
          request: () => ({ path: '/rows' }),
          paging: links({ size: 8 }),
          records: (body) => body,
          schema: z.object({ id: z.int(), changed: z.iso.datetime() }),
          key: 'id',
          order: 'newest first',
          since: { field: (row) => row.changed, lookback: '10 seconds' },
        }),
      }),
    }),
    { starts: { rows: '2026-11-20T00:00:00Z' } },
  );
  const { world } = simulatedWorld(modelOf(connector, { records: 45 }));
  const first = await world.sync('rows');
  assert.deepEqual([first.verdict, first.records.delivered], ['COMPLETE', 45], JSON.stringify(first.reasons));
  const second = await world.sync('rows');
  assert.deepEqual([second.verdict, second.mode], ['COMPLETE', 'incremental'], JSON.stringify(second.reasons));
  assert.ok(second.records.fetched < 20, `${second.records.fetched}`);
});
