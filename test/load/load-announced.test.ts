import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { MINUTE, SECOND } from '../../lib/core/time.ts';
import type { LoadOutcome } from '../../lib/load/load.ts';
import { type AnnouncedLoad, type AnnouncedSync, loadAnnounced } from '../../lib/load/load-announced.ts';
import { openPostgres } from '../../lib/load/postgres.ts';
import { folderSource } from '../../lib/read/read.ts';
import { openResults, type Results, shop } from './deliveries.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';

const [FIRST, SECOND_SYNC] = ['20261122T170000000Z', '20261122T180000000Z'] as const;
const event = (id: string, detail: object, receives = 1): AnnouncedSync => ({
  id,
  body: JSON.stringify({ source: 'headgate', 'detail-type': 'Sync closed', detail }),
  receives,
});
const of = (sync: string) => ({ connector: 'shop', connection: 'main', stream: 'items', sync, revision: 1 });

describe('events of closed syncs', () => {
  let server: PostgresServer;
  let results: Results;
  let url: string;
  let loaded: LoadOutcome[];
  let errors: unknown[];
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.stop());
  beforeEach(async (context) => {
    [loaded, errors] = [[], []];
    [results, url] = [await openResults(), await server.database()];
    if ('after' in context) context.after(() => results.remove());
    await results.deliver({ sync: FIRST, records: [{ id: 1 }, { id: 2 }] });
    await results.deliver({ sync: SECOND_SYNC, records: [{ id: 1 }, { id: 2 }, { id: 3 }] });
  });

  const load = (messages: readonly AnnouncedSync[], changes: Partial<AnnouncedLoad> = {}) =>
    loadAnnounced(
      {
        connector: shop(),
        source: folderSource(results.folder),
        open: () => openPostgres(url),
        now: () => new Date('2026-12-01T00:00:00Z'),
        onOutcome: (outcome) => loaded.push(outcome),
        onError: (error) => errors.push(error),
        ...changes,
      },
      messages,
    );
  const rows = async (): Promise<unknown> => {
    const warehouse = await openPostgres(url);
    const [row] = await warehouse.query('SELECT count(*)::INTEGER AS rows FROM shop_items');
    await warehouse.close();
    return row;
  };

  test('load what they announce, and what an event that was lost announced', async () => {
    assert.deepEqual(await load([event('b', of(SECOND_SYNC))]), new Map([['b', 'done']]));
    assert.deepEqual(await rows(), { rows: 3 });
    assert.deepEqual(errors, []);
  });

  test('change nothing when they come twice, or late', async () => {
    const doubled = [event('a', of(FIRST)), event('b', of(SECOND_SYNC)), event('c', of(SECOND_SYNC))];
    assert.deepEqual([...(await load(doubled)).values()], ['done', 'done', 'done']);
    const before = loaded.length;
    assert.deepEqual(await load([event('d', of(FIRST), 2)]), new Map([['d', 'done']]));
    assert.equal(loaded.length, before);
    assert.deepEqual(await rows(), { rows: 3 });
  });

  test('come back when the database cannot be reached, at first after half a minute, at last each half hour', async () => {
    const messages = [event('a', of(FIRST)), event('b', of(SECOND_SYNC), 4), event('c', of(SECOND_SYNC), 40)];
    const outcomes = await load(messages, { open: () => openPostgres('postgres://127.0.0.1:1/none') });
    assert.deepEqual([...outcomes.values()], [{ later: 30 * SECOND }, { later: 240 * SECOND }, { later: 30 * MINUTE }]);
    assert.equal(errors.length, 1, 'it is told once for a stream');
    await load([event('a', of(FIRST), 2)]);
    assert.deepEqual(await rows(), { rows: 3 });
  });

  test('of a stream that is gone, or of another connector, are done; what is no event is left to fail', async () => {
    const outcomes = await load([
      event('gone', { ...of(FIRST), stream: 'old' }),
      event('other', { ...of(FIRST), connector: 'erp' }),
      { id: 'odd', body: '{', receives: 1 },
    ]);
    assert.deepEqual(Object.fromEntries(outcomes), { odd: 'failed', gone: 'done', other: 'done' });
    assert.deepEqual([loaded, errors], [[], []]);
  });

  test('of one connection load nothing of another one', async () => {
    await results.deliver({ sync: FIRST, connection: 'second', records: [{ id: 9 }] });
    await load([event('a', of(FIRST))]);
    assert.deepEqual(await rows(), { rows: 3 });
  });
});
