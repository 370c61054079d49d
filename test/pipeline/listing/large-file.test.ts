import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { it } from 'node:test';

const MB = 1_000_000;

it('200 MB of CSV become several parts, in a worker of 512 MB', () => {
  const file = join(import.meta.dirname, 'read-large-file.ts');
  const printed = execFileSync(process.execPath, ['--max-old-space-size=192', file, String(200 * MB)], {
    encoding: 'utf8',
  });
  const { verdict, reasons, delivered, expected, parts, megabytes } = JSON.parse(printed);
  assert.deepEqual([verdict, reasons], ['COMPLETE', []]);
  assert.equal(delivered, expected);
  assert.ok(parts >= 20, `${parts} parts`);
  assert.ok(megabytes <= 512, `${megabytes} MB`);
});
