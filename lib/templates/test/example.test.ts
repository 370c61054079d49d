import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { folderSource, readReceipts, readRecords } from 'headgate/read';
import { simulate } from 'headgate/simulator';
import example from '../connectors/example.ts';

test('every record of the API is delivered', async (t) => {
  const api = await simulate(example, { records: 250 });
  t.after(() => api.stop());
  const out = await mkdtemp(join(tmpdir(), 'example-'));
  t.after(() => rm(out, { recursive: true }));
  await promisify(execFile)(
    'npx',
    ['headgate', 'run', './connectors/example.ts', '--param', `url=${api.url}`, '--out', out],
    { env: { ...process.env, HEADGATE_SECRET: JSON.stringify(api.secret) } },
  );
  for await (const stored of readReceipts(folderSource(out))) {
    assert.equal(stored.receipt.verdict, 'COMPLETE');
    assert.equal((await Array.fromAsync(readRecords(stored))).length, 250);
  }
});
