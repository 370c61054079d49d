import assert from 'node:assert/strict';
import { it } from 'node:test';
import { honest, kinds, rows } from '../kinds.ts';
import { makeWorld } from '../world.ts';

const { connector } = kinds['pages with a total'];

it('an API that announces its end is heard: each answer is measured, what it says is logged once', async () => {
  const api = honest(rows(35));
  const world = makeWorld({
    connector,
    api: (request) => {
      const reply = api(request);
      if ('failed' in reply) return reply;
      const farewell = { sunset: 'Sat, 31 Dec 2027 23:59:59 GMT', deprecation: '@1735689599' };
      return { ...reply, headers: { ...reply.headers, ...farewell } };
    },
  });
  const receipt = await world.sync('rows');
  assert.equal(receipt.verdict, 'COMPLETE');
  assert.deepEqual(world.metrics.values.get('DeprecatedResponses'), [1, 1, 1, 1, 1, 1, 1]);
  const said = world.log.lines.filter(({ message }) => message === 'the API announces an end');
  assert.deepEqual(
    said.map(({ fields }) => fields),
    [
      {
        sunset: 'Sat, 31 Dec 2027 23:59:59 GMT',
        deprecation: '@1735689599',
        origin: 'http://api.test',
        path: '/rows',
      },
    ],
  );
});

it('one that says nothing of it is measured as nothing', async () => {
  const world = makeWorld({ connector, api: honest(rows(5)) });
  await world.sync('rows');
  assert.equal(world.metrics.values.get('DeprecatedResponses'), undefined);
});
