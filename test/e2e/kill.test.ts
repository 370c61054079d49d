import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import practice from '../../lib/connectors/practice.ts';
import { simulate } from '../../lib/simulator/simulate.ts';
import { headgate, readRecords, temporaryFolder } from './headgate.ts';

const RECORDS = 5_050;
/** Requests at which the run is killed, counted from its start, a third of all together; the last run is left alone. */
const KILLS = [1, 20, 40];

it('a run that is killed again and again goes on with the same --state, and ends with the same records', async (t) => {
  const folder = await temporaryFolder(t);
  const api = await simulate(practice, { records: RECORDS });
  t.after(() => api.stop());
  const total = (): number => Object.values(api.requests()).reduce((sum, count) => sum + count, 0);
  const out = join(folder, 'out');
  const args = [
    'run',
    'practice',
    '--param',
    `url=${api.url}`,
    '--json',
    '--out',
    out,
    '--state',
    join(folder, 'state'),
  ];

  for (const kill of KILLS) {
    const death = new AbortController();
    const goal = total() + kill;
    const watch = setInterval(() => total() >= goal && death.abort(), 1);
    const { code } = await headgate(args, { signal: death.signal }).finally(() => clearInterval(watch));
    assert.equal(code, null, 'the run was killed before it could end');
  }

  const { code, receipts, stderr } = await headgate(args);
  assert.equal(code, 0, stderr);
  assert.equal(receipts.length, 4);
  for (const receipt of receipts) {
    assert.equal(receipt.verdict, 'COMPLETE', receipt.stream);
    assert.equal(receipt.mode, 'full', receipt.stream);
    const records = readRecords(out, receipt);
    const key = receipt.stream === 'invoices' ? 'number' : 'id';
    assert.equal(new Set(records.map((record) => record[key])).size, RECORDS, receipt.stream);
    assert.equal(records.length, RECORDS, receipt.stream);
  }
});
