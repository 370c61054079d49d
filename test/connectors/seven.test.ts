import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dateMark } from '../../lib/core/connector/since.ts';
import { span } from '../../lib/core/time.ts';
import { modelOf } from '../../lib/simulator/model.ts';
import { bestOf, factsOf, hasPages, SWITCHES } from '../../lib/simulator/switches.ts';
import { CASES, lately } from './seven/cases.ts';
import { syncing } from './seven/run.ts';
import { weathered } from './seven/weather.ts';

/** Seven connectors of real APIs, by the whole pipeline, against APIs that are made from their declarations: honest ones, and others. */

const sizeOf = (paging: object): number => ('size' in paging && typeof paging.size === 'number' ? paging.size : 10);

describe('of an honest API', () => {
  for (const [title, { connector, params = {} }] of Object.entries(CASES)) {
    it(`${title}: all of its streams together`, () => {
      assert.equal(modelOf(connector, { params }).streams.length, Object.keys(connector.streams).length);
    });
    for (const [name, { paging, each, total, count, since }] of Object.entries(connector.streams)) {
      it(`${title}: ${name} is complete, every record once, and then what is new`, async () => {
        const own = Math.floor(2.3 * sizeOf(paging));
        const model = modelOf(lately(connector, name), {
          params,
          records: { [name]: own, ...(each && { [each.of]: 25 }) },
        });
        const sync = await syncing(model, name);
        const first = await sync();
        assert.deepEqual([first.receipt.verdict, first.receipt.reasons], ['COMPLETE', []]);
        assert.deepEqual([first.delivered.length, new Set(first.delivered).size], [own, own]);
        const { expected } = first.receipt;
        if (total !== undefined || count?.exact) assert.deepEqual(expected, { records: own, source: 'total' });

        if (since === undefined) return;
        const second = await sync();
        assert.deepEqual([second.receipt.verdict, second.receipt.mode], ['COMPLETE', 'incremental']);
        // Records are ten seconds apart.
        const again = Math.min(own, Math.floor(span(dateMark(since)?.lookback ?? '0 seconds') / 10_000) + 1);
        assert.equal(second.delivered.length, again);
      });
    }
  }
});

/** Small pages: so many records make six of them, and four of the last one of so many parents. */
const SIZE = 8;
const RECORDS = 45;
const PARENTS = 3;

for (const [what, { of = hasPages, trouble, survives = () => undefined, code }] of Object.entries(SWITCHES)) {
  describe(`of an API that ${what}`, () => {
    for (const [title, api] of Object.entries(CASES)) {
      for (const name of api.hostile) {
        const small = lately(api.connector, name, SIZE);
        const { each } = small.streams[name] ?? assert.fail();
        const records = { [name]: RECORDS, ...(each && { [each.of]: PARENTS }) };
        const model = modelOf(small, { params: api.params ?? {}, records });
        const facts = factsOf(model, name, api);
        if (!of(facts)) continue;
        it(`${title}: ${name} is told so`, async () => {
          const does = trouble(facts);
          const sync = await syncing(model, name, { stream: name, ...does });
          const { receipt } = await sync();
          const context = JSON.stringify(receipt.reasons);
          const isComplete = survives(facts);
          if (isComplete !== undefined)
            assert.equal(receipt.verdict, isComplete ? bestOf(facts) : 'INCOMPLETE', context);
          const codes = receipt.reasons.map((reason) => reason.code);
          if (code !== undefined && receipt.verdict !== 'COMPLETE') assert.ok(codes.includes(code(facts)), context);
          const { throttled, retried } = receipt.requests;
          if (does.every !== undefined) assert.notEqual(throttled + retried, 0);
        });
      }
    }
  });
}

describe('of an API that does several things at once', () => {
  for (let seed = 1; seed <= 20; seed++)
    it(`a receipt says nothing that is not so (seed ${seed})`, async () => void (await weathered(seed)));
});
