import assert from 'node:assert/strict';
import { it } from 'node:test';
import { describeReceipt } from '../../../bin/cli/show-receipt.ts';
import type { Receipt } from '../../../lib/core/verdict/receipt.ts';

const COMPLETE: Receipt = {
  connector: 'shop',
  connection: 'main',
  stream: 'orders',
  sync: '20261122T173000000Z',
  revision: 1,
  mode: 'full',
  verdict: 'COMPLETE',
  evidence: 'count',
  reasons: [],
  expected: { records: 1_950, source: 'total' },
  pages: { planned: 20, fetched: 20, failed: 0 },
  records: { fetched: 1_950, delivered: 1_950, quarantined: 0, repeated: 0 },
  requests: { sent: 20, throttled: 0, retried: 0 },
  movement: { checked: 0, moved: 0, repaired: 0 },
  checked: { pages: 0, of: 0, moved: 0 },
  warnings: [],
  schema: [],
  watermark: { before: null, after: null },
  manifest: 'shop/main/orders/20261122T173000000Z/1/manifest.ndjson.gz',
  startedAt: '2026-11-22T17:30:00.000Z',
  finishedAt: '2026-11-22T17:30:01.250Z',
};
const INCOMPLETE: Receipt = {
  ...COMPLETE,
  ...{ verdict: 'INCOMPLETE', evidence: null, pages: { planned: 20, fetched: 19, failed: 1 } },
  reasons: [{ code: 'http-500', message: 'HTTP 500: the API failed', pages: [5] }],
};

it('a receipt for people says the verdict and where everything lies', () => {
  assert.equal(
    describeReceipt(COMPLETE, 'out/', '--state ./state'),
    `orders: COMPLETE by count (full)
  rests on the API's total of 1,950
  1,950 records delivered in 20 pages, 20 requests, 1.3 s
  records   out/shop/main/orders/20261122T173000000Z/parts
  manifest  out/shop/main/orders/20261122T173000000Z/1/manifest.ndjson.gz
  receipt   out/shop/main/orders/20261122T173000000Z/1/receipt.json
`,
  );
  assert.match(
    describeReceipt(COMPLETE, 's3://bucket', '--stage prod'),
    /^ {2}records {3}s3:\/\/bucket\/shop\/main\//m,
  );
});

it('where something is missing or set aside, it says what to type', () => {
  const failed = describeReceipt(INCOMPLETE, 'out', '--stage prod');
  assert.match(failed, /^ {2}why: HTTP 500: the API failed \(page 5\) \[http-500\]$/m);
  assert.match(failed, /^ {2}→ what came instead: npx headgate failures show shop --stage prod$/m);
  assert.match(describeReceipt(INCOMPLETE, 'out', undefined), /^ {2}→ with --state <folder> it can be looked at/m);
  const records = { ...COMPLETE.records, delivered: 1_940, quarantined: 10 };
  const schema = [{ path: '(record)', change: 'retyped', page: 2, sample: 'no date' } as const];
  const quarantined = describeReceipt({ ...COMPLETE, records, schema }, 'out', '--state s');
  assert.match(quarantined, /1,940 records delivered in 20 pages, 10 quarantined,/);
  assert.match(quarantined, /^ {2}schema: a record on page 2 cannot be read: no date$/m);
  assert.match(quarantined, /^ {2}→ once the schema is mended: npx headgate failures map shop --state s$/m);
});

it('what a verdict rests on is told with the second look', () => {
  const looked = { ...COMPLETE, checked: { pages: 9, of: 20, moved: 0 } };
  assert.match(
    describeReceipt(looked, 'out', undefined),
    /^ {2}rests on the API's total of 1,950, and a second look at 9 of 20 pages, none had changed$/m,
  );
  const end = { ...looked, evidence: 'end', checked: { pages: 9, of: 20, moved: 1 } } as const;
  assert.match(
    describeReceipt(end, 'out', undefined),
    /^ {2}rests on the API's own end, and .* of 20 pages, records had moved in 1$/m,
  );
});

it('a reason stands once, with all of its pages', () => {
  const [reason] = INCOMPLETE.reasons;
  assert.ok(reason);
  const twice = { ...INCOMPLETE, reasons: [reason, { ...reason, pages: [7, 5] }] };
  assert.deepEqual(describeReceipt(twice, 'out', undefined).match(/why: .*/g), [
    'why: HTTP 500: the API failed (page 5, 7) [http-500]',
  ]);
});

it('what the simulator made up is called simulated, and other warnings are told', () => {
  const warnings = [
    { code: 'simulated', message: 'the simulator answered' },
    { code: 'clock', message: 'a date lies in the future' },
  ];
  const shown = describeReceipt({ ...COMPLETE, warnings }, 'out', undefined);
  assert.match(shown, /^orders: COMPLETE by count \(full, simulated\)$/m);
  assert.deepEqual(shown.match(/note: .*/g), ['note: a date lies in the future']);
});

it('what was accepted asks for nothing more', () => {
  const accepted = { reason: 'it was deleted', at: '2026-11-22T18:00:00.000Z' };
  const shown = describeReceipt({ ...INCOMPLETE, accepted }, 'out', '--stage prod');
  assert.match(shown, /^ {2}accepted: it was deleted$/m);
  assert.doesNotMatch(shown, /→/);
});
