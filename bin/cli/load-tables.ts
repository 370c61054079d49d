import type { Connector } from '../../lib/core/connector/connector.ts';
import type { Receipt } from '../../lib/core/verdict/receipt.ts';
import { type LoadOutcome, loadStreams } from '../../lib/load/load.ts';
import { streamTable } from '../../lib/load/sql.ts';
import type { Warehouse } from '../../lib/load/warehouse.ts';
import type { Source } from '../../lib/read/read.ts';
import { openWarehouse } from './open-warehouse.ts';

/** Where tables are, and what is loaded into them, as the command line gives it. */
export type TableOptions = {
  readonly to: string;
  readonly schema?: string;
  readonly accept?: readonly Receipt['verdict'][];
  readonly deleted?: 'remove' | 'mark';
  readonly json?: boolean;
};

export type TableLoad = {
  readonly connector: Connector;
  readonly streams: readonly string[];
  readonly source: Source;
};

/** Loads receipts and tells each outcome on stdout. Gives how many of the latest receipts are held back. */
export async function loadTables(load: TableLoad, options: TableOptions): Promise<number> {
  const { to, schema, accept = [], deleted = 'remove', json = false } = options;
  const warehouse = await openWarehouse(to, schema);
  try {
    return await loadInto(warehouse, load, { accept, marks: deleted === 'mark', json });
  } finally {
    await warehouse.close();
  }
}

async function loadInto(
  warehouse: Warehouse,
  { connector, streams, source }: TableLoad,
  {
    accept,
    marks,
    json,
  }: { readonly accept: TableOptions['accept'] & {}; readonly marks: boolean; readonly json: boolean },
): Promise<number> {
  const held = new Set<string>();
  const job = { source, warehouse, connector, streams, accept, marks, now: () => new Date() };
  let told = 0;
  for await (const outcome of loadStreams(job)) {
    const { connection, stream } = outcome.receipt;
    if (outcome.state === 'held') held.add(`${connection} ${stream}`);
    else held.delete(`${connection} ${stream}`);
    process.stdout.write(json ? `${JSON.stringify(outcome)}\n` : describeOutcome(outcome));
    told += 1;
  }
  if (told === 0 && !json) process.stdout.write('Nothing new to load.\n');
  return held.size;
}

const format = new Intl.NumberFormat('en');

/** One line for each receipt, and one for each column that no longer fits. */
export function describeOutcome({ receipt, state, why, counts, retyped = [] }: LoadOutcome): string {
  const { connector, connection, stream, sync, verdict } = receipt;
  const table = streamTable(connector, stream);
  const rows =
    counts === undefined
      ? ''
      : `: ${format.format(counts.written)} rows written, ${format.format(counts.deleted)} deleted`;
  const misfits = Object.entries(counts?.misfits ?? {}).map(
    ([field, count]) =>
      `  "${field}": ${format.format(count)} values do not fit their column, and are in _headgate_rest`,
  );
  return [
    `${table} ← ${connection} ${sync} ${verdict}: ${state}${why === null ? '' : `, because ${why}`}${rows}`,
    ...retyped.map((change) => `  ${change}`),
    ...misfits,
    '',
  ].join('\n');
}
