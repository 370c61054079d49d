import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualClock } from './clock.ts';
import { memoryQueue } from './task-queue.ts';

const VISIBILITY = 30;
const group = 'acme';

function setup(count = 1) {
  const clock = manualClock(1_000);
  const queue = memoryQueue<number>(clock, VISIBILITY);
  return { clock, queue, sent: queue.send(Array.from({ length: count }, (_, task) => ({ task, group }))) };
}

test('a received message is hidden for the visibility timeout, and its receives are counted', async () => {
  const { clock, queue, sent } = setup();
  await sent;
  assert.deepEqual(
    queue.receive(10).map(({ task, receives }) => [task, receives]),
    [[0, 1]],
  );
  clock.advance(VISIBILITY * 1_000 - 1);
  assert.deepEqual(queue.receive(10), []);
  assert.equal(queue.next(), clock.now() + 1);
  clock.advance(1);
  assert.deepEqual(
    queue.receive(10).map(({ task, receives }) => [task, receives]),
    [[0, 2]],
  );
});

test('at most as many as asked for, the oldest first', async () => {
  const { queue, sent } = setup(5);
  await sent;
  assert.deepEqual(
    queue.receive(2).map(({ task }) => task),
    [0, 1],
  );
  assert.deepEqual(
    queue.receive(10).map(({ task }) => task),
    [2, 3, 4],
  );
});

test('a removed message never comes back', async () => {
  const { clock, queue, sent } = setup();
  await sent;
  for (const { receipt } of queue.receive(1)) queue.remove(receipt);
  assert.equal(queue.next(), undefined);
  clock.advance(VISIBILITY * 1_000);
  assert.deepEqual(queue.receive(1), []);
});

test('a released message comes back when it was said to', async () => {
  const { clock, queue, sent } = setup();
  await sent;
  for (const { receipt } of queue.receive(1)) queue.release(receipt, 5);
  assert.equal(queue.next(), clock.now() + 5_000);
  clock.advance(5_000);
  assert.deepEqual(
    queue.receive(1).map(({ receives }) => receives),
    [2],
  );
});

test('a receipt of an earlier receive does nothing', async () => {
  const { clock, queue, sent } = setup();
  await sent;
  const [first] = queue.receive(1);
  clock.advance(VISIBILITY * 1_000);
  assert.equal(queue.receive(1).length, 1);
  queue.remove(first?.receipt ?? '');
  queue.release(first?.receipt ?? '', 0);
  assert.deepEqual(queue.receive(1), []);
  assert.equal(queue.next(), clock.now() + VISIBILITY * 1_000);
});

test('what is visible cannot be released: it is in nobody’s hands', async () => {
  const { clock, queue, sent } = setup();
  await sent;
  const [first] = queue.receive(1);
  clock.advance(VISIBILITY * 1_000);
  queue.release(first?.receipt ?? '', 60);
  assert.equal(queue.receive(1).length, 1);
});
