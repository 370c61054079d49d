import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createQueue, type DeadLetter, type Delivery, type Queue, type QueueOptions } from '../../lib/local/queue.ts';

const START = 1_000_000;

/** A test in which time passes only when it says so, in seconds. */
const timed = (title: string, run: (pass: (seconds: number) => void) => void) =>
  it(title, (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: START });
    run((seconds) => t.mock.timers.tick(seconds * 1_000));
  });

const queue = (options: Partial<QueueOptions> = {}): Queue =>
  createQueue({ name: 'q', arn: 'arn', url: 'url', visibilityTimeout: 30, delay: 0, ...options });

function receiveOne(from: Queue): Delivery {
  const [delivery] = from.receive(1);
  assert.ok(delivery);
  return delivery;
}

describe('a queue', () => {
  timed('delivers what was sent, and says when', (pass) => {
    const q = queue();
    const id = q.send({ body: 'a', group: 'g' });
    pass(2);
    const { receipt, ...delivery } = receiveOne(q);
    assert.deepEqual(delivery, {
      id,
      body: 'a',
      group: 'g',
      sentAt: START,
      firstReceivedAt: START + 2_000,
      receives: 1,
    });
    q.remove(receipt);
    pass(60);
    assert.deepEqual(q.counts(), { visible: 0, delayed: 0, inFlight: 0 });
  });

  timed('delivers at most as many as asked for, and nothing twice', () => {
    const q = queue();
    for (let i = 0; i < 25; i += 1) q.send({ body: String(i) });
    const bodies = [q.receive(10), q.receive(10), q.receive(10), q.receive(10)].map((batch) =>
      batch.map((d) => d.body),
    );
    assert.deepEqual(
      bodies.map((batch) => batch.length),
      [10, 10, 5, 0],
    );
    assert.equal(new Set(bodies.flat()).size, 25);
  });

  timed('shows a message again when its visibility ends, with the receive counted', (pass) => {
    const q = queue();
    q.send({ body: 'a' });
    receiveOne(q);
    pass(29.999);
    assert.deepEqual(q.receive(1), []);
    pass(0.001);
    const again = receiveOne(q);
    assert.equal(again.receives, 2);
    assert.equal(again.firstReceivedAt, START);
  });

  timed('keeps a delayed message back, by its own delay or the queue’s', (pass) => {
    const q = queue({ delay: 5 });
    q.send({ body: 'queue' });
    q.send({ body: 'own', delay: 8 });
    q.send({ body: 'none', delay: 0 });
    const due = () => q.receive(10).map(({ body }) => body);
    assert.deepEqual(q.counts(), { visible: 1, delayed: 2, inFlight: 0 });
    assert.deepEqual(due(), ['none']);
    pass(5);
    assert.deepEqual(due(), ['queue']);
    pass(3);
    assert.deepEqual(due(), ['own']);
  });

  timed('tells when messages become visible', (pass) => {
    const q = queue();
    let heard = 0;
    q.onVisible(() => {
      heard += 1;
    });
    q.send({ body: 'a', delay: 10 });
    assert.equal(heard, 0);
    pass(10);
    assert.equal(heard, 1);
    receiveOne(q);
    pass(30);
    assert.equal(heard, 2);
  });

  timed('changes how long a message stays hidden', (pass) => {
    const q = queue();
    q.send({ body: 'a' });
    const { receipt } = receiveOne(q);
    assert.ok(q.changeVisibility(receipt, 100));
    pass(99);
    assert.deepEqual(q.receive(1), []);
    pass(1);
    const again = receiveOne(q);
    assert.ok(q.changeVisibility(again.receipt, 0));
    assert.equal(receiveOne(q).receives, 3);
  });

  timed('takes a receipt only as long as it is the latest and the message is in flight', (pass) => {
    const q = queue();
    q.send({ body: 'a' });
    const stale = receiveOne(q).receipt;
    pass(30);
    assert.equal(q.changeVisibility(stale, 10), false, 'visible again');
    const { receipt } = receiveOne(q);
    assert.equal(q.changeVisibility(stale, 10), false, 'received again');
    q.remove(stale);
    assert.deepEqual(q.counts(), { visible: 0, delayed: 0, inFlight: 1 });
    q.remove(receipt);
    assert.deepEqual(q.counts(), { visible: 0, delayed: 0, inFlight: 0 });
  });

  timed('deletes a message that is visible again by its latest receipt', (pass) => {
    const q = queue();
    q.send({ body: 'a' });
    const { receipt } = receiveOne(q);
    pass(30);
    q.remove(receipt);
    assert.deepEqual(q.receive(1), []);
  });

  timed('gives a message back at once, unless its receiver chose a time', () => {
    const q = queue();
    q.send({ body: 'plain' });
    q.send({ body: 'deferred' });
    const [plain, deferred] = q.receive(2);
    assert.ok(plain && deferred);
    q.changeVisibility(deferred.receipt, 60);
    q.giveBack(deferred.receipt);
    q.giveBack(plain.receipt);
    assert.deepEqual(
      q.receive(10).map(({ body, receives }) => [body, receives]),
      [['plain', 2]],
    );
  });

  timed('moves a message on that was received too often', (pass) => {
    const moved: DeadLetter[] = [];
    const q = queue({ deadLetters: { maxReceiveCount: 2, move: (letter) => moved.push(letter) } });
    const id = q.send({ body: 'poison' });
    q.send({ body: 'late', delay: 60 });
    receiveOne(q);
    pass(30);
    receiveOne(q);
    pass(30);
    assert.deepEqual(
      q.receive(10).map(({ body }) => body),
      ['late'],
    );
    assert.deepEqual(
      moved.map((letter) => [letter.id, letter.body, letter.receives, letter.sentAt]),
      [[id, 'poison', 2, START]],
    );
    assert.deepEqual(q.counts(), { visible: 0, delayed: 0, inFlight: 1 });
  });
});
