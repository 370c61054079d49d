import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { honest, kinds, rows } from './kinds.ts';
import { makeWorld } from './world.ts';

/** Enough for several blocks, and for a chain of several steps. */
const RECORDS = 150;
/** Enough for some pages. */
const GROWN = 45;

for (const [kind, { connector, evidence }] of Object.entries(kinds)) {
  describe(`${kind}: a worker that dies at any call`, () => {
    for (const moment of ['before', 'after'] as const) {
      it(`${moment} its effect: nothing is lost, nothing counts twice`, async () => {
        const api = honest(rows(RECORDS));
        const clean = makeWorld({ connector, api });
        await clean.sync('rows');
        assert.ok(clean.calls() > 20);
        for (let call = 1; call <= clean.calls(); call++) {
          const world = makeWorld({ connector, api, death: { call, moment } });
          const receipt = await world.sync('rows');
          const context = `death ${moment} call ${call}`;
          assert.deepEqual(receipt.reasons, [], context);
          assert.equal(receipt.evidence, evidence, context);
          const ids = world.delivered(receipt).map((row) => Reflect.get(Object(row), 'id'));
          assert.deepEqual(
            ids.sort((a, b) => a - b),
            rows(RECORDS).map(({ id }) => id),
            context,
          );
          assert.equal(receipt.records.delivered, RECORDS, context);
          assert.equal(world.receipts().length, 1, context);
          assert.ok(world.events.published.length >= 1, context);
        }
      });
    }
  });
}

it('a read that came to nothing does not end a listing that has grown since', async () => {
  const { connector } = kinds['offsets without a total'];
  /** One record when it is asked for the first time, then many. */
  const growing = () => {
    let asked = 0;
    return (request: Parameters<ReturnType<typeof honest>>[0]) => honest(rows(asked++ === 0 ? 1 : GROWN))(request);
  };
  const clean = makeWorld({ connector, api: growing() });
  await clean.sync('rows');
  let reread = 0;
  for (let call = 1; call <= clean.calls(); call++) {
    const world = makeWorld({ connector, api: growing(), death: { call, moment: 'before' } });
    const receipt = await world.sync('rows');
    const first = world.http.requests.filter(({ url }) => new URL(url).searchParams.get('offset') === '0');
    if (first.length < 2) continue;
    reread += 1;
    assert.equal(receipt.verdict, 'COMPLETE', `death at call ${call}`);
    // It grew while it was read, so pages were read again: each record comes at least once.
    const ids = new Set(world.delivered(receipt).map((row) => Reflect.get(Object(row), 'id')));
    assert.equal(ids.size, GROWN, `death at call ${call}`);
  }
  assert.ok(reread >= 3, `${reread} deaths between the read of the first page and its commit`);
});

it('limits that are edited in the middle cut a listing otherwise, and no page is in two blocks', async () => {
  const { connector } = kinds['pages with a total'];
  const api = honest(rows(120));
  for (let call = 1; ; call++) {
    // Whoever comes after a death knows other limits than who died.
    let asked = 0;
    const limits = () => (asked++ % 2 === 0 ? [] : [{ requests: 1, per: '1 second' } as const]);
    const world = makeWorld({ connector: { ...connector, limits }, api, death: { call, moment: 'after' } });
    const receipt = await world.sync('rows');
    assert.equal(receipt.verdict, 'COMPLETE', `death at call ${call}`);
    assert.deepEqual([receipt.records.delivered, receipt.records.repeated], [120, 0], `death at call ${call}`);
    if (world.calls() < call) break;
  }
});
