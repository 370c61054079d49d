import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeRun } from '../../../bench/peers/judge-run.ts';

test('rows that are missing after exit code 0 are a loss', () => {
  assert.equal(judgeRun(1, 0), 'loss');
  assert.equal(judgeRun(0, 0), 'all');
});

test('another exit code says that rows are missing, or is a false alarm', () => {
  assert.equal(judgeRun(3, 2), 'said');
  assert.equal(judgeRun(0, 2), 'alarm');
});

test('a run that had to be stopped is stopped, whatever it delivered', () => {
  assert.equal(judgeRun(0, undefined), 'stopped');
});
