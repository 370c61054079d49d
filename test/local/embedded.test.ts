import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type Embedded, startEmbedded } from '../../lib/local/embedded.ts';
import type { OnCall } from '../../lib/local/gateway.ts';
import { AWS, CLEANING, newFolder, startSmall, TICK, writeAssembly } from './small-stack.ts';
import { until } from './until.ts';
import { collectLogs, send, worker } from './worker.ts';

const WORK = 'export const handler = async () => {};';
const clientOf = ({ endpoint, credentials }: Embedded) => ({
  endpoint,
  region: 'us-east-1',
  credentials,
  maxAttempts: 1,
});

/** Stores an item and an object. */
const STORE = `${AWS}
export const handler = async () => {
  const Item = { pk: { S: 'a' }, note: { S: 'kept' } };
  await aws('DynamoDB_20120810.PutItem', { TableName: process.env.TABLE, Item });
  await fetch(process.env.AWS_ENDPOINT_URL + '/small-state-bucket/a/b', { method: 'PUT', headers, body: 'kept' });
};`;

async function assertKept(stack: Embedded): Promise<void> {
  const tables = new DynamoDBClient(clientOf(stack));
  const { Item } = await tables.send(new GetItemCommand({ TableName: 'small-state-Table', Key: { pk: { S: 'a' } } }));
  assert.deepEqual(Item, { pk: { S: 'a' }, note: { S: 'kept' } });
  const objects = new S3Client(clientOf(stack));
  const { Body } = await objects.send(new GetObjectCommand({ Bucket: 'small-state-bucket', Key: 'a/b' }));
  assert.equal(await Body?.transformToString(), 'kept');
}

