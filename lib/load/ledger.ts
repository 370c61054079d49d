import * as z from 'zod';
import { type Receipt, receiptSchema } from '../core/verdict/receipt.ts';
import { TOMBSTONES } from './merge.ts';
import type { LedgerEntry, LoadStep } from './plan.ts';
import { csvLine } from './row.ts';
import { quoteText } from './sql.ts';

/** One row for each receipt that was decided on. */
export const LEDGER = '_headgate_ledger';
/** Records that do not fit their schema, of the syncs that are loaded. */
export const QUARANTINE = '_headgate_quarantine';
/** How fresh and how complete each table is. */
export const FRESHNESS = '_headgate_freshness';

/** What every schema has that tables are loaded into. They may be there. */
export const SETUP: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS ${LEDGER} (
    connector TEXT NOT NULL, connection TEXT NOT NULL, stream TEXT NOT NULL, sync TEXT NOT NULL, revision BIGINT NOT NULL,
    mode TEXT NOT NULL, verdict TEXT NOT NULL, evidence TEXT, state TEXT NOT NULL, why TEXT, reasons JSON, accepted TEXT,
    delivered BIGINT NOT NULL, quarantined BIGINT NOT NULL, written BIGINT, deleted BIGINT, misfits JSON,
    watermark_before TEXT, watermark_after TEXT,
    started_at TIMESTAMPTZ NOT NULL, finished_at TIMESTAMPTZ NOT NULL, decided_at TIMESTAMPTZ NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS ${TOMBSTONES} (table_name TEXT NOT NULL, connection TEXT NOT NULL, id UUID NOT NULL, sync TEXT NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS ${QUARANTINE} (
    connector TEXT NOT NULL, connection TEXT NOT NULL, stream TEXT NOT NULL, sync TEXT NOT NULL, page BIGINT,
    reasons JSON, record JSON)`,
  `CREATE OR REPLACE VIEW ${FRESHNESS} AS
    SELECT connector, connection, stream,
      max(CASE WHEN state = 'loaded' THEN sync END) AS last_sync,
      max(CASE WHEN state = 'loaded' AND verdict = 'COMPLETE' THEN started_at END) AS complete_as_of,
      max(CASE WHEN state = 'loaded' THEN decided_at END) AS loaded_at,
      max(finished_at) AS last_closed_at,
      count(CASE WHEN state = 'held' THEN 1 END) AS held
    FROM ${LEDGER} GROUP BY connector, connection, stream`,
];

/** Which stream of which connection. */
export type StreamName = Pick<Receipt, 'connector' | 'connection' | 'stream'>;

const whereStream = ({ connector, connection, stream }: StreamName): string =>
  `connector = ${quoteText(connector)} AND connection = ${quoteText(connection)} AND stream = ${quoteText(stream)}`;

export const ledgerQuery = (connector: string): string =>
  `SELECT connection, stream, sync, revision, mode, verdict, state, why, watermark_after AS after FROM ${LEDGER}
  WHERE connector = ${quoteText(connector)}`;

const { connection, stream, sync, mode, verdict } = receiptSchema.shape;
/** A row of {@link ledgerQuery}. Drivers give 64 bits as text. */
export const ledgerRow = z.object({
  ...{ connection, stream, sync, mode, verdict },
  revision: z.coerce.number().int(),
  state: z.enum(['loaded', 'held', 'superseded']),
  why: z.string().nullable(),
  after: z.string().nullable(),
}) satisfies z.ZodType<LedgerEntry>;
export type LedgerRow = z.output<typeof ledgerRow>;

/** How often the ledger of a stream was written: another loader writes it, too. */
export const ledgerVersionQuery = (name: StreamName): string =>
  `SELECT count(*) AS entries, max(decided_at)::TEXT AS at FROM ${LEDGER} WHERE ${whereStream(name)}`;

/** What a load did, for the ledger. */
export type LoadCounts = {
  readonly written: number;
  readonly deleted: number;
  readonly misfits: Readonly<Record<string, number>>;
};

/** Removes what the ledger said of this revision before: it may have been held. */
export const forgetEntry = (receipt: Receipt): string =>
  `DELETE FROM ${LEDGER} WHERE ${whereStream(receipt)} AND sync = ${quoteText(receipt.sync)} AND revision = ${receipt.revision}`;

export const LEDGER_COLUMNS = [
  ...[
    'connector',
    'connection',
    'stream',
    'sync',
    'revision',
    'mode',
    'verdict',
    'evidence',
    'state',
    'why',
    'reasons',
  ],
  ...['accepted', 'delivered', 'quarantined', 'written', 'deleted', 'misfits', 'watermark_before', 'watermark_after'],
  ...['started_at', 'finished_at', 'decided_at'],
];

/** The row of a receipt, as a line of CSV. */
export function ledgerLine(
  { receipt, state, why }: LoadStep<Receipt>,
  at: string,
  counts: LoadCounts | undefined,
): string {
  const { records, watermark, accepted, reasons } = receipt;
  return csvLine([
    receipt.connector,
    receipt.connection,
    receipt.stream,
    receipt.sync,
    String(receipt.revision),
    receipt.mode,
    receipt.verdict,
    receipt.evidence,
    state,
    why,
    storable(JSON.stringify(reasons)),
    storable(accepted?.reason ?? null),
    String(records.delivered),
    String(records.quarantined),
    counts === undefined ? null : String(counts.written),
    counts === undefined ? null : String(counts.deleted),
    counts === undefined ? null : JSON.stringify(counts.misfits),
    watermark.before,
    watermark.after,
    receipt.startedAt,
    receipt.finishedAt,
    at,
  ]);
}

/** No database holds U+0000 in a text. */
const storable = (text: string | null): string | null => text?.replaceAll('\0', '\u{fffd}').toWellFormed() ?? null;

export const QUARANTINE_COLUMNS = ['connector', 'connection', 'stream', 'sync', 'page', 'reasons', 'record'];

/** Quarantined records of earlier revisions of a sync, and after a full sync those of earlier syncs. */
export const forgetQuarantined = (receipt: Receipt, replaces: boolean): string =>
  `DELETE FROM ${QUARANTINE} WHERE ${whereStream(receipt)} AND sync ${replaces ? '<=' : '='} ${quoteText(receipt.sync)}`;
