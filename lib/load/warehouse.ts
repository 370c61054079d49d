import type { Dialect } from './sql.ts';

/** A database that tables are loaded into. */
export type Warehouse = {
  readonly dialect: Dialect;
  /** For people: which database. Never with a password. */
  readonly name: string;
  /**
   * Runs statements as one: all of them hold, or none. One loader at a time; another one waits until the transaction ends. Throws what the
   * statements or `work` throw, after undoing everything.
   */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Runs a query outside of a transaction. */
  query(sql: string): Promise<readonly object[]>;
  close(): Promise<void>;
};

export type Session = {
  /** Runs a statement; gives how many rows it changed. */
  run(sql: string): Promise<number>;
  query(sql: string): Promise<readonly object[]>;
  /** Adds rows, given as lines of CSV (RFC 4180) with these columns: what is empty and unquoted is NULL. */
  copy(table: string, columns: readonly string[], lines: AsyncIterable<string>): Promise<void>;
};
