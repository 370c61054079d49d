import * as z from 'zod';
import type { Connector } from '../core/connector/connector.ts';
import {
  advanceCheckpoint,
  type Checkpoint,
  type Receipt,
  readReceipts,
  type Source,
  type StoredReceipt,
} from '../read/read.ts';
import {
  forgetEntry,
  LEDGER,
  LEDGER_COLUMNS,
  type LedgerRow,
  type LoadCounts,
  ledgerLine,
  ledgerQuery,
  ledgerRow,
  ledgerVersionQuery,
  SETUP,
  type StreamName,
} from './ledger.ts';
import { loadReceipt, RefusedSync } from './load-receipt.ts';
import { type LoadPolicy, type LoadStep, planLoads } from './plan.ts';
import type { Session, Warehouse } from './warehouse.ts';

export type LoadJob = {
  readonly source: Source;
  readonly warehouse: Warehouse;
  readonly connector: Connector;
  readonly streams: readonly string[];
  /** Only of this connection. Default: of all. */
  readonly connection?: string;
  readonly accept?: LoadPolicy['accept'];
  /** Deleted rows get a date in `_headgate_deleted_at` instead of being removed. */
  readonly marks?: boolean;
  readonly now: () => Date;
};

/** What became of a receipt. `counts`: where it was loaded. `retyped`: columns that no longer have the type the schema declares. */
export type LoadOutcome = LoadStep<Receipt> & { readonly counts?: LoadCounts; readonly retyped?: readonly string[] };

/**
 * Brings the tables of a connector's streams to what its receipts say, one receipt at a time, each in one transaction with its row in the ledger:
 * exactly once, whatever crashes and however many load at once. Gives what became of each receipt that is new, and each that is held back, old ones too.
 */
export async function* loadStreams(job: LoadJob): AsyncGenerator<LoadOutcome> {
  const { warehouse, connector, source, streams, connection: only } = job;
  await warehouse.transaction(async (session) => {
    for (const sql of SETUP) await session.run(sql);
  });
  const ledger = await readLedger(warehouse, connector.name);
  for (const stream of streams) {
    const after = checkpointOf(connector.name, ledger);
    const byConnection = new Map<string, StoredReceipt[]>();
    const asked = { connector: connector.name, ...(only !== undefined && { connection: only }), stream, after };
    for await (const stored of readReceipts(source, asked)) {
      const { connection } = stored.receipt;
      byConnection.set(connection, [...(byConnection.get(connection) ?? []), stored]);
    }
    for (const [connection, stored] of byConnection)
      yield* loadStream(job, { connector: connector.name, connection, stream }, stored);
  }
}

/** The receipts of one stream of one connection. Another loader may write the ledger meanwhile: then the plan is made again. */
async function* loadStream(
  job: LoadJob,
  name: StreamName,
  stored: readonly StoredReceipt[],
): AsyncGenerator<LoadOutcome> {
  const { warehouse, connector } = job;
  const refused = new Map<string, string>();
  for (;;) {
    const version = await versionOf(warehouse, name);
    const ledger = (await readLedger(warehouse, connector.name)).filter(
      ({ connection, stream }) => connection === name.connection && stream === name.stream,
    );
    const known = checkpointOf(connector.name, ledger);
    const open = stored.filter(({ receipt }) => !isFinal(known, receipt));
    const steps = planLoads(
      ledger,
      open.map(({ receipt }) => receipt),
      { accept: job.accept ?? [], refused },
    );
    const next = steps.find(({ state }) => state === 'loaded');
    const chosen = open.find(({ receipt }) => receipt === next?.receipt);
    if (next === undefined || chosen === undefined) {
      const noted = steps.filter((step) => !isNoted(ledger, step));
      const written =
        noted.length === 0 ||
        (await ifUnchanged(warehouse, name, version, (session) => note(session, noted, job.now())));
      if (written === undefined) continue;
      yield* steps.filter((step) => step.state === 'held' || noted.includes(step));
      return;
    }
    try {
      const done = await ifUnchanged(warehouse, name, version, async (session) => {
        const { counts, retyped } = await loadReceipt(session, {
          dialect: warehouse.dialect,
          connector,
          stored: chosen,
          replaces: next.replaces,
          marks: job.marks ?? false,
          now: job.now(),
        });
        await note(session, [next], job.now(), counts);
        return { counts, retyped };
      });
      if (done !== undefined) yield { ...next, ...done };
    } catch (error) {
      if (!(error instanceof RefusedSync)) throw error;
      refused.set(next.receipt.sync, error.message);
    }
  }
}

/** Does work in a transaction, unless the ledger of a stream has another version: then nothing is done. */
const ifUnchanged = <T>(
  warehouse: Warehouse,
  name: StreamName,
  version: string,
  work: (session: Session) => Promise<T>,
): Promise<T | undefined> =>
  warehouse.transaction(async (session) => ((await versionOf(session, name)) === version ? work(session) : undefined));

const versionOf = async (reader: Pick<Session, 'query'>, name: StreamName): Promise<string> =>
  JSON.stringify(await reader.query(ledgerVersionQuery(name)));

async function note(
  session: Session,
  steps: readonly LoadStep<Receipt>[],
  now: Date,
  counts?: LoadCounts,
): Promise<true> {
  for (const { receipt } of steps) await session.run(forgetEntry(receipt));
  const lines = steps.map((step) => ledgerLine(step, now.toISOString(), counts)).join('');
  await session.copy(LEDGER, LEDGER_COLUMNS, chunks(lines));
  return true;
}

async function* chunks(text: string): AsyncGenerator<string> {
  yield text;
}

const readLedger = async (reader: Pick<Session, 'query'>, connector: string): Promise<LedgerRow[]> =>
  z.array(ledgerRow).parse(await reader.query(ledgerQuery(connector)));

/** What needs no second look: what is held may be loaded another time. */
const checkpointOf = (connector: string, ledger: readonly LedgerRow[]): Checkpoint =>
  ledger
    .filter(({ state }) => state !== 'held')
    .reduce((checkpoint, row) => advanceCheckpoint(checkpoint, { connector, ...row }), {});

const isFinal = (known: Checkpoint, { connector, connection, stream, sync, revision }: Receipt): boolean =>
  (known[`${connector}/${connection}/${stream}`]?.[sync] ?? 0) >= revision;

const isNoted = (ledger: readonly LedgerRow[], { receipt, state, why }: LoadStep<Receipt>): boolean =>
  ledger.some(
    (row) => row.sync === receipt.sync && row.revision === receipt.revision && row.state === state && row.why === why,
  );
