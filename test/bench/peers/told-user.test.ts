import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { SystemName } from '../../../bench/peers/systems.ts';
import { toldUser } from '../../../bench/peers/told-user.ts';

function told(system: SystemName, stdout: string, stderr: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'told-'));
  const streams = { stdout: join(folder, 'stdout'), stderr: join(folder, 'stderr') };
  writeFileSync(streams.stdout, stdout);
  writeFileSync(streams.stderr, stderr);
  const words = toldUser(system, streams);
  rmSync(folder, { recursive: true });
  return words;
}

test('the last exception is told with all of its message', () => {
  const stderr = 'Traceback (most recent call last):\na.b.FirstError: x\n\nc.SecondError: one\ntwo\n';
  assert.equal(told('dlt pipeline', '', stderr), 'c.SecondError: one two');
});

test('a retry that is logged as information is no trouble', () => {
  assert.equal(told('singer', '', '2026 | INFO | Backing off (RetriableAPIError: 500)\n'), '');
  assert.equal(told('singer', '', '2026 | WARNING | odd\n'), '2026 | WARNING | odd');
});

test('an error trace is preferred to a log line of Airbyte', () => {
  const log = '{"type":"LOG","log":{"level":"ERROR","message":"logged"}}';
  const trace = '{"type":"TRACE","trace":{"type":"ERROR","error":{"message":"traced \\"it\\""}}}';
  assert.equal(told('airbyte', `${log}\n${trace}\n`, ''), 'traced "it"');
  assert.equal(told('airbyte', `${log}\n`, ''), 'logged');
});

test('ports of this run are left out', () => {
  assert.equal(
    told('loop', '', 'Error: no answer of http://127.0.0.1:4567/rows\n    at file.ts:1\n'),
    'Error: no answer of http://127.0.0.1/rows',
  );
});
