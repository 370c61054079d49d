import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { importForeign } from '../../../bin/cli/import-foreign.ts';
import { VERSION } from '../../../lib/core/version.ts';

for (const type of ['commonjs', 'module', undefined])
  test(`a file is loaded beside a package.json of type ${type}, with the program's own modules`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'headgate-test-'));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type }));
    writeFileSync(join(folder, 'name.ts'), `export const name: string = 'other';`);
    writeFileSync(
      join(folder, 'given.ts'),
      `import { none } from 'headgate/connector';\nimport { name } from './name.ts';\nexport default [none().kind, name];`,
    );
    assert.deepEqual((await importForeign(join(folder, 'given.ts'))).default, ['none', 'other']);
  });

test('the sentence about a file that cannot be loaded names the line', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'given.mjs'), `const version = '${VERSION}';\nversion.missing.field;`);
  await assert.rejects(importForeign(join(folder, 'given.mjs')), /"given\.mjs" cannot be loaded: line 2: TypeError/);
});
