import assert from 'node:assert/strict';
import type { Receipt } from '../../../lib/core/verdict/receipt.ts';
import type { Model } from '../../../lib/simulator/model.ts';
import { keyOf } from '../../../lib/simulator/rehearsed.ts';
import type { Trouble } from '../../../lib/simulator/trouble.ts';
import { tallyOf } from '../../../lib/simulator/truth.ts';
import { consent, simulatedWorld } from '../../simulator/wired.ts';

/** One sync, and what became of the records. */
export type Run = {
  readonly receipt: Receipt;
  /** Keys of what was delivered, one for each time, and of what was there throughout and was not. */
  readonly delivered: readonly string[];
  readonly lost: readonly string[];
};

/** A stream of an API, synced as often as is asked. What its receipts say is held against what the API knows. */
export async function syncing(model: Model, name: string, trouble: Trouble = {}): Promise<() => Promise<Run>> {
  const { connector, params } = model.client;
  const stream = connector.streams[name] ?? assert.fail();
  const held = model.streams.find((one) => one.name === name) ?? assert.fail();
  const { world } = simulatedWorld(model, trouble);
  if (connector.auth.kind === 'authorizationCode') await consent(world, Object(params));

  return async () => {
    const before = world.http.requests.length;
    const receipt = await world.sync(name);
    const requests = world.http.requests.slice(before).filter(({ url }) => !isForToken(url));
    const records = world.delivered(receipt);
    const delivered = records.map((record) => keyOf(stream, record));
    const tally = tallyOf(model, name, trouble, receipt);
    const indexes = delivered.map(tally.take);
    const { lost, strangers, again } = tally.truth();

    const context = JSON.stringify({ ...receipt, reasons: receipt.reasons.slice(0, 5) }, null, 1);
    const { repeated } = receipt.records;
    assert.equal(strangers, 0);
    assert.deepEqual([receipt.records.delivered, repeated], [delivered.length, again], context);
    assert.equal(receipt.requests.sent, requests.length, context);
    for (const [at, record] of records.entries()) {
      const raw = held.records.record(indexes[at] ?? -1);
      assert.equal(Reflect.get(Object(record), '_deleted') === true, stream.deleted?.(raw) === true);
    }
    if (receipt.verdict !== 'COMPLETE') assert.notEqual(receipt.reasons.length, 0);
    // What moves while it is counted, or followed by links that count pages, may be missed.
    const isSure = receipt.evidence === 'overlap' || receipt.evidence === 'key' || trouble.absent === undefined;
    if (receipt.verdict === 'COMPLETE') assert.equal(repeated, 0, context);
    if (receipt.verdict === 'COMPLETE' && isSure) assert.deepEqual(lost, [], context);
    return { receipt, delivered, lost };
  };
}

const isForToken = (url: string): boolean => /access_tokens?$|oauth2?\/token/.test(new URL(url).pathname);
