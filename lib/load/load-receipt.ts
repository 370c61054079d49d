import * as z from 'zod';
import type { Connector } from '../core/connector/connector.ts';
import type { Stream } from '../core/connector/stream.ts';
import { readJson, writeJson } from '../core/response/json.ts';
import { type Receipt, readQuarantineLines, readRecordLines, type StoredReceipt } from '../read/read.ts';
import { type Column, columnsOf } from './columns.ts';
import { evolveTable, type FoundColumn } from './evolve.ts';
import { forgetQuarantined, type LoadCounts, QUARANTINE, QUARANTINE_COLUMNS } from './ledger.ts';
import { createStage, mergeStatements, STAGE, stageColumns } from './merge.ts';
import { csvLine, stageQuarantined, stageRecord } from './row.ts';
import { columnsQuery, streamTable, typeFrom } from './sql.ts';
import type { Session, Warehouse } from './warehouse.ts';

/** The records of a sync cannot be loaded. The message says why. */
export class RefusedSync extends Error {
  override name = 'RefusedSync';
}

export type ReceiptLoad = {
  readonly dialect: Warehouse['dialect'];
  readonly connector: Connector;
  readonly stored: StoredReceipt;
  /** What the sync does not have is gone. */
  readonly replaces: boolean;
  readonly marks: boolean;
  readonly now: Date;
};

/** Loads the records of one receipt, within a transaction. Throws a {@link RefusedSync} if they cannot be read, or have no key. */
export async function loadReceipt(
  session: Session,
  { dialect, connector, stored, replaces, marks, now }: ReceiptLoad,
): Promise<{ readonly counts: LoadCounts; readonly retyped: readonly string[] }> {
  const { receipt } = stored;
  const stream = connector.streams[receipt.stream];
  if (stream === undefined) throw new RefusedSync(`the connector has no stream "${receipt.stream}"`);
  const table = streamTable(connector.name, receipt.stream);
  const found = await foundColumns(session, table);
  const { statements, columns, retyped } = evolveTable(dialect, table, columnsOf(stream.schema), found, marks);
  for (const sql of [...statements, ...createStage(dialect, columns)]) await session.run(sql);
  const staging = new Staging(stream, columns, receipt.connection);
  await session.copy(STAGE, stageColumns(columns), inChunks(staging.lines(stored)));
  const merge = {
    table,
    columns,
    connection: receipt.connection,
    sync: receipt.sync,
    loadedAt: now.toISOString(),
    marks,
  };
  const counts = { written: 0, deleted: 0 };
  for (const { sql, counts: counted } of mergeStatements({ ...merge, replaces: replaces && staging.knowsAllKeys })) {
    const rows = await session.run(sql);
    if (counted !== undefined) counts[counted] += rows;
  }
  await session.run(forgetQuarantined(receipt, replaces));
  if (receipt.records.quarantined > 0)
    await session.copy(QUARANTINE, QUARANTINE_COLUMNS, inChunks(quarantineRows(stored)));
  return { counts: { ...counts, misfits: Object.fromEntries(staging.misfits) }, retyped };
}

const foundColumn = z.object({ name: z.string(), type: z.string(), scale: z.coerce.number().nullable() });

async function foundColumns(session: Session, table: string): Promise<FoundColumn[]> {
  const rows = z.array(foundColumn).parse(await session.query(columnsQuery(table)));
  return rows.map(({ name, type, scale }) => ({ name, type: typeFrom(type, scale) }));
}

/** The staged lines of one receipt, and what was seen in them. */
class Staging {
  /** Field → how many of its values went to the rest. */
  readonly misfits = new Map<string, number>();
  /** Whether each quarantined record tells its key. If one does not, it is unknown which row is still there. */
  knowsAllKeys = true;
  readonly #stream: Stream;
  readonly #columns: readonly Column[];
  readonly #connection: string;

  constructor(stream: Stream, columns: readonly Column[], connection: string) {
    this.#stream = stream;
    this.#columns = columns;
    this.#connection = connection;
  }

  async *lines(stored: StoredReceipt): AsyncGenerator<string> {
    let position = 0;
    for await (const line of readable(readRecordLines(stored))) {
      const at = { connection: this.#connection, record: readJson(line), position: position++ };
      const row = stageRecord(this.#stream, this.#columns, at);
      if ('problem' in row) throw new RefusedSync(row.problem);
      for (const name of row.misfits) this.misfits.set(name, (this.misfits.get(name) ?? 0) + 1);
      yield row.line;
    }
    if (stored.receipt.records.quarantined === 0) return;
    for await (const { record } of quarantined(stored)) {
      const rows = stageQuarantined(this.#stream, this.#columns, { connection: this.#connection, record });
      if (rows === undefined) this.knowsAllKeys = false;
      else yield* rows;
    }
  }
}

const quarantineLine = z.object({ page: z.int().optional(), departures: z.unknown(), record: z.unknown() });

async function* quarantined(stored: StoredReceipt): AsyncGenerator<z.output<typeof quarantineLine>> {
  for await (const line of readable(readQuarantineLines(stored))) {
    const read = quarantineLine.safeParse(readJson(line));
    if (!read.success) throw new RefusedSync('a quarantined record cannot be read');
    yield read.data;
  }
}

async function* quarantineRows(stored: StoredReceipt): AsyncGenerator<string> {
  const { connector, connection, stream, sync }: Receipt = stored.receipt;
  for await (const { page, departures, record } of quarantined(stored))
    yield csvLine([
      ...[connector, connection, stream, sync, page === undefined ? null : String(page)],
      ...[writeJson(departures) ?? null, writeJson(record) ?? null],
    ]);
}

/** What is wrong with the stored objects concerns this receipt alone. */
async function* readable(lines: AsyncIterable<string>): AsyncGenerator<string> {
  try {
    yield* lines;
  } catch (error) {
    throw new RefusedSync(`its records cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const CHUNK = 256 * 1_024;

/** Fewer and longer texts: each costs a turn of the event loop. */
async function* inChunks(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let chunk = '';
  for await (const line of lines) {
    chunk += line;
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}
