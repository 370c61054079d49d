import * as z from 'zod';
import type { Receipt } from '../core/verdict/receipt.ts';

/**
 * What a reader has read: stream (`<connector>/<connection>/<stream>`) → sync → its highest revision. Plain JSON. A sync stands in it by
 * name, since a receipt may be put after that of a later sync.
 */
export type Checkpoint = z.output<typeof checkpointSchema>;

export const checkpointSchema = z.record(z.string(), z.record(z.string(), z.int().min(1)).readonly()).readonly();

/** Which revision of which sync. A {@link Receipt} is one. */
export type ReceiptName = Pick<Receipt, 'connector' | 'connection' | 'stream' | 'sync' | 'revision'>;

/** Whether this revision, or a later one of the same sync, was read. */
export const wasRead = (checkpoint: Checkpoint, name: ReceiptName): boolean =>
  (checkpoint[streamOf(name)]?.[name.sync] ?? 0) >= name.revision;

/** The checkpoint after a receipt. Keep it once all that belongs to the receipt is done. */
export function advanceCheckpoint(checkpoint: Checkpoint, name: ReceiptName): Checkpoint {
  if (wasRead(checkpoint, name)) return checkpoint;
  const stream = streamOf(name);
  return { ...checkpoint, [stream]: { ...checkpoint[stream], [name.sync]: name.revision } };
}

const streamOf = ({ connector, connection, stream }: ReceiptName): string => `${connector}/${connection}/${stream}`;
