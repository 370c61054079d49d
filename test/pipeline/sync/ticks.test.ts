import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Task } from '../../../lib/core/tasks.ts';
import { MINUTE } from '../../../lib/core/time.ts';
import { honest, kinds, rows } from '../kinds.ts';
import { makeWorld } from '../world.ts';

const { connector } = kinds['pages with a total'];
const tick = (at: string): { task: Task; group: string } => ({
  task: { v: 1, kind: 'tick', stream: 'rows', at },
  group: 'main',
});
const messages = (world: ReturnType<typeof makeWorld>): string[] => world.log.lines.map(({ message }) => message);

it('a tick starts a sync for every active connection', async () => {
  const world = makeWorld({ connector, api: honest(rows(5)) });
  for (const name of ['a', 'b', 'paused']) {
    const status = name === 'paused' ? 'paused' : 'active';
    await world.connections.create({ pk: connector.name, sk: name }, { params: '{}', status });
  }
  await world.queue.send([tick('2026-11-22T12:00:00Z')]);
  await world.settle();
  assert.deepEqual(
    world
      .receipts()
      .map(({ connection }) => connection)
      .sort(),
    ['a', 'b'],
  );
});

it('a connection whose item nobody can read has a receipt that says so, and keeps no other from its sync', async () => {
  const world = makeWorld({ connector, api: honest(rows(5)) });
  const items = {
    a: { params: '{}', status: 'resting' },
    b: { params: '{', status: 'active' },
    c: { params: '{}', status: 'active' },
  };
  for (const [name, item] of Object.entries(items))
    await world.connections.create({ pk: connector.name, sk: name }, item);
  await world.queue.send([tick('2026-11-22T12:00:00Z')]);
  await world.settle();
  const found = world.receipts().map(({ connection, verdict, reasons }) => [connection, verdict, reasons[0]?.code]);
  assert.deepEqual(found.sort(), [
    ['a', 'INCOMPLETE', 'bad-connection'],
    ['b', 'INCOMPLETE', 'bad-params'],
    ['c', 'COMPLETE', undefined],
  ]);
});

it('a sync that cannot even be begun ends with a receipt', async () => {
  const { rows: stream } = connector.streams;
  assert.ok(stream);
  const only = () => {
    throw new Error('these parameters name no parent');
  };
  const each = { of: 'parents', pick: () => 1, only };
  const world = makeWorld({
    connector: { ...connector, streams: { rows: { ...stream, each }, parents: stream } },
    api: honest(rows(5)),
  });
  await world.connections.create({ pk: connector.name, sk: 'main' }, { params: '{}', status: 'active' });
  await world.queue.send([tick('2026-11-22T12:00:00Z')]);
  for (let turn = 0; turn < 400 && world.receipts().length === 0; turn++) {
    await world.workOnce();
    world.clock.advance(5 * MINUTE);
    await world.housekeep().catch(() => {});
  }
  const [receipt] = world.receipts();
  assert.ok(receipt);
  assert.deepEqual([receipt.verdict, receipt.reasons[0]?.code], ['INCOMPLETE', 'lost']);
});

it('a sync whose close stumbles whenever it is tried ends with a receipt, and another gets what it got', async () => {
  const world = makeWorld({
    connector: kinds.cursor.connector,
    api: honest(rows(250)),
    metered: (table) => ({
      ...table,
      query(pk, prefix, after) {
        if (prefix.startsWith('DRIFT#20261122T120000000Z')) throw new Error('this cannot be read');
        return table.query(pk, prefix, after);
      },
    }),
  });
  await world.connections.create({ pk: connector.name, sk: 'main' }, { params: '{}', status: 'active' });
  await world.queue.send([tick('2026-11-22T12:00:00Z')]);
  await world.settle();
  const [first, second] = world.receipts();
  assert.ok(first && second);
  assert.deepEqual([first.verdict, first.reasons.map(({ code }) => code)], ['INCOMPLETE', ['superseded']]);
  assert.deepEqual([second.verdict, second.records.delivered], ['COMPLETE', 250]);
});

it('a tick that comes twice starts one sync, whenever the second comes', async () => {
  const world = makeWorld({ connector, api: honest(rows(25)) });
  await world.connections.create({ pk: connector.name, sk: 'main' }, { params: '{}', status: 'active' });
  await world.queue.send([tick('2026-11-22T12:00:00Z'), tick('2026-11-22T12:00:00.000Z')]);
  await world.settle();
  await world.queue.send([tick('2026-11-22T12:00:00Z')]);
  await world.settle();
  assert.equal(world.receipts().length, 1);
  // Three pages, and two of them once more by the second look.
  assert.equal(world.http.requests.length, 5);
});

it('a tick that finds a sync running is skipped, and noted', async () => {
  const world = makeWorld({ connector, api: honest(rows(25)) });
  await world.connections.create({ pk: connector.name, sk: 'main' }, { params: '{}', status: 'active' });
  const [first, second] = ['2026-11-22T12:00:00Z', '2026-11-22T12:01:00Z'];
  await world.queue.send([tick(first), tick(second)]);
  await world.settle();
  assert.equal(world.receipts().length, 1);
  assert.ok(messages(world).includes('tick skipped: a sync is running'));
});

it('a start that dies half-way, and whose message is dead-lettered, is finished by housekeeping', async () => {
  let refuses = true;
  const world = makeWorld({
    connector,
    api: honest(rows(25)),
    metered: (table) => ({
      ...table,
      async create(key, item) {
        if (refuses && key.sk.startsWith('SYNC#')) throw new Error('refused');
        return table.create(key, item);
      },
    }),
  });
  await world.connections.create({ pk: connector.name, sk: 'main' }, { params: '{}', status: 'active' });
  await world.queue.send([tick('2026-11-22T12:00:00Z')]);
  while (await world.workOnce());
  world.clock.advance(10 * MINUTE);
  for (const { receipt } of world.queue.receive(10)) world.queue.remove(receipt);
  assert.equal(world.queue.next(), undefined);
  refuses = false;
  await world.housekeep();
  assert.notEqual(world.queue.next(), undefined, 'the stream is taken, and nobody goes on with it');
  await world.settle();
  assert.deepEqual(
    world.receipts().map(({ verdict }) => verdict),
    ['COMPLETE'],
  );
});
