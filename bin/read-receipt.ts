import { type Receipt, receiptSchema } from '../lib/core/receipt.ts';
import type { SyncRef } from '../lib/core/tasks.ts';
import { receiptKeys } from '../lib/pipeline/close-sync.ts';
import { readSync } from '../lib/pipeline/start-sync.ts';
import type { OperatedConnector } from './deployed-connector.ts';

/** The latest receipt of a sync; `undefined` if it has none, or was forgotten. */
export async function latestReceipt(connector: OperatedConnector, ref: SyncRef): Promise<Receipt | undefined> {
  const sync = await readSync(connector, ref);
  for (let revision = sync?.revision ?? 1; revision > 0; revision--) {
    const { receipt: key } = receiptKeys(connector.connector.name, ref, revision);
    const body = await connector.objects.get(key);
    if (body !== undefined) return receiptSchema.parse(JSON.parse(new TextDecoder().decode(body)));
  }
  return undefined;
}
