/**
 * The envelope of a body: its fields outside of records and lists, as deep as paging information is commonly nested:
 * `body.data.orders.pageInfo.hasNextPage`.
 */

const DEEPEST_FIELD = 3;

export type EnvelopeField = { readonly path: string; readonly name: string; readonly value: unknown };

/** The fields of a body, outermost first. Lists and records are not searched: they speak of other listings. */
export function envelopeFields(body: unknown, records: readonly unknown[]): EnvelopeField[] {
  const inRecords = new Set(records);
  const found: EnvelopeField[] = [];
  let level: readonly { readonly path: string; readonly value: unknown }[] = [{ path: '', value: body }];
  for (let depth = 0; depth <= DEEPEST_FIELD && level.length > 0; depth++) {
    const fields = level.flatMap(({ path, value }) =>
      isPlainObject(value) && !inRecords.has(value)
        ? Object.entries(value).map(([name, inner]) => ({
            path: path === '' ? name : `${path}.${name}`,
            name,
            value: inner,
          }))
        : [],
    );
    found.push(...fields);
    level = fields;
  }
  return found;
}

/** Whether a value is an object with names, and no list. */
export const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
