import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import * as z from 'zod';
import { startEventSourceMapping } from '../../lib/local/event-source-mapping.ts';
import type { ProcessPool } from '../../lib/local/process-pool.ts';
import { createQueue } from '../../lib/local/queue.ts';
import { AWS, startSmall } from './small-stack.ts';
import { until } from './until.ts';
import { collectLogs, counts, send, worker } from './worker.ts';

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));

/** A mapping whose function answers as it is told. Time passes only as the test says. */
function startMapped(t: TestContext, answer: (ids: readonly string[]) => unknown) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const queue = createQueue({ name: 'q', arn: 'arn', url: 'url', visibilityTimeout: 30, delay: 0 });
  const batches: unknown[] = [];
  const pool: ProcessPool = {
    free: () => 1,
    invoke: async (event) => {
      const { Records } = eventSchema.parse(event);
      batches.push(Records.map(({ body, attributes }) => [body, Number(attributes.ApproximateReceiveCount)]));
      return { ok: true, result: JSON.stringify(answer(Records.map(({ messageId }) => messageId)) ?? null) };
    },
    stop: async () => {},
  };
  t.after(startEventSourceMapping({ queue, pool, batchSize: 10, reportsFailures: true, region: 'r' }));
  return { queue, batches };
}

const eventSchema = z.object({
  Records: z.array(
    z.object({
      messageId: z.string(),
      body: z.string(),
      attributes: z.object({ ApproximateReceiveCount: z.string() }),
    }),
  ),
});

