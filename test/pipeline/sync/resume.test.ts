import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connector } from '../../../lib/core/connector/connector.ts';
import { honest, kinds, rows } from '../kinds.ts';
import { makeWorld, type World } from '../world.ts';

const RECORDS = 127;
/** So slow that a chain commits every few pages, in milliseconds. */
const SLOW = 3_000;

/** What the API counts: each page that was asked for, and how much had been committed by then. */
type Asked = { readonly page: string; readonly commits: number };

/** A second look asks again for what was committed, by design. */
const withoutLook = (connector: Connector): Connector => ({
  ...connector,
  streams: Object.fromEntries(
    Object.entries(connector.streams).map(([name, stream]) => [name, { ...stream, secondLook: 'none' as const }]),
  ),
});

for (const [kind, { connector, evidence }] of Object.entries(kinds)) {
  describe(`${kind}: a worker that dies at any page`, () => {
    it('is followed by one that goes on: the same records, and no page again that was committed', async () => {
      const run = async (request: number) => {
        const asked: Asked[] = [];
        const api = honest(rows(RECORDS));
        const world: World = makeWorld({
          connector: withoutLook(connector),
          death: { request },
          api: (each) => {
            world.clock.advance(SLOW);
            asked.push({ page: each.url, commits: commitsOf(world) });
            return api(each);
          },
        });
        const receipt = await world.sync('rows');
        return { world, receipt, asked };
      };
      const clean = await run(Number.POSITIVE_INFINITY);
      const pages = clean.asked.length;
      assert.ok(pages >= 13);
      for (let request = 1; request <= pages; request++) {
        const { world, receipt, asked } = await run(request);
        const context = `death at request ${request} of ${pages}`;
        const isProof = evidence === 'key' || evidence === 'overlap';
        assert.equal(receipt.verdict, isProof ? 'COMPLETE' : 'UNKNOWN', context);
        const ids = world.delivered(receipt).map((row) => Number(Reflect.get(Object(row), 'id')));
        assert.deepEqual(
          ids.sort((a, b) => a - b),
          rows(RECORDS).map(({ id }) => id),
          context,
        );
        const atDeath = asked[request - 1]?.commits ?? 0;
        for (const { page, commits } of asked.slice(request)) {
          const before = asked.slice(0, request).filter((each) => each.page === page);
          for (const first of before)
            assert.equal(
              first.commits,
              atDeath,
              `${context}: ${page} was committed, and is asked for again (${commits})`,
            );
        }
        assert.ok(asked.length > pages || request > pages, context);
      }
    });
  });
}

const commitsOf = (world: World): number => world.log.lines.filter(({ message }) => message === 'pages fetched').length;
