import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VERSION } from '../../lib/core/version.ts';
import manifest from '../../package.json' with { type: 'json' };

test('the version that the program tells is that of its package', () => {
  assert.equal(VERSION, manifest.version);
});
