import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { headgate, readRecords, temporaryFolder } from './headgate.ts';
import { startStrictApi } from './strict-api.ts';

const PACED = join(import.meta.dirname, '../../bench/paced-connector.ts');
const PAGES = 60;

/** One run against an API that counts with a sliding window of its own. */
async function run(t: Parameters<typeof temporaryFolder>[0], real: number, declared: object[]) {
  const api = await startStrictApi([{ requests: real, window: 1_000 }], PAGES);
  t.after(() => api.stop());
  const out = join(await temporaryFolder(t), 'out');
  const params = ['--param', `url=${api.url}`, '--param', `limits=${JSON.stringify(declared)}`];
  const ran = await headgate(['run', PACED, ...params, '--out', out, '--json'], {
    env: { HEADGATE_SECRET: '{"token":"t"}' },
  });
  const [receipt] = ran.receipts;
  assert.ok(receipt, ran.stderr);
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(new Set(readRecords(out, receipt).map(({ id }) => id)).size, 10 * PAGES);
  return { receipt, refused: (await api.arrivals()).filter(({ refused }) => refused).length };
}

it('a run stays below the limit that its connector declares', async (t) => {
  // Twice as much as is declared: whatever this machine delays, the API has no reason to refuse.
  const { receipt, refused } = await run(t, 80, [{ requests: 40, per: '1 second' }]);
  assert.equal(refused, 0);
  const seconds = (Date.parse(receipt.finishedAt) - Date.parse(receipt.startedAt)) / 1_000;
  assert.ok(seconds > PAGES / 40 - 0.1, `${seconds} s`);
});

for (const [what, declared] of [
  ['is half of what was declared', [{ requests: 40, per: '1 second' }]],
  ['nobody declared', []],
] as const) {
  it(`an API whose limit ${what} refuses some, and no page is lost`, async (t) => {
    const { receipt, refused } = await run(t, 20, [...declared]);
    assert.ok(refused > 0);
    assert.deepEqual([receipt.requests.throttled, receipt.pages.failed], [refused, 0]);
    assert.equal(receipt.verdict, 'COMPLETE');
  });
}
