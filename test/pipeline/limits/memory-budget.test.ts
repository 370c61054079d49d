import assert from 'node:assert/strict';
import { it } from 'node:test';
import { newWorkerMemory } from '../../../lib/pipeline/invocation.ts';
import { holdMemory } from '../../../lib/pipeline/limits/memory-budget.ts';
import { honest, numbered, rows } from '../kinds.ts';
import { makeWorld } from '../world.ts';

const MB = 1_000_000;

it('a worker holds 256 MB of answers, and one of any size', () => {
  const worker = { memory: newWorkerMemory() };
  const one = holdMemory(worker);
  const [first, second, third] = [one.reserve(), one.reserve(), one.reserve()];
  assert.equal(first?.settle(400 * MB), true);
  assert.equal(second?.settle(1), false);
  assert.equal(third?.settle(1), false);
  one[Symbol.dispose]();
  const other = holdMemory(worker);
  const [small, large] = [other.reserve(), other.reserve()];
  assert.equal(small?.settle(100 * MB), true);
  assert.equal(large, undefined, 'the next one is expected to be as large as the last');
});

it('what is expected falls while answers are small, so that more are asked for at once', () => {
  const worker = { memory: newWorkerMemory() };
  for (const bytes of [200 * MB, ...Array.from({ length: 40 }, () => MB)]) {
    using holding = holdMemory(worker);
    holding.reserve()?.settle(bytes);
  }
  using holding = holdMemory(worker);
  const reserved = Array.from({ length: 30 }, () => holding.reserve());
  assert.ok(reserved.every((each) => each !== undefined));
});

it('a sync whose pages do not fit into a worker together is COMPLETE, and no page of it has failed', async () => {
  const PAGES = 8;
  // 1.2 MB of empty lists take some 50 MB when they are parsed: 40 of them would take 2 GB.
  const lists = `[${Array(400_000).fill('[]').join(',')}]`;
  let requests = 0;
  /** Answers since something was committed, and the most of them. */
  let [held, most] = [0, 0];
  const api = honest(rows(PAGES * 10));
  const world = makeWorld({
    connector: numbered(true),
    metered: (table) => ({
      ...table,
      update: (...write) => {
        held = 0;
        return table.update(...write);
      },
    }),
    api: (request) => {
      requests += 1;
      held += 1;
      most = Math.max(most, held);
      const reply = api(request);
      assert.ok('body' in reply);
      const text = new TextDecoder().decode(reply.body);
      return { ...reply, body: new TextEncoder().encode(`${text.slice(0, -1)},"lists":${lists}}`) };
    },
  });
  const receipt = await world.sync('rows');
  assert.deepEqual([receipt.verdict, receipt.records.delivered], ['COMPLETE', PAGES * 10]);
  assert.equal(receipt.requests.sent, requests);
  assert.ok(most > 1 && most <= 5, `${most} answers were held at once`);
});
