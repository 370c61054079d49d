import type { Connector } from '../../lib/core/connector/connector.ts';
import type { Receipt } from '../../lib/core/verdict/receipt.ts';
import { type LoadJob, type LoadOutcome, loadStreams } from '../../lib/load/load.ts';
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

/** Loads receipts and tells each outcome on `output`. Gives of how many streams the latest receipt is held back. `then`: done with the tables after that. */
export async function loadTables(
  load: TableLoad,
  options: TableOptions,
  output: NodeJS.WritableStream,
  then?: (warehouse: Warehouse) => Promise<void>,
): Promise<number> {
  const { to, schema, accept = [], deleted = 'remove', json = false } = options;
  const warehouse = await openWarehouse(to, schema);
  try {
    const say = (outcome: LoadOutcome | undefined): void => void output.write(sentence(outcome, json));
    const held = await loadInto(warehouse, load, { accept, marks: deleted === 'mark' }, say);
    await then?.(warehouse);
    return held;
  } finally {
    await warehouse.close();
  }
}

async function loadInto(
  warehouse: Warehouse,
  load: TableLoad,
  policy: Pick<LoadJob, 'accept' | 'marks'>,
  say: (outcome: LoadOutcome | undefined) => void,
): Promise<number> {
  const held = new Map<string, boolean>();
  for await (const outcome of loadStreams({ ...load, ...policy, warehouse, now: () => new Date() })) {
    const { connection, stream } = outcome.receipt;
    held.set(`${connection} ${stream}`, outcome.state === 'held');
    say(outcome);
  }
  if (held.size === 0) say(undefined);
  return [...held.values()].filter(Boolean).length;
}

function sentence(outcome: LoadOutcome | undefined, json: boolean): string {
  if (json) return outcome === undefined ? '' : `${JSON.stringify(outcome)}\n`;
  return outcome === undefined ? 'Nothing new to load.\n' : describeOutcome(outcome);
}

const format = new Intl.NumberFormat('en');

/** One line for each receipt, and one for each column that no longer fits. */
export function describeOutcome({ receipt, state, why, counts, retyped = [] }: LoadOutcome): string {
  const { connector, connection, stream, sync, verdict } = receipt;
  const table = streamTable(connector, stream);
  const rows =
    counts === undefined
      ? ''
      : `: ${format.format(counts.written)} ${counts.written === 1 ? 'row' : 'rows'} written, ${format.format(counts.deleted)} deleted`;
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
