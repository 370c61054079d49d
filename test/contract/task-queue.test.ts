import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { GetQueueAttributesCommand, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { sqsQueue } from '../../lib/aws/task-queue.ts';
import type { TaskQueue } from '../../lib/pipeline/ports.ts';
import { manualClock } from '../memory/clock.ts';
import { memoryQueue } from '../memory/task-queue.ts';
import { type Embedded, startEmbedded } from './embedded.ts';
import { type Fauxqs, startFauxqs } from './fauxqs.ts';
import { testWithGap } from './gap.ts';
import { makeQueues, namedEndpoint } from './named-endpoint.ts';

/** A queue and the two looks at it that the port does not have. */
type Bench = {
  readonly queue: TaskQueue<unknown>;
  /** Takes all messages that are visible. */
  take(): Promise<readonly { readonly task: unknown; readonly group: string | undefined }[]>;
  /** How many messages are not visible yet. */
  delayed(): Promise<number>;
};

type Gap = 'a message tells its group';

const MAX_BYTES = 1_048_576;
const group = 'acme';

/** What every `TaskQueue` does. `make`: an empty one. */
function taskQueueContract(make: () => Bench, gaps: readonly Gap[]): void {
  test('all of 25 tasks arrive, once each', async () => {
    const { queue, take } = make();
    const tasks = Array.from({ length: 25 }, (_, index) => ({
      kind: 'pages',
      from: index,
      nested: { open: [1, 'a', null] },
    }));
    await queue.send(tasks.map((task) => ({ task, group })));
    const taken = (await take()).map(({ task }) => task);
    assert.deepEqual(taken.map(textOf).sort(), tasks.map(textOf).sort());
  });

  test('no tasks are no messages', async () => {
    const { queue, take } = make();
    await queue.send([]);
    assert.deepEqual(await take(), []);
  });

  testWithGap(gaps, 'a message tells its group', async () => {
    const { queue, take } = make();
    await queue.send([{ task: 1, group }]);
    assert.deepEqual(await take(), [{ task: 1, group }]);
  });

  test('a group may be any text', async () => {
    const { queue, take } = make();
    for (const odd of ['Grüße an alle', 'a'.repeat(200), '#"\\ \n\u{1F600}'])
      await queue.send([{ task: odd, group: odd }]);
    assert.equal((await take()).length, 3);
  });

  test('text arrives as it was, whatever it holds', async () => {
    const { queue, take } = make();
    const text = 'é\u{1F600}\ufffe\uffff\u0000\u0007\u007f\n"\\ \ud800';
    await queue.send([{ task: { text }, group }]);
    assert.deepEqual(
      (await take()).map(({ task }) => task),
      [{ text }],
    );
  });

  test('messages that are too much for one request arrive', async () => {
    const { queue, take } = make();
    const tasks = ['a', 'b', 'c', 'd', 'e'].map((letter) => letter.repeat(300_000));
    await queue.send(tasks.map((task) => ({ task, group })));
    assert.deepEqual((await take()).map(({ task }) => task).sort(), tasks);
  });

  test('a message has at most 1 MiB, with its quotes; if one is larger, none is sent', async () => {
    const { queue, take } = make();
    const largest = 'a'.repeat(MAX_BYTES - 2);
    await assert.rejects(
      queue.send([
        { task: 1, group },
        { task: `${largest}a`, group },
      ]),
    );
    assert.deepEqual(await take(), []);
    await queue.send([{ task: largest, group }]);
    assert.deepEqual(
      (await take()).map(({ task }) => task),
      [largest],
    );
  });

  test('a delayed message waits', async () => {
    const { queue, take, delayed } = make();
    await queue.send([
      { task: 'later', group, delay: 900 },
      { task: 'now', group, delay: 0 },
    ]);
    assert.deepEqual(
      (await take()).map(({ task }) => task),
      ['now'],
    );
    assert.equal(await delayed(), 1);
  });

  for (const delay of [-1, 0.5, 901, Number.NaN]) {
    test(`a delay of ${delay} s: refused, and nothing sent`, async () => {
      const { queue, take } = make();
      await assert.rejects(
        queue.send([
          { task: 1, group },
          { task: 2, group, delay },
        ]),
        RangeError,
      );
      assert.deepEqual(await take(), []);
    });
  }
}

const textOf = (task: unknown): string => JSON.stringify(task);

describe('TaskQueue in memory', () =>
  taskQueueContract(() => {
    const clock = manualClock(0);
    const queue = memoryQueue<unknown>(clock, 30);
    return {
      queue,
      take: async () => queue.receive(100).map(({ task, group }) => ({ task, group })),
      delayed: async () => {
        clock.advance(900_000 - 1);
        const early = queue.receive(100).filter(({ receives }) => receives === 1).length;
        clock.advance(1);
        return queue.receive(100).filter(({ receives }) => receives === 1).length - early;
      },
    };
  }, []));

describe('TaskQueue on SQS (fauxqs)', () => {
  let fauxqs: Fauxqs;
  before(async () => {
    fauxqs = await startFauxqs();
  });
  after(() => fauxqs.stop());

  let queues = 0;
  taskQueueContract(
    () => sqsBench(fauxqs.sqs, fauxqs.server.createQueue(`queue-${queues++}`).queueUrl),
    ['a message tells its group'],
  );
});

describe('TaskQueue on SQS (embedded)', () => {
  let embedded: Embedded;
  before(async () => {
    embedded = await startEmbedded();
  });
  after(() => embedded.stop());
  taskQueueContract(() => sqsBench(embedded.sqs, embedded.makeQueue()), []);
});

const endpoint = namedEndpoint('SQS');
if (endpoint !== undefined) {
  describe(`TaskQueue on SQS (${endpoint})`, () => {
    let named: Awaited<ReturnType<typeof makeQueues>>;
    before(async () => {
      named = await makeQueues(endpoint, 30);
    });
    after(() => named.stop());
    taskQueueContract(() => sqsBench(named.client, named.take()), []);
  });
}

function sqsBench(client: SQSClient, url: string): Bench {
  const receive = new ReceiveMessageCommand({
    QueueUrl: url,
    MaxNumberOfMessages: 10,
    MessageSystemAttributeNames: ['MessageGroupId'],
  });
  const count = new GetQueueAttributesCommand({
    QueueUrl: url,
    AttributeNames: ['ApproximateNumberOfMessagesDelayed'],
  });
  const take: Bench['take'] = async () => {
    const { Messages = [] } = await client.send(receive);
    const taken = Messages.map(({ Body = '', Attributes }) => ({
      task: JSON.parse(Body),
      group: Attributes?.MessageGroupId,
    }));
    return taken.length === 0 ? [] : [...taken, ...(await take())];
  };
  return {
    queue: sqsQueue<unknown>(client, url),
    take,
    delayed: async () => Number((await client.send(count)).Attributes?.ApproximateNumberOfMessagesDelayed),
  };
}
