import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { deliveredIds, idsIn } from '../../../bench/peers/delivered-ids.ts';
import type { Job } from '../../../bench/peers/job.ts';

test('ids are read with all their digits, each as often as it came', () => {
  const lines = '{"id": 9007199254740993, "name": "a"}\n{"id":2,"_dlt_id":"x"}\n{"id":2}\n';
  assert.deepEqual(idsIn(lines, { paging: 'pages' }, 'lines'), ['9007199254740993', '2', '2']);
});

test('of messages only records count, and not those of parents', () => {
  const lines = [
    '{"type":"SCHEMA","stream":"children","id":1}',
    '{"type":"RECORD","stream":"parents","record":{"id":2}}',
    '{"type":"RECORD","record":{"stream":"children","data":{"id":3}}}',
  ].join('\n');
  assert.deepEqual(idsIn(lines, { paging: 'parents' }, 'messages'), ['3']);
});

test('a file that was cut off is read as far as it goes', async () => {
  const out = await mkdtemp(join(tmpdir(), 'delivered-'));
  const job: Job = { url: '', out, paging: 'pages', size: 100, streams: ['rows'], auth: 'none' };
  const lines = Array.from({ length: 5_000 }, (_, id) => `{"id":${id},"name":"${Math.sin(id)}"}\n`).join('');
  const whole = gzipSync(lines);
  await writeFile(join(out, 'rows.ndjson.gz'), whole.subarray(0, whole.length / 2));
  const ids = deliveredIds({ results: 'lines' }, job);
  await rm(out, { recursive: true });
  assert.ok(ids.length > 1_000 && ids.length < 5_000);
  assert.deepEqual(ids.slice(0, 3), ['0', '1', '2']);
});
