import assert from 'node:assert/strict';
import { systemRandom } from '../../lib/aws/random.ts';
import { MINUTE } from '../../lib/core/time.ts';
import { connect, makeLink, type WebRequest } from '../../lib/pipeline/consent/connect.ts';
import { forConnection } from '../../lib/pipeline/invocation.ts';
import { answer } from '../../lib/simulator/answer.ts';
import type { Model } from '../../lib/simulator/model.ts';
import { honest, type Trouble, type Troubled, troubled } from '../../lib/simulator/trouble.ts';
import { type Api, makeWorld, type World } from '../pipeline/world.ts';

/** A simulated API without a server, for the pipeline over memory ports. `now`: what time it is there, epoch milliseconds. */
export const wired =
  (model: Model, now: () => number = () => 0, does: Troubled = honest): Api =>
  ({ method, url, headers: sent, body: form = '' }) => {
    const { status, headers, body } = answer(
      model,
      { method, url: new URL(url), headers: sent, body: form, now: now() },
      does,
    );
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return {
      status,
      headers: { 'content-type': 'application/json', ...headers },
      body: new TextEncoder().encode(text),
    };
  };

/** The pipeline, and the API of its connector, which keeps to the same clock. `statuses`: of its answers so far. */
export function simulatedWorld(
  model: Model,
  trouble: Trouble = {},
): { readonly world: World; readonly statuses: readonly number[] } {
  const { connector, params, secret } = model.client;
  const statuses: number[] = [];
  const api = wired(model, () => world.clock.now(), troubled(trouble));
  const world: World = makeWorld({
    ...{ connector, params, secret, budget: 5 * MINUTE },
    api: (request) => {
      const reply = api(request);
      if ('status' in reply) statuses.push(reply.status);
      return reply;
    },
  });
  return { world, statuses };
}

/** A person consents, in a browser that does what the pages say. */
export async function consent(world: World, params: object): Promise<void> {
  // Links and verifiers have a length that the ids of a test have not.
  const worker = () => ({ ...world.invocation(), random: systemRandom });
  const { connector } = worker();
  const key = { pk: connector.name, sk: 'main' };
  await world.connections.create(key, { params: JSON.stringify(params), status: 'active' });
  const link = new URL(await makeLink(forConnection(worker(), 'main')), ORIGIN);
  const visit = (request: Partial<WebRequest> & { path: string }) =>
    connect(worker(), {
      method: 'GET',
      origin: ORIGIN,
      query: new URLSearchParams(),
      cookies: {},
      ...request,
    });
  const sent = await visit({ method: 'POST', path: '/', form: link.searchParams });
  const [cookie = ''] = sent.cookies ?? [];
  const [name = '', value = ''] = cookie.split(';')[0]?.split('=') ?? [];
  const asked = await world.http.send(
    { method: 'GET', url: sent.headers.location ?? '', headers: {} },
    { deadline: MINUTE, bound: 1e6 },
  );
  const back = new URL('headers' in asked ? (asked.headers.location ?? '') : '');
  const done = await visit({ path: back.pathname, query: back.searchParams, cookies: { [name]: value } });
  assert.match(done.body, /Connected/);
}

const ORIGIN = 'https://connect.test';
