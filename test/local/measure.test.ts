import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { measuredTables } from '../../lib/local/measure.ts';
import { keepMetrics } from '../../lib/local/metrics.ts';
import { call, openTables, type Table } from '../../lib/local/tables.ts';

const declared: Table = {
  TableName: 'Syncs',
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
  BillingMode: 'PAY_PER_REQUEST',
};

test('a write takes a unit for each begun KB of its item, before or after, and one where its condition fails', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'measure-'));
  const tables = await openTables(join(folder, 'tables'), [declared]);
  const metrics = keepMetrics();
  const backend = measuredTables(metrics, tables.backend);
  const units = async (operation: string, input: object): Promise<number> => {
    const before = sum();
    await call(backend, operation, { TableName: 'Syncs', ...input });
    return sum() - before;
  };
  const sum = (): number =>
    metrics
      .series()
      .filter(({ name }) => name === 'ConsumedWriteCapacityUnits')
      .flatMap(({ minutes }) => [...minutes.values()])
      .reduce((total, minute) => total + minute.sum, 0);
  const item = (bytes: number) => ({ Item: { pk: { S: 'a' }, text: { S: 'x'.repeat(bytes) } } });

  assert.equal(await units('PutItem', item(100)), 1);
  assert.equal(await units('PutItem', item(2_500)), 3);
  assert.equal(await units('PutItem', item(10)), 3);
  assert.equal(await units('PutItem', { ...item(5_000), ConditionExpression: 'attribute_not_exists(pk)' }), 1);
  assert.equal(await units('GetItem', { Key: { pk: { S: 'a' } } }), 0);
  await tables.close();
  await rm(folder, { recursive: true });
});
