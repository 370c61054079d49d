import { describe, it } from 'node:test';
import { hostile } from '../hostile/api.ts';
import { cases } from '../hostile/cases.ts';
import { checkReceipt } from '../hostile/check.ts';
import { hostileConnector } from '../hostile/connector.ts';
import { rowsOf } from '../hostile/rows.ts';
import { makeWorld } from './world.ts';

describe('an API that', () => {
  for (const [what, each] of Object.entries(cases)) {
    it(what, async () => {
      const { kind, shape, records = 100, api } = each;
      const world = makeWorld({ connector: hostileConnector(kind, shape), api: hostile(rowsOf(records), api) });
      const receipt = await world.sync('rows');
      checkReceipt(each, receipt, world.delivered(receipt), world.http.requests.length);
    });
  }
});
