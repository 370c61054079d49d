import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { openConnector } from '../../bin/cli/deployed-connector.ts';
import { loadConnector } from '../../bin/cli/load-connector.ts';
import { type Receipt, receiptSchema } from '../../lib/core/verdict/receipt.ts';
import { stages } from '../../lib/infra/stage.ts';
import { tick } from '../../lib/infra/tick.ts';
import { REGION } from '../../lib/local/names.ts';
import { hostile } from '../hostile/api.ts';
import { checkReceipt } from '../hostile/check.ts';
import { casesEndToEnd, movementsEndToEnd } from '../hostile/end-to-end.ts';
import { movingListing } from '../hostile/movement.ts';
import { rowsOf } from '../hostile/rows.ts';
import { serve } from '../hostile/serve.ts';
import { deploy } from './deployed.ts';
import { temporaryFolder } from './headgate.ts';

/**
 * Every hostile case end to end: one deployed connector, a stream for each case, all synced at once against the same APIs over a real socket. A page that
 * does not heal is given up at the third attempt, after six seconds at most.
 */

const stage = { ...stages.prod, attempts: 3 };
const closed = z.object({ stream: z.string(), receipt: z.string() });

type Outcome = { readonly receipt: Receipt; readonly delivered: readonly unknown[] };

describe('end to end, an API that', () => {
  const undo: (() => unknown)[] = [];
  const ending = { after: (each: () => unknown): void => void undo.unshift(each) };
  const outcomes = new Map<string, PromiseWithResolvers<Outcome>>();
  const now = Date.now();
  const movements = new Map(
    [...movementsEndToEnd].map(([name, { seed }]) => [name, movingListing(seed, seed >= 12, now)]),
  );
  let asked: ReadonlyMap<string, number> = new Map();
  after(async () => {
    for (const each of undo) await each();
  });

  before(async () => {
    const server = await serve(
      new Map([
        ...[...casesEndToEnd].map(
          ([name, { records = 100, api }]) => [name, hostile(rowsOf(records, now), api)] as const,
        ),
        ...[...movements].map(([name, { api }]) => [name, api] as const),
      ]),
    );
    ending.after(server.stop);
    asked = server.asked;
    const file = join(await temporaryFolder(ending), 'hostile.ts');
    const source = join(import.meta.dirname, '../hostile/end-to-end.ts');
    await writeFile(
      file,
      `import { hostileInAllWays } from ${JSON.stringify(source)};\nexport default hostileInAllWays(${JSON.stringify(server.url)}, ${now});\n`,
    );
    const loaded = await loadConnector(file);
    const { connector } = loaded;

    const stack = await deploy(ending, [loaded], {
      stage,
      onEvent: ({ detail }) => {
        const { stream, receipt } = closed.parse(detail);
        read(receipt).then(outcomes.get(stream)?.resolve, outcomes.get(stream)?.reject);
      },
    });
    const aws = { endpoint: stack.endpoint, region: REGION, credentials: stack.credentials };
    const { connections, objects } = await openConnector(aws, stage.name, connector);
    const text = async (key: string): Promise<Uint8Array> => (await objects.get(key)) ?? assert.fail(`no ${key}`);
    const lines = async (key: string): Promise<unknown[]> =>
      gunzipSync(await text(key))
        .toString()
        .split('\n')
        .flatMap((line) => (line === '' ? [] : JSON.parse(line)));
    async function read(key: string): Promise<Outcome> {
      const receipt = receiptSchema.parse(JSON.parse(new TextDecoder().decode(await text(key))));
      const parts = (await lines(receipt.manifest)).map((line) => String(Reflect.get(Object(line), 'key')));
      return { receipt, delivered: (await Promise.all(parts.map(lines))).flat() };
    }
    await connections.create({ pk: connector.name, sk: 'main' }, { params: '{}', status: 'active' });
    for (const name of [...casesEndToEnd.keys(), ...movements.keys()]) {
      outcomes.set(name, Promise.withResolvers());
      const due = stack.schedules.find(({ input }) => input === tick(name)) ?? assert.fail(name);
      await stack.fire(due.id, new Date(now));
    }
  });

  for (const [name, each] of casesEndToEnd) {
    it(each.what, async () => {
      const { receipt, delivered } = (await outcomes.get(name)?.promise) ?? assert.fail();
      checkReceipt(each, receipt, delivered, asked.get(name) ?? 0);
    });
  }

  for (const [name, { what, seed }] of movementsEndToEnd) {
    it(`${what}: whose records come, go and move as seed ${seed} says`, async () => {
      const { receipt, delivered } = (await outcomes.get(name)?.promise) ?? assert.fail();
      movements.get(name)?.check(receipt, delivered);
      assert.equal(receipt.records.delivered, delivered.length);
      assert.equal(receipt.requests.sent, asked.get(name));
    });
  }

  it('records that moved were found out, and read again', async () => {
    const all = await Promise.all([...movements.keys()].flatMap((name) => outcomes.get(name)?.promise ?? []));
    const sum = (what: 'moved' | 'repaired'): number => all.reduce((n, { receipt }) => n + receipt.movement[what], 0);
    assert.ok(sum('moved') > 0 && sum('repaired') > 0, `${sum('repaired')} of ${sum('moved')}`);
  });
});
