import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as z from 'zod';
import { authorizationCode, defineConnector, one } from '../../../lib/core/connector/connector.ts';
import { DAY } from '../../../lib/core/time.ts';
import { tokenKey } from '../../../lib/pipeline/credentials/credentials.ts';
import { json, makeWorld } from '../world.ts';

const connector = defineConnector({
  name: 'rows',
  docs: 'none',
  params: z.object({}),
  baseUrl: 'https://api.test',
  auth: authorizationCode({
    authorizeUrl: 'https://login.test/auth',
    tokenUrl: 'https://login.test/token',
    scopes: [],
    consent: '365 days',
  }),
  limits: [],
  streams: (stream) => ({
    rows: stream({
      request: () => ({ path: '/rows' }),
      paging: one(),
      records: (body) => body,
      schema: z.object({ id: z.number() }),
      key: 'id',
    }),
  }),
});

it('of a consent that ends within two weeks somebody is told, until it is given anew', async () => {
  const world = makeWorld({ connector, api: () => json([]), secret: { clientId: 'c', clientSecret: 's' } });
  await world.connections.create({ pk: connector.name, sk: 'main' }, { params: '{}', status: 'active' });
  const given = () => world.tokens.upsert(tokenKey(connector.name, 'main'), { set: { consentAt: world.clock.now() } });
  const ageing = async (): Promise<number | undefined> => {
    await world.housekeep();
    return world.metrics.values.get('ConnectionsAgeing')?.at(-1);
  };
  await given();
  assert.equal(await ageing(), 0);
  world.clock.advance(350 * DAY);
  assert.equal(await ageing(), 0);
  world.clock.advance(2 * DAY);
  assert.equal(await ageing(), 1);
  assert.deepEqual(world.log.lines.find(({ message }) => message === 'consent ends soon')?.fields, {
    connection: 'main',
    days: 13,
  });
  await given();
  assert.equal(await ageing(), 0);
});
