import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SECOND } from '../../../lib/core/time.ts';
import { readAccount } from '../../../lib/pipeline/credentials/account.ts';
import { forConnection } from '../../../lib/pipeline/invocation.ts';
import type { Http, Table } from '../../../lib/pipeline/ports.ts';
import { seededRandom } from '../../memory/random.ts';
import { memorySeals } from '../../memory/seals.ts';
import { credentialed, tokensWorld } from '../../oidc/tokens-world.ts';
import { virtualTime } from '../../simulation/virtual-time.ts';

const WORKERS = 16;
const LIFE = 2 * SECOND;
const RUN = 60 * SECOND;
/** Nobody waits longer than this, but for a refresh: the reading of a few items. */
const A_MOMENT = 150;

it('16 workers share tokens of 2 s for 60 s: one refresh for each life, none in vain, and nobody waits for one', async () => {
  const time = virtualTime(Date.UTC(2026, 10, 22, 12));
  const random = seededRandom(7);
  const pass = (millis: number): Promise<void> => new Promise((resolve) => time.after(millis, resolve));
  const start = time.now();

  const issued: { readonly token: string; readonly at: number }[] = [];
  let [underWay, most] = [0, 0];
  const http: Http = {
    async send({ url }) {
      assert.equal(new URL(url).pathname, '/token');
      underWay += 1;
      most = Math.max(most, underWay);
      await pass(20 + random.number() * 60);
      const token = `token-${issued.length}`;
      issued.push({ token, at: time.now() });
      await pass(20 + random.number() * 60);
      underWay -= 1;
      const body = JSON.stringify({ access_token: token, token_type: 'bearer', expires_in: LIFE / SECOND });
      return { status: 200, headers: {}, body: new TextEncoder().encode(body) };
    },
  };
  const clock = { now: time.now, wait: pass };
  const world = tokensWorld(credentialed('http://127.0.0.1:1'), { clock, http, seals: memorySeals });
  await world.open();
  /** Every call of a table takes its time, so that they interleave. */
  const slow = (table: Table): Table => {
    const later =
      <I extends unknown[], O>(call: (...input: I) => Promise<O>) =>
      async (...input: I): Promise<O> => {
        await pass(1 + random.number() * 8);
        const result = await call(...input);
        await pass(1 + random.number() * 8);
        return result;
      };
    return {
      ...table,
      get: later(table.get),
      create: later(table.create),
      update: later(table.update),
      upsert: later(table.upsert),
    };
  };

  const sent: { readonly token: string; readonly at: number }[] = [];
  const waits: { readonly from: number; readonly to: number }[] = [];
  async function workOn(): Promise<void> {
    await pass(random.number() * 100);
    const invocation = world.worker({ tokens: slow(world.ports.tokens), random });
    const account = await readAccount(forConnection(invocation, 'main'));
    assert.ok('credentials' in account);
    while (time.now() - start < RUN) {
      const from = time.now();
      const credential = await account.credentials.current(invocation);
      if (time.now() > from) waits.push({ from, to: time.now() });
      if (!('mark' in credential)) {
        assert.equal(credential.reason.code, 'token-awaited');
        await pass(100);
        continue;
      }
      sent.push({ token: credential.fields.token, at: time.now() });
      await account.credentials.worked(invocation, credential);
      await pass(20 + random.number() * 60);
    }
    await account.credentials.settled();
  }
  let working = WORKERS;
  const all = Promise.all(Array.from({ length: WORKERS }, () => workOn().finally(() => (working -= 1))));
  all.catch(() => {});
  assert.equal(await time.run(() => working === 0, 1_000_000), 'done');
  await all;

  const expiryOf = new Map(issued.map(({ token, at }) => [token, at + LIFE]));
  assert.ok(sent.length > 10_000, `${sent.length} requests`);
  assert.deepEqual(
    sent.filter(({ token, at }) => at >= (expiryOf.get(token) ?? 0)),
    [],
    'no request with an expired token',
  );
  assert.equal(most, 1, 'never two refreshes under way');
  // A life ends for the workers where the next token begins; every token that was fetched was used.
  const lives = new Set(sent.map(({ token }) => token)).size;
  assert.ok(Math.abs(issued.length - lives) <= 1, `${issued.length} token calls, ${lives} lives`);
  assert.ok(
    issued.length >= RUN / (0.85 * LIFE + 200) && issued.length <= RUN / (0.75 * LIFE) + 1,
    `${issued.length} token calls`,
  );
  const first = issued[0]?.at ?? 0;
  const waited = waits.filter(({ from, to }) => from > first + A_MOMENT && to - from > A_MOMENT);
  assert.deepEqual(waited, [], 'nobody waits for a refresh while the old token is valid');
});
