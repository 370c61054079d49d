import assert from 'node:assert/strict';
import type { Stream } from '../../../lib/core/connector.ts';
import type { Receipt } from '../../../lib/core/receipt.ts';
import { span } from '../../../lib/core/time.ts';
import type { Model } from '../../../lib/simulator/model.ts';
import { childrenOf } from '../../../lib/simulator/parents.ts';
import type { StreamModel } from '../../../lib/simulator/stream-model.ts';
import type { Trouble } from '../../../lib/simulator/trouble.ts';
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
    const found = new Set(delivered);
    const keys = new Map(indexesOf(held).map((index) => [keyOf(stream, held.records.record(index)), index]));
    const due = new Set(dueOf(stream, held, receipt, trouble));
    const lost = [...keys].filter(([key, index]) => due.has(index) && !found.has(key)).map(([key]) => key);

    const context = JSON.stringify({ ...receipt, reasons: receipt.reasons.slice(0, 5) }, null, 1);
    const { repeated } = receipt.records;
    assert.ok(delivered.every((key) => keys.has(key)));
    assert.deepEqual([receipt.records.delivered, repeated], [delivered.length, delivered.length - found.size], context);
    assert.equal(receipt.requests.sent, requests.length, context);
    for (const [at, record] of records.entries()) {
      const raw = held.records.record(keys.get(delivered[at] ?? '') ?? -1);
      assert.equal(Reflect.get(Object(record), '_deleted') === true, stream.deleted?.(raw) === true);
    }
    if (receipt.verdict !== 'COMPLETE') assert.notEqual(receipt.reasons.length, 0);
    // What moves while it is counted, or followed by links that count pages, may be missed.
    const isSure = receipt.evidence === 'overlap' || receipt.evidence === 'cursor' || trouble.absent === undefined;
    if (receipt.verdict === 'COMPLETE') assert.equal(repeated, 0, context);
    if (receipt.verdict === 'COMPLETE' && isSure) assert.deepEqual(lost, [], context);
    return { receipt, delivered, lost };
  };
}

const isForToken = (url: string): boolean => /access_tokens?$|oauth2?\/token/.test(new URL(url).pathname);

/** The key of a record, as the API sends it or as it was delivered. */
const keyOf = ({ key }: Stream, record: unknown): string =>
  JSON.stringify([key].flat().map((field) => Reflect.get(Object(record), field)));

const indexesOf = ({ records }: StreamModel): number[] => Array.from({ length: records.count }, (_, index) => index);

/** Records that were there throughout, and belong into this sync. */
function dueOf(stream: Stream, held: StreamModel, receipt: Receipt, { absent, vanished }: Trouble): number[] {
  const { parents, records } = held;
  const mark = receipt.mode === 'incremental' ? Date.parse(receipt.watermark.before ?? '') : Number.NEGATIVE_INFINITY;
  const from = mark - (stream.since === undefined ? 0 : span(stream.since.lookback));
  const orphans = Array.from({ length: parents?.count ?? 0 }, (_, parent) => parent)
    .filter((parent) => vanished?.parent(parent))
    .map((parent) => parents && childrenOf(parents, parent, records.count));
  return indexesOf(held).filter(
    (index) =>
      (records.changedAt?.(index) ?? 0) >= from &&
      !orphans.some((run) => run !== undefined && index >= run.low && index < run.high) &&
      // Both at the beginning, and at the end.
      ![1, Number.MAX_SAFE_INTEGER].some((asked) => absent?.(index, asked)),
  );
}
