import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as z from 'zod';
import { apiKey, defineConnector, links } from '../../../lib/core/connector/connector.ts';
import { json, makeWorld } from '../world.ts';

it('a key in the query is sent with every page and stands nowhere, though the API repeats it in its links', async () => {
  const connector = defineConnector({
    name: 'rows',
    docs: '',
    params: z.object({}),
    baseUrl: 'https://api.test',
    auth: apiKey({ query: 'key' }),
    limits: [],
    streams: (stream) => ({
      rows: stream({
        request: ({ page }) => ({ path: '/rows', query: { size: page.size } }),
        paging: links({ size: 2, next: (reply) => reply.body.next }),
        records: (body) => body.rows,
        schema: z.object({ id: z.number() }),
        key: 'id',
      }),
    }),
  });
  const world = makeWorld({
    connector,
    secret: { key: 'HUSH' },
    api: ({ url, query }) => {
      if (query.get('key') !== 'HUSH') return json({ error: 'no key' }, {}, 401);
      const page = Number(query.get('page') ?? 1);
      if (page === 4) return json({ message: 'there is no such page' }, {}, 404);
      const next = new URL(url);
      next.searchParams.set('page', String(page + 1));
      return json({ rows: [{ id: page }], next: next.href });
    },
  });
  const receipt = await world.sync('rows');
  assert.equal(receipt.reasons[0]?.code, 'http-404');
  assert.equal(world.http.requests.length, 4);
  const written = world.everything();
  assert.match(written, /page=4/);
  assert.doesNotMatch(written, /HUSH/);
});

it('nor does it in a page that is kept for a mended connector, by whose headers it comes back, or in what is said of a link that is none', async () => {
  const connector = defineConnector({
    name: 'rows',
    docs: '',
    params: z.object({}),
    baseUrl: 'https://api.test',
    auth: apiKey({ query: 'key' }),
    limits: [],
    streams: (stream) => {
      const how = {
        records: (body: { rows: unknown[] }) => body.rows,
        schema: z.object({ id: z.number() }),
        key: 'id',
      } as const;
      return {
        misfits: stream({ ...how, request: () => ({ path: '/misfits' }), paging: links({ size: 2 }) }),
        astray: stream({ ...how, request: () => ({ path: '/astray' }), paging: links({ size: 2 }) }),
      };
    },
  });
  const world = makeWorld({
    connector,
    secret: { key: 'HUSH' },
    strict: true,
    api: ({ url, path }) =>
      path === '/misfits'
        ? json({ rows: [{ id: 'one' }] }, { link: `<${url}&page=2>; rel="next"` })
        : json({ rows: [{ id: 1 }] }, { link: `<http://[api.test/?key=HUSH>; rel="next"` }),
  });
  const misfits = await world.sync('misfits');
  const astray = await world.sync('astray');
  assert.deepEqual(
    [misfits, astray].map(({ reasons }) => reasons[0]?.code),
    ['schema', 'stuck'],
  );
  assert.ok(!world.everything().includes('HUSH'));
  assert.ok([...world.objects.stored.values()].every(({ body }) => !new TextDecoder().decode(body).includes('HUSH')));
});
