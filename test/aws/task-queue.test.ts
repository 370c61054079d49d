import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { sqsQueue } from '../../lib/aws/task-queue.ts';
import type { TaskQueue } from '../../lib/pipeline/ports.ts';
import { credentials } from '../contract/emulator.ts';
import { type Stub, startStub } from './stub.ts';

const batch = z.object({
  Entries: z.array(z.object({ Id: z.string(), MessageBody: z.string(), MessageGroupId: z.string() })).max(10),
});

describe('SQS as AWS has it and an emulator has not', () => {
  /** Bodies of the messages that SQS took, and of those it was offered, request by request. */
  let taken: string[];
  let offered: string[][];
  /** What SQS says of a message, by its body and the number of the request; nothing: it takes it. */
  let complaint: (body: string, request: number) => { SenderFault: boolean } | undefined;
  let stub: Stub;
  let queue: TaskQueue<unknown>;
  before(async () => {
    stub = await startStub(({ input }) => {
      const { Entries } = batch.parse(input);
      const request = offered.push(Entries.map(({ MessageBody }) => MessageBody));
      const judged = Entries.map(({ Id, MessageBody: body }) => ({ Id, body, failed: complaint(body, request) }));
      const fine = judged.filter(({ failed }) => failed === undefined);
      taken.push(...fine.map(({ body }) => body));
      const Failed = judged.flatMap(({ Id, failed }) =>
        failed ? [{ Id, Code: 'Because', Message: 'of it', ...failed }] : [],
      );
      return { status: 200, body: { Successful: fine.map(({ Id }) => ({ Id, MessageId: Id })), Failed } };
    });
    queue = sqsQueue(new SQSClient({ endpoint: stub.endpoint, md5: false, ...credentials }), `${stub.endpoint}/queue`);
  });
  beforeEach(() => {
    [taken, offered, complaint] = [[], [], () => undefined];
  });
  after(() => stub.stop());

  const send = (count: number): Promise<void> =>
    queue.send(Array.from({ length: count }, (_, task) => ({ task, group: 'acme' })));

  test('25 messages are three requests', async () => {
    await send(25);
    assert.deepEqual(
      offered.map(({ length }) => length),
      [10, 10, 5],
    );
  });

  test('what SQS does not take is offered again, and only that', async () => {
    complaint = (body, request) => (body < '3' && request === 1 ? { SenderFault: false } : undefined);
    await send(5);
    assert.deepEqual(offered, [
      ['0', '1', '2', '3', '4'],
      ['0', '1', '2'],
    ]);
    assert.deepEqual(taken.sort(), ['0', '1', '2', '3', '4']);
  });

  test('what SQS never takes is an error after four requests', async () => {
    complaint = (body) => (body === '1' ? { SenderFault: false } : undefined);
    await assert.rejects(send(3), /did not take 1 of 3 messages/);
    assert.deepEqual(offered, [['0', '1', '2'], ['1'], ['1'], ['1']]);
  });

  test('what SQS can never take is an error at once', async () => {
    complaint = (body) => (body === '1' ? { SenderFault: true } : undefined);
    await assert.rejects(send(3), /refused a message \(Because\): of it/);
    assert.equal(offered.length, 1);
  });
});
