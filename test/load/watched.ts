import type { Session, Warehouse } from '../../lib/load/warehouse.ts';

/** A warehouse whose statements are announced before each runs, the end of a transaction among them. What the announcement throws, the statement throws. */
export function watchStatements(warehouse: Warehouse, announce: () => Promise<void>): Warehouse {
  const before =
    <A extends readonly unknown[], R>(run: (...given: A) => Promise<R>) =>
    async (...given: A): Promise<R> => {
      await announce();
      return run(...given);
    };
  return {
    ...warehouse,
    query: before(warehouse.query),
    transaction: (work) =>
      warehouse.transaction(async ({ run, query, copy }) => {
        const session: Session = { run: before(run), query: before(query), copy: before(copy) };
        const result = await work(session);
        await announce();
        return result;
      }),
  };
}
