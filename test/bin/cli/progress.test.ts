import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { it } from 'node:test';
import { showProgress } from '../../../bin/cli/progress.ts';

/** What is written of these log lines, outside a terminal. */
function told(...lines: readonly object[]): string {
  const out = new PassThrough();
  const progress = showProgress(out, ['orders']);
  for (const line of lines) progress.take(line);
  progress.end();
  return String(out.read() ?? '');
}

it('a wait that somebody would wonder about is told, once', () => {
  const held = { message: 'meter held', meter: 'shop/secret', reason: 'refused', seconds: 7_200 };
  assert.equal(told(held, held), 'the API asks for patience: the next request leaves in 7200 s\n');
  assert.equal(told({ ...held, reason: 'silence' }), 'the API does not answer: the next request leaves in 7200 s\n');
  assert.equal(told({ ...held, seconds: 4 }), '');
  const sync = { connection: 'main', stream: 'orders', sync: '20261122T115900000Z' };
  const parked = { message: 'sync parked', ...sync, until: '2026-11-22T20:00:00.000Z' };
  assert.equal(told(parked), 'orders waits until 2026-11-22T20:00:00.000Z\n');
});

it('a worker that failed is told in one line', () => {
  const failed = { message: 'task failed', kind: 'page', messages: 1, reason: 'out of luck\n    at somewhere' };
  assert.equal(told(failed, failed), 'a worker failed, its work is tried again: out of luck\n');
});
