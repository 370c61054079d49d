import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { dynamoTable } from '../../lib/aws/table.ts';
import type { Table } from '../../lib/pipeline/ports.ts';
import { credentials } from '../contract/emulator.ts';
import { type Answer, type Stub, startStub } from './stub.ts';

const key = { pk: 'practice/acme#orders', sk: 'STREAM' };

describe('DynamoDB as AWS has it and dynalite has not', () => {
  let stub: Stub;
  let table: Table;
  let answers: Record<string, Answer>;
  before(async () => {
    stub = await startStub(({ operation }) => answers[operation] ?? assert.fail(`${operation} was not expected`));
    const client = new DynamoDBClient({ endpoint: stub.endpoint, ...credentials });
    table = dynamoTable(DynamoDBDocumentClient.from(client), 'syncs');
  });
  beforeEach(() => {
    answers = {};
  });
  after(() => stub.stop());
  const refused = (type: string, more: object = {}): Answer => ({
    status: 400,
    body: { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: type, ...more },
  });

  test('a failed condition brings the item along, so there is no second read', async () => {
    const item = {
      ...{ pk: { S: key.pk }, sk: { S: key.sk } },
      fence: { N: '3' },
      on: { BOOL: true },
      open: { SS: ['1', '2'] },
    };
    const failed = refused('ConditionalCheckFailedException', { Item: item });
    answers = { UpdateItem: failed, PutItem: failed };
    const expected = { ok: false, item: { fence: 3, on: true, open: new Set(['1', '2']) } };
    assert.deepEqual(await table.update(key, { set: { fence: 4 } }, [{ equal: ['fence', 2] }]), expected);
    assert.deepEqual(await table.upsert(key, { set: { fence: 4 } }, [{ equal: ['fence', 2] }]), expected);
    assert.deepEqual(await table.create(key, { fence: 4 }), expected);
  });

  test('a read is consistent, but for the index, which cannot be', async () => {
    answers = { GetItem: { status: 200, body: {} }, Query: { status: 200, body: { Items: [] } } };
    const asked = stub.calls.length;
    await table.get(key);
    await Array.fromAsync(table.query(key.pk, 'NODE#'));
    await Array.fromAsync(table.live('practice'));
    const consistent = z.object({ ConsistentRead: z.boolean().default(false) });
    const reads = stub.calls.slice(asked).map(({ input }) => consistent.parse(input).ConsistentRead);
    assert.deepEqual(reads, [true, true, false]);
  });

  test('every other error is thrown', async () => {
    for (const type of ['ValidationException', 'ProvisionedThroughputExceededException', 'ResourceNotFoundException']) {
      answers = { UpdateItem: refused(type), PutItem: refused(type), GetItem: refused(type), Query: refused(type) };
      await assert.rejects(table.update(key, {}), { name: type });
      await assert.rejects(table.create(key, {}), { name: type });
      await assert.rejects(table.get(key), { name: type });
      await assert.rejects(Array.fromAsync(table.query(key.pk, '')), { name: type });
    }
  });

  test('an item of a kind that no table of ours holds is an error, not a guess', async () => {
    const item = { pk: { S: key.pk }, sk: { S: key.sk } };
    for (const stranger of [{ L: [] }, { M: {} }, { NULL: true }, { NS: ['1'] }, { B: 'AAAA' }]) {
      answers = { GetItem: { status: 200, body: { Item: { ...item, stranger } } } };
      await assert.rejects(table.get(key), { name: 'ZodError' });
      answers = { UpdateItem: refused('ConditionalCheckFailedException', { Item: { ...item, stranger } }) };
      await assert.rejects(table.update(key, {}), { name: 'ZodError' });
    }
  });
});
