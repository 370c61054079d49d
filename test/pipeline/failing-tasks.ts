import { one } from '../../lib/core/connector/connector.ts';
import { connectorOf, Row } from './kinds.ts';
import { type Api, makeWorld } from './world.ts';

/** One wait between two attempts of a task: seconds. `attempt`: the one that failed, from 1. */
export type Wait = { readonly attempt: number; readonly seconds: number };

const connector = connectorOf((stream) =>
  stream({ request: () => ({ path: '/rows' }), paging: one(), records: (body) => body, schema: Row, key: 'id' }),
);

/** Lets so many tasks fail until they are set aside, through the whole pipeline, and watches how long each message is hidden. */
export async function watchFailing(
  tasks: number,
  api: Api,
  seed: number,
): Promise<{ waits: Wait[]; requests: number }> {
  const world = makeWorld({ connector, api, seed });
  const waits: Wait[] = [];
  const { release } = world.queue;
  world.queue.release = (receipt, seconds) => {
    waits.push({ attempt: Number(receipt.split('-')[1]), seconds });
    release(receipt, seconds);
  };
  for (let i = 0; i < tasks; i++)
    await world.connections.create({ pk: connector.name, sk: `c${i}` }, { params: '{}', status: 'active' });
  const at = new Date(world.clock.now()).toISOString();
  await world.queue.send([{ task: { v: 1, kind: 'tick', stream: 'rows', at }, group: 'rows' }]);
  await world.settle();
  return { waits, requests: world.http.requests.length };
}
