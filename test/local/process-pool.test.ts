import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FunctionProcess, Outcome } from '../../lib/local/function-process.ts';
import { createProcessPool } from '../../lib/local/process-pool.ts';

const DONE: Outcome = { ok: true, result: 'null' };

/** A pool of two whose processes answer when they are told to. */
function world() {
  const answers: ((outcome: Outcome) => void)[] = [];
  let started = 0;
  const start = (): FunctionProcess => {
    started += 1;
    const ended = Promise.withResolvers<void>();
    return {
      function: 'work',
      dead: false,
      invoke: () => new Promise((resolve) => answers.push(resolve)),
      kill: () => ended.resolve(),
      ended: ended.promise,
    };
  };
  return { pool: createProcessPool(2, start, () => {}), answers, started: () => started };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test('a task that comes just before a process is free waits for that one', async () => {
  const { pool, answers, started } = world();
  const first = pool.invoke({});
  await settled();
  const second = pool.invoke({});
  await settled();
  answers[0]?.(DONE);
  await first;
  await settled();
  answers[1]?.(DONE);
  assert.deepEqual([await second, started()], [DONE, 1]);
  await pool.stop(0);
});

test('a task for which no process becomes free soon gets one of its own', async () => {
  const { pool, answers, started } = world();
  const both = [pool.invoke({}), pool.invoke({})];
  while (answers.length < 2) await settled();
  assert.equal(started(), 2);
  for (const answer of answers) answer(DONE);
  assert.deepEqual(await Promise.all(both), [DONE, DONE]);
  await pool.stop(0);
});
