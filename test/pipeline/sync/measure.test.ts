import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Metric } from '../../../lib/core/metrics.ts';
import { DAY, HOUR } from '../../../lib/core/time.ts';
import { honest, kinds, rows } from '../kinds.ts';
import { json, makeWorld, type World } from '../world.ts';

const { connector } = kinds['pages with a total'];
const sum = ({ metrics }: World, name: Metric): number =>
  (metrics.values.get(name) ?? []).reduce((all, value) => all + value, 0);
const last = ({ metrics }: World, name: Metric): number | undefined => metrics.values.get(name)?.at(-1);

describe('what a sync measures', () => {
  it('agrees with its receipt', async () => {
    let asked = 0;
    const api = honest(rows(95));
    const world = makeWorld({
      connector,
      api: (request) => {
        asked += 1;
        if (asked === 3) return json({ error: 'slow down' }, { 'retry-after': '1' }, 429);
        if (asked === 5) return json({}, {}, 503);
        return api(request);
      },
    });
    const receipt = await world.sync('rows');
    assert.deepEqual(
      [sum(world, 'RequestsSent'), sum(world, 'RequestsThrottled'), sum(world, 'RequestsRetried')],
      [receipt.requests.sent, receipt.requests.throttled, receipt.requests.retried],
    );
    assert.deepEqual([receipt.requests.sent, receipt.requests.throttled], [21, 1]);
    assert.deepEqual([sum(world, 'SyncsComplete'), sum(world, 'SyncsIncomplete')], [1, 0]);
    assert.equal(sum(world, 'PagesDelivered'), receipt.pages.fetched);
    assert.equal(sum(world, 'RecordsDelivered'), 95);
  });

  it('tells what was set aside, quarantined and changed', async () => {
    const world = makeWorld({
      connector,
      api: ({ query }) => {
        if (query.get('page') === '2') return json({ error: 'gone' }, {}, 410);
        return json({ rows: [{ id: 'ten' }, ...rows(9)], total: 12 });
      },
    });
    await world.sync('rows');
    assert.equal(sum(world, 'PagesSetAside'), 1);
    assert.equal(sum(world, 'SyncsIncomplete'), 1);
    assert.equal(sum(world, 'RecordsQuarantined'), 1);
    assert.equal(sum(world, 'SchemaChanges'), 1);
  });
});

describe('housekeeping measures', () => {
  const connect = (world: World, name: string, status = 'active') =>
    world.connections.upsert({ pk: connector.name, sk: name }, { set: { params: '{}', status } });
  const tick = async (world: World): Promise<void> => {
    const at = new Date(world.clock.now()).toISOString();
    await world.queue.send([{ task: { v: 1, kind: 'tick', stream: 'rows', at }, group: 'rows' }]);
    await world.settle();
  };

  it('nothing where nobody is connected', async () => {
    const world = makeWorld({ connector, api: honest([]) });
    await world.housekeep();
    assert.deepEqual([last(world, 'Staleness'), last(world, 'SyncsOpen'), last(world, 'ConnectionsPaused')], [0, 0, 0]);
  });

  it('the stalest stream of the active connections, in schedules', async () => {
    const world = makeWorld({ connector, api: honest(rows(5)) });
    for (const name of ['a', 'b']) await connect(world, name);
    await tick(world);
    world.clock.advance(6 * HOUR);
    await world.housekeep();
    assert.equal(last(world, 'Staleness'), 0.25);
    // From now on only one of them is synced.
    await connect(world, 'a', 'paused');
    world.clock.advance(2 * DAY);
    await tick(world);
    await world.housekeep();
    assert.deepEqual([last(world, 'Staleness'), last(world, 'ConnectionsPaused')], [0, 1]);
    // Who is resumed starts anew: what was paused is not held against it.
    await connect(world, 'a', 'active');
    world.clock.advance(DAY);
    await tick(world);
    world.clock.advance(DAY / 2);
    await world.housekeep();
    assert.equal(last(world, 'Staleness'), 0.5);
  });

  it('a stream that never becomes complete, from its first sync on', async () => {
    const world = makeWorld({ connector, api: () => json({ error: 'no' }, {}, 403) });
    await connect(world, 'a');
    await tick(world);
    world.clock.advance(4 * DAY);
    await tick(world);
    await world.housekeep();
    assert.equal(last(world, 'Staleness'), 4);
    assert.equal(sum(world, 'SyncsIncomplete'), 2);
  });
});
