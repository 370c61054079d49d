import * as z from 'zod';
import type { Raw } from '../core/exchange.ts';
import { readJson } from '../core/response/json.ts';
import { type Receipt, receiptSchema } from '../core/verdict/receipt.ts';
import { type Checkpoint, type ReceiptName, wasRead } from './checkpoint.ts';
import { readLines, readText } from './lines.ts';
import type { Source } from './source.ts';

export { bucketSource } from './bucket.ts';
export { advanceCheckpoint, type Checkpoint, checkpointSchema, type ReceiptName, wasRead } from './checkpoint.ts';
export { folderSource } from './folder.ts';
export type { Receipt, Source };

export type ReadOptions = {
  /** Only this connector, only this connection of it, only this stream of that. Default: all. */
  readonly connector?: string;
  readonly connection?: string;
  readonly stream?: string;
  /** Leaves out what was read before. Default: everything is read. */
  readonly after?: Checkpoint;
};

/** A closed sync where it lies. */
export type StoredReceipt = {
  readonly source: Source;
  /** Key of the receipt. */
  readonly key: string;
  readonly receipt: Receipt;
};

/** A line of a manifest: one part that counts. */
export type ManifestPart = z.output<typeof partSchema>;

const partSchema = z.object({
  /** Gzip, one JSON record a line. */
  key: z.string(),
  bytes: z.int(),
  records: z.int(),
  /** Counted from 1, or as the API numbers them. */
  pages: z.array(z.int()).readonly(),
  /** Where the sync had slices. */
  slice: z.string().optional(),
  /** Where records did not fit the schema: how many, and the key of the object that holds them. */
  quarantined: z.int().default(0),
  quarantine: z.string().optional(),
});

/**
 * The closed syncs of a source: stream by stream (in the order of their names), a stream's from the earliest to the latest. Of each sync
 * the highest revision: its manifest is whole without the ones before. A receipt that was read is given again once it has a higher
 * revision. Throws if a receipt cannot be read.
 */
export async function* readReceipts(source: Source, options: ReadOptions = {}): AsyncGenerator<StoredReceipt> {
  const { after = {} } = options;
  const newest = new Map<string, { readonly key: string; readonly name: ReceiptName }>();
  for await (const key of source.list(prefixOf(options))) {
    const name = nameOf(key);
    if (name === undefined || !isAsked(name, options)) continue;
    const sync = key.slice(0, key.lastIndexOf('/', key.lastIndexOf('/') - 1));
    if ((newest.get(sync)?.name.revision ?? 0) < name.revision) newest.set(sync, { key, name });
  }
  for (const [, { key, name }] of [...newest].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (wasRead(after, name)) continue;
    yield { source, key, receipt: receiptSchema.parse(JSON.parse(await readText(source, key))) };
  }
}

/** The parts that count. None if nothing was delivered. */
export async function* readParts({ source, receipt }: StoredReceipt): AsyncGenerator<ManifestPart> {
  for await (const line of readLines(source, receipt.manifest)) yield partSchema.parse(JSON.parse(line));
}

/**
 * Every record that a closed sync delivered, whatever its verdict: see `receipt.verdict` first. An integer that no double can hold is a
 * `bigint`. Throws if a part is missing or cut off.
 */
export async function* readRecords(stored: StoredReceipt): AsyncGenerator<Raw> {
  for await (const line of readRecordLines(stored)) yield readJson(line);
}

/** The records as the lines of JSON that they are stored as. */
export async function* readRecordLines(stored: StoredReceipt): AsyncGenerator<string> {
  for await (const { key } of readParts(stored)) yield* readLines(stored.source, key);
}

/** The lines of JSON of the records that do not fit their schema, each with the reason. */
export async function* readQuarantineLines(stored: StoredReceipt): AsyncGenerator<string> {
  for await (const { quarantine } of readParts(stored))
    if (quarantine !== undefined) yield* readLines(stored.source, quarantine);
}

const RECEIPT = /^([^/]+)\/([^/]+)\/([^/]+)\/([^/]+)\/([1-9]\d*)\/receipt\.json$/;

function nameOf(key: string): ReceiptName | undefined {
  const [, connector, connection, stream, sync, revision] = RECEIPT.exec(key) ?? [];
  if (connector === undefined || connection === undefined || stream === undefined || sync === undefined) return;
  return { connector, connection, stream, sync, revision: Number(revision) };
}

/** What the keys of all that is asked for begin with. */
function prefixOf({ connector, connection, stream }: ReadOptions): string {
  const names = [connector, connection, stream];
  const open = names.indexOf(undefined);
  return names
    .slice(0, open < 0 ? names.length : open)
    .map((name) => `${name}/`)
    .join('');
}

const isAsked = (name: ReceiptName, { connector, connection, stream }: ReadOptions): boolean =>
  (connector ?? name.connector) === name.connector &&
  (connection ?? name.connection) === name.connection &&
  (stream ?? name.stream) === name.stream;
