import assert from 'node:assert/strict';
import { test } from 'node:test';

/**
 * A test of something AWS does and an emulator may not. A known gap is expected to be there: the test fails when the
 * emulator starts to behave, and its entry has to go.
 */
export function testWithGap<G extends string>(gaps: readonly G[], name: G, body: () => Promise<void>): void {
  if (!gaps.includes(name)) test(name, body);
  else test(`${name} (known gap: this emulator does not)`, () => assert.rejects(body, assert.AssertionError));
}
