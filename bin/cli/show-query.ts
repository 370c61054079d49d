import type { Warehouse } from '../../lib/load/warehouse.ts';
import { textTable } from './output.ts';

/** A query and its rows, for people. */
export async function showQuery(warehouse: Warehouse, sql: string): Promise<string> {
  const rows = (await warehouse.query(sql)).map((row) =>
    Object.entries(row).map(([title, value]) => ({ title, value })),
  );
  const columns = (rows[0] ?? []).map(({ title }, index) => ({
    title,
    of: (row: (typeof rows)[number]) => String(row[index]?.value),
  }));
  return `${warehouse.name}> ${sql}\n${textTable(rows, columns)}`;
}
