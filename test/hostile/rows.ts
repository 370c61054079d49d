/** `at`: when it was changed, epoch milliseconds. */
export type Row = { readonly id: number; readonly at: number };

/** When the virtual world begins. */
export const BEGINNING = Date.UTC(2026, 10, 22, 12);
const MINUTE = 60_000;

/** Rows one minute apart, the last one a minute before `now`. Their numbers leave room for others between them. */
export const rowsOf = (count: number, now = BEGINNING): Row[] =>
  Array.from({ length: count }, (_, i) => ({ id: 1_000 * (i + 1), at: now - (count - i) * MINUTE }));
