/** Row `id` of the API, of about 180 bytes. */
export const rowOf = (id: number | string): string =>
  `{"id":${id},"name":"Customer number ${id}","email":"customer.${id}@mail.example.com","status":"active",` +
  `"total":${(Number(id) % 1_000) + 0.25},"updated_at":"2026-03-04T05:06:07Z"}`;

/** Rows from `start` up to `end`, as a JSON list. */
export function rowsBetween(start: number, end: number): string {
  const rows: string[] = [];
  for (let id = start; id < end; id += 1) rows.push(rowOf(id));
  return `[${rows.join(',')}]`;
}
