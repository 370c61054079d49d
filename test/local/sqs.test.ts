import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  MessageNotInflight,
  QueueDoesNotExist,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { openGateway } from '../../lib/local/gateway.ts';
import { createQueue } from '../../lib/local/queue.ts';
import { sqs } from '../../lib/local/sqs.ts';

const gateway = await openGateway();
after(gateway.close);
const client = new SQSClient({
  endpoint: gateway.endpoint,
  region: 'us-east-1',
  credentials: gateway.credentials,
  maxAttempts: 1,
});
after(() => client.destroy());

let serial = 0;
/** An empty queue of its own for each test. */
function newQueue(): string {
  serial += 1;
  const name = `queue-${serial}`;
  const url = `${gateway.endpoint}/000000000000/${name}`;
  const queue = createQueue({ name, arn: `arn:${name}`, url, visibilityTimeout: 30, delay: 0 });
  after(queue.close);
  gateway.serve({ sqs: sqs(new Map([[name, queue]])) });
  return url;
}

const receive = async (QueueUrl: string) =>
  (await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }))).Messages ?? [];

/** The SDK itself compares the checksums of the bodies. */
describe('sqs', () => {
  it('sends, receives, hides and deletes', async () => {
    const QueueUrl = newQueue();
    const MessageBody = '{"ü":1}';
    const { MessageId } = await client.send(new SendMessageCommand({ QueueUrl, MessageBody, MessageGroupId: 'g#1' }));
    const [message] = await receive(QueueUrl);
    assert.ok(message);
    assert.deepEqual([message.MessageId, message.Body], [MessageId, MessageBody]);
    assert.partialDeepStrictEqual(message.Attributes, { ApproximateReceiveCount: '1', MessageGroupId: 'g#1' });
    const { ReceiptHandle } = message;
    await client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
    const [again] = await receive(QueueUrl);
    assert.equal(again?.Attributes?.ApproximateReceiveCount, '2');
    const Entries = [{ Id: 'a', ReceiptHandle: again?.ReceiptHandle }];
    const deleted = await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    assert.deepEqual(deleted.Successful, [{ Id: 'a' }]);
    const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
    assert.partialDeepStrictEqual(Attributes, {
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesDelayed: '0',
      ApproximateNumberOfMessagesNotVisible: '0',
    });
  });

  it('lets each entry of a batch succeed or fail by itself', async () => {
    const QueueUrl = newQueue();
    const Entries = [
      { Id: 'good', MessageBody: 'x' },
      { Id: 'late', MessageBody: 'x', DelaySeconds: 901 },
      { Id: 'tagged', MessageBody: 'x', MessageAttributes: { a: { DataType: 'String', StringValue: 'b' } } },
    ];
    const sent = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    assert.deepEqual(
      sent.Successful?.map(({ Id }) => Id),
      ['good'],
    );
    assert.deepEqual(
      sent.Failed?.map(({ Id, SenderFault }) => [Id, SenderFault]),
      [
        ['late', true],
        ['tagged', true],
      ],
    );
    assert.equal((await receive(QueueUrl)).length, 1);
  });

  it('refuses a batch as a whole that is too large or has two entries of one id', async () => {
    const QueueUrl = newQueue();
    const send = (Entries: { Id: string; MessageBody: string }[]) =>
      client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    const entries = (count: number, MessageBody: string, id = (i: number) => String(i)) =>
      Array.from({ length: count }, (_, i) => ({ Id: id(i), MessageBody }));
    await assert.rejects(send([]), { name: 'EmptyBatchRequest' });
    await assert.rejects(send(entries(11, 'x')), { name: 'TooManyEntriesInBatchRequest' });
    await assert.rejects(send(entries(2, 'x', () => 'same')), { name: 'BatchEntryIdsNotDistinct' });
    await assert.rejects(send(entries(2, 'x'.repeat(600_000))), { name: 'BatchRequestTooLong' });
    assert.deepEqual(await receive(QueueUrl), []);
  });

  it('refuses what SQS refuses', async () => {
    const QueueUrl = newQueue();
    const send = (message: { MessageBody: string; DelaySeconds?: number; MessageGroupId?: string }) =>
      client.send(new SendMessageCommand({ QueueUrl, ...message }));
    await assert.rejects(send({ MessageBody: 'x', DelaySeconds: 901 }), { name: 'InvalidParameterValue' });
    await assert.rejects(send({ MessageBody: 'x', MessageGroupId: 'two words' }), { name: 'InvalidParameterValue' });
    await assert.rejects(send({ MessageBody: '' }), { name: 'InvalidParameterValue' });
    await assert.rejects(send({ MessageBody: 'ü'.repeat(600_000) }), { name: 'InvalidParameterValue' });
    await assert.rejects(
      client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: 'unknown', VisibilityTimeout: 1 })),
      MessageNotInflight,
    );
    const other = QueueUrl.replace('queue-', 'other-');
    await assert.rejects(client.send(new ReceiveMessageCommand({ QueueUrl: other })), QueueDoesNotExist);
  });

  it('refuses an operation it does not know', async () => {
    newQueue();
    for (const operation of ['StartMessageMoveTask', 'constructor']) {
      const response = await fetch(gateway.endpoint, {
        method: 'POST',
        headers: {
          authorization: `AWS4-HMAC-SHA256 Credential=${gateway.credentials.accessKeyId}/x`,
          'x-amz-target': `AmazonSQS.${operation}`,
        },
        body: '{}',
      });
      assert.equal(response.status, 400);
      assert.partialDeepStrictEqual(await response.json(), { __type: 'UnknownOperationException' });
    }
  });
});
