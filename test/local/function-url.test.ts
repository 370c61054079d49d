import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Outcome } from '../../lib/local/function-process.ts';
import { serveFunction } from '../../lib/local/function-url.ts';

it('a function behind a URL that is closed answers what is under way', async () => {
  const asked = Promise.withResolvers<void>();
  const outcome = Promise.withResolvers<Outcome>();
  const invoke = (): Promise<Outcome> => {
    asked.resolve();
    return outcome.promise;
  };
  const served = await serveFunction({ invoke }, 0);
  const reply = fetch(served.url);
  await asked.promise;
  const closed = served.close();
  await assert.rejects(fetch(served.url), 'no more requests are taken');
  outcome.resolve({ ok: true, result: JSON.stringify({ statusCode: 200, body: 'Thank you.' }) });
  assert.equal(await (await reply).text(), 'Thank you.');
  await closed;
});
