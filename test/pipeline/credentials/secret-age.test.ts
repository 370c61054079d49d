import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as z from 'zod';
import { bearer, defineConnector, none, pages, type Rotation } from '../../../lib/core/connector/connector.ts';
import { DAY } from '../../../lib/core/time.ts';
import { json, makeWorld } from '../world.ts';

const connectorOf = (rotate?: Rotation, auth = bearer()) =>
  defineConnector({
    ...{ name: 'rows', docs: 'none', params: z.object({}), baseUrl: 'https://api.test', auth, limits: [] },
    ...(rotate === undefined ? {} : { rotate }),
    streams: (stream) => ({
      rows: stream({
        request: ({ page }) => ({ path: '/rows', query: { page: page.number } }),
        paging: pages({ size: 1 }),
        total: (reply) => reply.body.total,
        records: (body) => body.rows,
        schema: z.object({ id: z.number() }),
        key: 'id',
      }),
    }),
  });

/** How many secrets housekeeping finds old, after so many days. */
async function oldAfter(days: number, rotate?: Rotation, auth?: Parameters<typeof connectorOf>[1]) {
  const world = makeWorld({ connector: connectorOf(rotate, auth), api: () => json({ rows: [], total: 0 }) });
  await world.connections.create({ pk: 'rows', sk: 'main' }, { params: '{}', status: 'active' });
  const old = async (): Promise<number | undefined> => {
    await world.housekeep();
    return world.metrics.values.get('SecretsAgeing')?.at(-1);
  };
  assert.equal(await old(), 0);
  world.clock.advance(days * DAY);
  return { world, old, now: await old() };
}

describe('a secret that is older than it is to be', () => {
  it('is told, until another one is put', async () => {
    const { world, old, now } = await oldAfter(91);
    assert.equal(now, 1);
    assert.deepEqual(world.log.lines.find(({ message }) => message === 'secret is old')?.fields, {
      ...{ connection: 'main', days: 91, every: 90 },
    });
    world.rotate({ token: 'another' });
    assert.equal(await old(), 0);
    world.clock.advance(89 * DAY);
    assert.equal(await old(), 0);
    world.clock.advance(2 * DAY);
    assert.equal(await old(), 1);
  });

  it('is as old as the connector says', async () => {
    assert.equal((await oldAfter(31, '30 days')).now, 1);
    assert.equal((await oldAfter(29, '30 days')).now, 0);
    assert.equal((await oldAfter(1_000, false)).now, 0);
    assert.equal((await oldAfter(1_000, '30 days', none())).now, 0);
  });
});

describe('a secret is replaced in the middle of a sync, and no page is lost', () => {
  const PAGES = 200;
  /** The request at which the new secret is put, and the one at which the old one ends. */
  for (const [what, put, revoked] of [
    ['the old one ends ten minutes later', 50, 120],
    ['the old one ends at once', 50, 50],
  ] as const)
    it(what, async () => {
      let asked = 0;
      let refused = 0;
      const world = makeWorld({
        connector: connectorOf(),
        secret: { token: 'old' },
        api: ({ headers, query }) => {
          asked += 1;
          if (asked === put) world.rotate({ token: 'new' });
          if (asked === revoked && revoked > put) world.clock.advance(10 * 60_000);
          const { authorization } = headers;
          const good = authorization === 'Bearer new' ? asked > put : authorization === 'Bearer old' && asked < revoked;
          if (!good) {
            refused += 1;
            return json({ error: 'no' }, {}, 401);
          }
          const page = Number(query.get('page'));
          return json({ rows: page > PAGES ? [] : [{ id: page }], total: PAGES });
        },
      });
      const receipt = await world.sync('rows');
      assert.deepEqual([receipt.verdict, receipt.records.delivered, receipt.pages.failed], ['COMPLETE', PAGES, 0]);
      assert.ok(revoked === put ? refused > 0 : refused <= 1, `${refused} requests were refused`);
      assert.ok(asked > revoked);
    });
});