/** Starts the stack in a process of its own, and waits until it has stored something. */
async function spawnStack(assembly: string, state: string, then: 'stop' | 'wait'): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'run-stack.ts');
  const child = spawn(process.execPath, [script, assembly, state, then], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

describe('the state of an embedded stack', { concurrency: 4 }, () => {
  it('outlives a stop', async (t) => {
    const options = { assembly: writeAssembly({ work: WORK, housekeeping: STORE }), state: newFolder(), secrets: {} };
    const first = await startEmbedded(options);
    await first.invoke('housekeeping', 'api', {});
    await first.stop();
    const second = await startEmbedded(options);
    t.after(() => second.stop());
    await assertKept(second);
  });

  it('outlives a killed process', async (t) => {
    const options = { assembly: writeAssembly({ work: WORK, housekeeping: STORE }), state: newFolder(), secrets: {} };
    const child = await spawnStack(options.assembly, options.state, 'wait');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const stack = await startEmbedded(options);
    t.after(() => stack.stop());
    await assertKept(stack);
  });

  it('is for one process at a time', async () => {
    const options = { assembly: writeAssembly({ work: WORK, housekeeping: STORE }), state: newFolder(), secrets: {} };
    const child = await spawnStack(options.assembly, options.state, 'wait');
    const refused = { name: 'StateFolderError', message: /^The state folder ".*" is in use by another run\. Wait / };
    await assert.rejects(startEmbedded(options), refused);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const stack = await startEmbedded(options);
    await assert.rejects(startEmbedded(options), refused, 'the same process');
    await stack.stop();
  });

  it('is refused when a table has other keys now', async () => {
    const state = newFolder();
    const first = await startEmbedded({ assembly: writeAssembly({ work: WORK }), state, secrets: {} });
    await first.stop();
    const assembly = writeAssembly({ work: WORK, tableKey: 'id' });
    await assert.rejects(startEmbedded({ assembly, state, secrets: {} }), {
      message:
        /^The keys or indexes of the table small-state-Table have changed since .* was made; use another state folder\.$/,
    });
    const again = await startEmbedded({ assembly: writeAssembly({ work: WORK }), state, secrets: {} });
    await again.stop();
  });

  it('does not keep a process from ending once it has stopped', async () => {
    const child = await spawnStack(writeAssembly({ work: WORK, housekeeping: STORE }), newFolder(), 'stop');
    const [code] = await once(child, 'exit');
    assert.equal(code, 0);
  });
});

describe('stop', { concurrency: 4 }, () => {
  it('lets work under way finish, and starts nothing new', async (t) => {
    const logs = collectLogs();
    const slow = `await new Promise((resolve) => setTimeout(resolve, 300)); console.log('{"finished":true}');`;
    const stack = await startSmall(t, { work: worker(slow), batchSize: 1 }, { ...logs, workers: 1 });
    await send(stack, ['a', 'b']);
    await until(() => logs.batches().length === 1);
    await Promise.all([stack.stop(), stack.stop()]);
    assert.equal(logs.lines.filter(({ json }) => json?.finished).length, 1);
    assert.equal(logs.batches().length, 1);
    await assert.rejects(stack.invoke('housekeeping', 'api', {}), { message: 'The stack was stopped.' });
    await assert.rejects(fetch(stack.endpoint));
  });

  it('ends work that does not finish', async (t) => {
    const logs = collectLogs();
    const stack = await startSmall(t, { work: worker('await new Promise(() => {});') }, logs);
    await send(stack, ['a']);
    await until(() => logs.batches().length === 1);
    await stack.stop();
    assert.deepEqual(logs.errors(), []);
  });
});

describe('onCall', () => {
  /** Looks whether the item is there, then puts it. */
  const work = `${AWS}${worker(`
    const TableName = process.env.TABLE;
    const Key = { pk: { S: 'a' } };
    const { Item } = await aws('DynamoDB_20120810.GetItem', { TableName, Key });
    console.log(JSON.stringify({ there: Item !== undefined }));
    await aws('DynamoDB_20120810.PutItem', { TableName, Item: Key });
    console.log('{"answered":true}');`)}`;

  for (const [deadly, there] of [
    ['before', [false, false]],
    ['after', [false, true]],
  ] as const) {
    it(`can end the caller ${deadly} its call took effect`, async (t) => {
      const logs = collectLogs();
      const heard: string[] = [];
      let killed = false;
      const onCall: OnCall = (call, moment) => {
        if (call.function === undefined) return;
        heard.push(`${call.service}:${call.operation} ${moment}`);
        if (killed || call.operation !== 'PutItem' || moment !== deadly) return;
        killed = true;
        call.kill();
      };
      const stack = await startSmall(t, { work }, { ...logs, onCall });
      await send(stack, ['a']);
      await until(() => stack.idle() && logs.lines.some(({ json }) => json?.answered));
      assert.deepEqual(
        logs.lines.flatMap(({ json }) => (typeof json?.there === 'boolean' ? [json.there] : [])),
        there,
      );
      assert.deepEqual(
        logs.batches().map(({ receives }) => receives),
        [[1], [2]],
      );
      assert.equal(logs.lines.filter(({ json }) => json?.answered).length, 1);
      const get = ['dynamodb:GetItem before', 'dynamodb:GetItem after'];
      const put = ['dynamodb:PutItem before', 'dynamodb:PutItem after'];
      assert.deepEqual(heard, [...get, ...put.slice(0, deadly === 'before' ? 1 : 2), ...get, ...put]);
      assert.deepEqual(stack.calls, { 'dynamodb:GetItem': 2, 'dynamodb:PutItem': 2 });
    });
  }

  it('hears of callers from outside, who cannot be killed', async (t) => {
    const heard: unknown[] = [];
    const stack = await startSmall(
      t,
      { work: WORK },
      {
        onCall: (call, moment) => {
          call.kill();
          heard.push([call.operation, call.function, moment]);
        },
      },
    );
    await send(stack, ['a']);
    assert.deepEqual(heard, [
      ['SendMessageBatch', undefined, 'before'],
      ['SendMessageBatch', undefined, 'after'],
    ]);
    assert.deepEqual(stack.calls, {});
  });
});

describe('schedules', () => {
  it('are told as declared', async (t) => {
    const stack = await startSmall(t, { work: WORK });
    assert.deepEqual(stack.schedules, [
      { connector: 'api', id: TICK, target: 'queue', input: '{"kind":"tick","at":"<aws.scheduler.scheduled-time>"}' },
      { connector: 'api', id: CLEANING, target: 'function', input: '' },
    ]);
  });

  it('put the scheduled time into their message', async (t) => {
    const logs = collectLogs();
    const stack = await startSmall(t, { work: worker('') }, logs);
    assert.equal(stack.idle(), true);
    await stack.fire(TICK, new Date('2026-03-01T10:00:00.000Z'));
    assert.equal(stack.idle(), false);
    await until(() => stack.idle() && logs.batches().length === 1);
    assert.deepEqual(logs.batches()[0]?.batch, ['{"kind":"tick","at":"2026-03-01T10:00:00Z"}']);
  });

  it('start a function with an event of Scheduler’s own', async (t) => {
    const logs = collectLogs();
    const housekeeping = 'export const handler = (event) => { console.log(JSON.stringify(event)); };';
    const stack = await startSmall(t, { work: WORK, housekeeping }, logs);
    await stack.fire(CLEANING, new Date('2026-03-01T10:00:00.000Z'));
    await until(() => logs.lines.length === 1);
    assert.partialDeepStrictEqual(logs.lines[0]?.json, {
      'detail-type': 'Scheduled Event',
      source: 'aws.scheduler',
      time: '2026-03-01T10:00:00Z',
      resources: [`arn:aws:scheduler:us-east-1:000000000000:schedule/default/${CLEANING}`],
    });
  });

  it('throw what their function threw, and refuse an unknown name', async (t) => {
    const housekeeping = `export const handler = () => { throw new Error('dirty'); };`;
    const stack = await startSmall(t, { work: WORK, housekeeping });
    await assert.rejects(stack.fire(CLEANING, new Date()), { message: 'dirty' });
    await assert.rejects(stack.fire('small-api/Nothing', new Date()), { message: /no schedule small-api\/Nothing/ });
  });
});

describe('the other services', () => {
  it('give a secret to a function, and to nobody else', async (t) => {
    const housekeeping = `${AWS}export const handler = ({ SecretId }) => aws('secretsmanager.GetSecretValue', { SecretId });`;
    const stack = await startSmall(t, { work: WORK, housekeeping }, { secrets: { 'headgate/x': 'hush' } });
    const get = (SecretId: string) => stack.invoke('housekeeping', 'api', { SecretId });
    assert.partialDeepStrictEqual(await get('headgate/x'), { status: 200, Name: 'headgate/x', SecretString: 'hush' });
    assert.partialDeepStrictEqual(await get('toString'), { status: 400, __type: 'ResourceNotFoundException' });
    const client = new SecretsManagerClient(clientOf(stack));
    await assert.rejects(client.send(new GetSecretValueCommand({ SecretId: 'headgate/x' })), {
      name: 'AccessDeniedException',
    });
  });

  it('pass events on, each well or ill by itself', async (t) => {
    const housekeeping = `${AWS}export const handler = ({ Entries }) => aws('AWSEvents.PutEvents', { Entries });`;
    const events: unknown[] = [];
    const stack = await startSmall(t, { work: WORK, housekeeping }, { onEvent: (event) => events.push(event) });
    const entry = { Source: 'headgate', DetailType: 'Sync closed' };
    const Entries = [{ ...entry, Detail: '{"a":1}' }, { ...entry, Detail: '{a' }, entry];
    const answer = Object(await stack.invoke('housekeeping', 'api', { Entries }));
    assert.equal(answer.FailedEntryCount, 2);
    assert.deepEqual(
      answer.Entries.map((result: { ErrorCode?: string }) => result.ErrorCode),
      [undefined, 'MalformedDetail', 'InvalidArgument'],
    );
    assert.deepEqual(events, [{ source: 'headgate', detailType: 'Sync closed', detail: { a: 1 } }]);
  });

  it('refuse an unknown one', async (t) => {
    const housekeeping = `${AWS}export const handler = () => fetch(process.env.AWS_ENDPOINT_URL, { method: 'POST', headers: { ...headers, 'x-amz-target': 'Kinesis.PutRecord' } }).then((r) => r.status);`;
    const stack = await startSmall(t, { work: WORK, housekeeping });
    assert.equal(await stack.invoke('housekeeping', 'api', {}), 501);
  });
});
