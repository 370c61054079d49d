import assert from 'node:assert/strict';
import { isAbsolute } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { connectors } from '../../lib/connectors/index.ts';

for (const [name, { connector, file }] of Object.entries(connectors)) {
  test(`${name} is registered under its own name, and its file exports it`, async () => {
    assert.equal(connector.name, name);
    assert.ok(isAbsolute(file));
    const loaded: { default: unknown } = await import(pathToFileURL(file).href);
    assert.equal(loaded.default, connector);
  });
}
