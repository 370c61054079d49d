import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { call, openTables, type Table } from '../../lib/local/tables.ts';
import { canMountDisks, smallDisk } from './small-disk.ts';
import { newFolder } from './small-stack.ts';

const table: Table = {
  TableName: 'Syncs',
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
  BillingMode: 'PAY_PER_REQUEST',
};

describe('openTables', () => {
  it('starts afresh where an earlier start was killed before it was done', async () => {
    const folder = join(newFolder(), 'tables');
    await (await openTables(folder, [table])).close();
    rmSync(`${folder}.json`);
    const changed: Table = {
      ...table,
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    };
    await (await openTables(folder, [changed])).close();
    await assert.rejects(openTables(folder, [table]), /The keys or indexes of the table Syncs have changed/);
  });

  it('deletes no folder that is not its own', async () => {
    const folder = join(newFolder(), 'tables');
    mkdirSync(folder);
    writeFileSync(join(folder, 'letter.txt'), 'dear');
    await (await openTables(folder, [table])).close();
    assert.ok(existsSync(join(folder, 'letter.txt')));
  });

  it('adds a table to those that exist, and leaves what they hold', async () => {
    const folder = join(newFolder(), 'tables');
    const read = (TableName: string) => ({ TableName, Key: { pk: { S: 'a' } } });
    const first = await openTables(folder, [table]);
    await call(first.backend, 'PutItem', { TableName: 'Syncs', Item: { pk: { S: 'a' }, kept: { BOOL: true } } });
    assert.equal((await call(first.backend, 'GetItem', read('Connections'))).status, 400);
    await first.close();
    const second = await openTables(folder, [table, { ...table, TableName: 'Connections' }]);
    assert.equal((await call(second.backend, 'GetItem', read('Connections'))).status, 200);
    const { body } = await call(second.backend, 'GetItem', read('Syncs'));
    assert.match(body.toString(), /"kept":\{"BOOL":true\}/);
    await second.close();
  });

  it('throws what a full disk refuses, and ends nothing', { skip: !canMountDisks }, async (t) => {
    const folder = join(smallDisk(t, 400), 'tables');
    const tables = await openTables(folder, [table]);
    const put = (pk: string) =>
      call(tables.backend, 'PutItem', { TableName: 'Syncs', Item: { pk: { S: pk }, text: { S: 'x'.repeat(50_000) } } });
    await assert.rejects(
      async () => {
        for (let i = 0; i < 20; i++) await put(String(i));
      },
      { code: 'ENOSPC', path: folder },
    );
    await tables.close();
  });

  it('says what it cannot make, and leaves nothing open', async () => {
    const folder = join(newFolder(), 'tables');
    const broken: Table = { ...table, KeySchema: [] };
    await assert.rejects(
      openTables(folder, [broken]),
      /^Error: The table Syncs could not be made: .*ValidationException/,
    );
    await (await openTables(folder, [table])).close();
  });

  it('leaves no iterator open behind a query', async (t) => {
    const tables = await openTables(join(newFolder(), 'tables'), [table]);
    t.after(() => tables.close());
    const { prototype } = createRequire(import.meta.resolve('dynalite'))('abstract-level').AbstractValueIterator;
    const closed = t.mock.method(prototype, 'close');
    const query = {
      TableName: 'Syncs',
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: 'any' } },
    };
    for (let i = 0; i < 5; i++) assert.equal((await call(tables.backend, 'Query', query)).status, 200);
    assert.equal(closed.mock.callCount(), 5);
  });
});
