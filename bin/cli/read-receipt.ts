import type { SyncRef } from '../../lib/core/tasks.ts';
import { type Receipt, receiptSchema } from '../../lib/core/verdict/receipt.ts';
import { forSync } from '../../lib/pipeline/invocation.ts';
import { receiptKeys } from '../../lib/pipeline/sync/close-sync.ts';
import { readSync } from '../../lib/pipeline/sync/start-sync.ts';
import type { OperatedConnector } from './deployed-connector.ts';

/** A revision of a sync's receipt; `undefined` if it was not written, or was forgotten. */
export async function readReceipt(
  { connector, objects }: OperatedConnector,
  ref: SyncRef,
  revision: number,
): Promise<Receipt | undefined> {
  const body = await objects.get(receiptKeys(connector.name, ref, revision).receipt);
  return body && receiptSchema.parse(JSON.parse(new TextDecoder().decode(body)));
}

/** The latest receipt of a sync; `undefined` if it has none, or was forgotten. */
export async function latestReceipt(connector: OperatedConnector, ref: SyncRef): Promise<Receipt | undefined> {
  const sync = await readSync(forSync(connector, ref));
  for (let revision = sync?.revision ?? 1; revision > 0; revision--) {
    const receipt = await readReceipt(connector, ref, revision);
    if (receipt !== undefined) return receipt;
  }
  return undefined;
}