/** Lets everything happen that waits for nothing but its turn. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await setImmediate();
}

describe('what a handler answers', () => {
  const failures = (ids: readonly unknown[]) => ({
    batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })),
  });
  const cases: readonly [title: string, answer: (ids: readonly string[]) => unknown, kept: number][] = [
    ['nothing: all are deleted', () => undefined, 0],
    ['an empty list: all are deleted', () => failures([]), 0],
    ['two messages: they are kept', (ids) => failures(ids.slice(1, 3)), 2],
    ['an unknown message: all are kept', () => failures(['x']), 4],
    ['a wrong shape: all are kept', () => 'fine', 4],
  ];
  for (const [title, answer, kept] of cases) {
    it(title, async (t) => {
      const { queue, batches } = startMapped(t, answer);
      for (const body of numbers(4)) queue.send({ body });
      await turns();
      assert.equal(batches.length, 1);
      assert.deepEqual(queue.counts(), { visible: 0, delayed: 0, inFlight: kept });
    });
  }

  it('a kept message comes back when its visibility ends, not before', async (t) => {
    const { queue, batches } = startMapped(t, (ids) => (ids.length > 1 ? failures(ids.slice(1)) : undefined));
    queue.send({ body: 'a' });
    queue.send({ body: 'b' });
    await turns();
    t.mock.timers.tick(29_999);
    await turns();
    assert.deepEqual(batches, [
      [
        ['a', 1],
        ['b', 1],
      ],
    ]);
    t.mock.timers.tick(1);
    await turns();
    assert.deepEqual(batches.slice(1), [[['b', 2]]]);
    assert.deepEqual(queue.counts(), { visible: 0, delayed: 0, inFlight: 0 });
  });

  it('an error: all are kept', async (t) => {
    const logs = collectLogs();
    const stack = await startSmall(t, { work: worker(`throw new Error('broken');`) }, logs);
    await send(stack, numbers(4));
    await until(() => logs.errors().length === 1);
    assert.deepEqual(await counts(stack, 'QUEUE_URL'), [0, 4]);
  });
});

/** Several at once: most of their time is waiting for timeouts. */
describe('an event source mapping', { concurrency: 4 }, () => {
  it('hands over a record as Lambda does', async (t) => {
    const logs = collectLogs();
    const stack = await startSmall(t, { work: worker('console.log(JSON.stringify({ record: Records[0] }));') }, logs);
    await send(stack, ['{"a":1}']);
    await until(() => logs.lines.some(({ json }) => json?.record !== undefined));
    const [record] = logs.lines.flatMap(({ json }) => json?.record ?? []);
    assert.partialDeepStrictEqual(record, {
      body: '{"a":1}',
      messageAttributes: {},
      md5OfBody: 'bb6cb5c68df4652941caf652a366f2d8',
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:small-api-Queue',
      awsRegion: 'us-east-1',
      attributes: { ApproximateReceiveCount: '1' },
    });
    assert.deepEqual(Object.keys(record ?? {}).sort(), [
      'attributes',
      'awsRegion',
      'body',
      'eventSource',
      'eventSourceARN',
      'md5OfBody',
      'messageAttributes',
      'messageId',
      'receiptHandle',
    ]);
  });

  it('works on as many full batches at once as there are processes', async (t) => {
    const logs = collectLogs();
    const wait = `while ((await fetch(process.env.AWS_ENDPOINT_URL + '/small-state-bucket/go', { headers })).status !== 200);`;
    const stack = await startSmall(t, { work: AWS + worker(wait) }, { ...logs, workers: 5 });
    await send(stack, numbers(30));
    await until(() => logs.batches().length === 2);
    assert.deepEqual(await counts(stack, 'QUEUE_URL'), [10, 20], 'MaximumConcurrency is 2');
    assert.equal(stack.idle(), false);
    const headers = { authorization: `AWS4-HMAC-SHA256 Credential=${stack.credentials.accessKeyId}/x` };
    await fetch(`${stack.endpoint}/small-state-bucket/go`, { method: 'PUT', headers });
    await until(() => stack.idle() && logs.batches().length === 3);
    const batches = logs.batches();
    assert.deepEqual(
      batches.map(({ batch }) => batch.length),
      [10, 10, 10],
    );
    assert.deepEqual(new Set(batches.flatMap(({ batch }) => batch)), new Set(numbers(30)));
    assert.ok(
      batches.some(({ invocations }) => invocations === 2),
      'a process is used again',
    );
  });

  describe('shows the messages of a dead process at once', { concurrency: 4 }, () => {
    const deaths: readonly [title: string, body: string, error: RegExp, timeout?: number][] = [
      ['that exited', 'process.exit(7);', /^The process ended with exit code 7\.$/],
      [
        'that threw where nobody catches',
        `setImmediate(() => { throw new Error('late'); }); await new Promise(() => {});`,
        /^late$/,
      ],
      ['that timed out', 'for (;;);', /^Task timed out after 1 seconds\.$/, 1],
      [
        'that ran out of memory',
        'for (const all = []; ; ) all.push({ x: [all.length] });',
        /ran out of memory \(64 MB\)/,
      ],
      [
        'that ran out of memory while it parsed one text, which V8 ends its whole process for',
        `JSON.parse('[' + '{},'.repeat(4_000_000) + '{}]');`,
        /ran out of memory \(64 MB\)/,
      ],
    ];
    for (const [title, body, error, timeout = 30] of deaths) {
      it(title, async (t) => {
        const logs = collectLogs();
        const work = worker(`if (receives[0] === 1) { ${body} }`);
        const stack = await startSmall(
          t,
          { work, timeout, visibilityTimeout: 360, memory: 64 },
          { ...logs, workers: 1 },
        );
        await send(stack, numbers(3));
        await until(() => stack.idle() && logs.batches().length === 2);
        assert.deepEqual(
          logs.batches().map(({ batch, receives, invocations }) => [batch, receives, invocations]),
          [
            [numbers(3), [1, 1, 1], 1],
            [numbers(3), [2, 2, 2], 1],
          ],
        );
        assert.equal(logs.errors().length, 1);
        assert.match(String(logs.errors()[0]), error);
      });
    }

    it('but for one that it had put off itself', async (t) => {
      const logs = collectLogs();
      const work = `${AWS}${worker(`
        if (receives[0] > 1) return;
        await aws('AmazonSQS.ChangeMessageVisibility', {
          QueueUrl: process.env.QUEUE_URL, ReceiptHandle: Records[0].receiptHandle, VisibilityTimeout: 100,
        });
        process.exit(1);`)}`;
      const stack = await startSmall(t, { work }, logs);
      await send(stack, ['put off', 'plain']);
      await until(() => logs.batches().length === 2);
      assert.deepEqual(logs.batches()[1]?.batch, ['plain']);
      await until(async () => (await counts(stack, 'QUEUE_URL')).join() === '0,1');
    });
  });

  it('leaves a poison message to the failures queue', async (t) => {
    const logs = collectLogs();
    const stack = await startSmall(t, { work: worker('process.exit(1);'), maxReceiveCount: 3 }, logs);
    await send(stack, ['poison']);
    await until(() => stack.idle() && logs.batches().length === 3);
    assert.deepEqual(
      logs.batches().map(({ receives }) => receives),
      [[1], [2], [3]],
    );
    assert.deepEqual(await counts(stack, 'FAILURES_QUEUE_URL'), [1, 0]);
  });
});
