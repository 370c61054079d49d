import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connector } from '../../lib/core/connector/connector.ts';
import { assess } from '../../lib/simulator/assess.ts';
import { modelOf } from '../../lib/simulator/model.ts';
import { keyOf } from '../../lib/simulator/rehearsed.ts';
import { scaled } from '../../lib/simulator/scaled.ts';
import { bestOf, factsOf, hasPages, SWITCHES } from '../../lib/simulator/switches.ts';
import { tallyOf } from '../../lib/simulator/truth.ts';
import { wordsOf } from '../../lib/simulator/words.ts';
import { hostileConnector, type Kind, type Shape } from '../hostile/connector.ts';
import { simulatedWorld } from './wired.ts';

/** Every kind of listing, as it may be declared, under everything that can be said of it: so that no rehearsal gives a false alarm, or none where it should. */

const KINDS: readonly Kind[] = ['pages', 'offsets', 'cursor', 'keyset', 'links'];
const SHAPES: Readonly<Record<string, Shape>> = {
  'no total': {},
  'a total': { total: true },
  'a stable order': { order: 'by key' },
  'a total, in slices': { total: true, slices: '2 hours' },
  'parent by parent': { each: 1 },
};
const STARTS = { starts: { rows: '2026-11-20T00:00:00Z' } };
const without = (connector: Connector): Connector => ({ ...connector, errors: [] });

for (const kind of KINDS) {
  for (const [shaped, shape] of Object.entries(SHAPES)) {
    describe(`${kind} with ${shaped}`, () => {
      const connector = scaled(hostileConnector(kind, { size: 8, ...shape }), STARTS);
      const model = modelOf(shape.each === undefined ? connector : without(connector), {
        records: { rows: 45, ...(shape.each === undefined ? {} : { 'rows-parents': 3 }) },
      });
      const { rows = assert.fail() } = connector.streams;
      const facts = factsOf(model, 'rows', wordsOf(model.client.connector.errors).words);
      for (const [what, does] of Object.entries(SWITCHES)) {
        if (!(does.of ?? hasPages)(facts)) continue;
        it(`of an API that ${what}`, async () => {
          const trouble = { stream: 'rows', ...does.trouble(facts) };
          const { world } = simulatedWorld(model, trouble);
          const receipt = await world.sync('rows');
          const tally = tallyOf(model, 'rows', trouble, receipt);
          for (const record of world.delivered(receipt)) tally.take(keyOf(rows, record));
          const truth = tally.truth();
          const { worth, failed } = assess(receipt, truth, { facts, does });
          const context = JSON.stringify([receipt.verdict, receipt.reasons, truth]);
          assert.deepEqual([worth === 'lied', failed], [false, false], context);
          if (does.survives?.(facts) === false) assert.equal(worth, 'told', context);
          if (what === 'is honest') assert.equal(receipt.verdict, bestOf(facts), context);
        });
      }
    });
  }
}
