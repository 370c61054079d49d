import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { firstTimeOf, newWorkerMemory } from '../../lib/pipeline/invocation.ts';

describe('what a worker came upon before', () => {
  it('is new once for each worker', () => {
    const isNew = firstTimeOf(10);
    const [one, other] = [{ memory: newWorkerMemory() }, { memory: newWorkerMemory() }];
    assert.deepEqual([isNew(one, 'a'), isNew(one, 'a'), isNew(other, 'a'), isNew(one, 'b')], [true, false, true, true]);
  });

  it('is forgotten, the oldest first, when more has come than is kept', () => {
    const isNew = firstTimeOf(2);
    const worker = { memory: newWorkerMemory() };
    for (const name of ['a', 'b', 'c']) assert.equal(isNew(worker, name), true);
    assert.deepEqual([isNew(worker, 'b'), isNew(worker, 'c'), isNew(worker, 'a')], [false, false, true]);
  });
});
