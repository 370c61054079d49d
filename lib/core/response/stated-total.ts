import { envelopeFields, isPlainObject } from './envelope.ts';
import { writeJson } from './json.ts';

/** How many records a response states. `atLeast`: the API counted no further, so there may be more. */
export type StatedTotal = { readonly records: number; readonly atLeast: boolean };

/**
 * Reads a total as APIs write it: a number, text of digits, `"10000+"`, or `{ value, relation: 'gte' }` (Elasticsearch, track_total_hits). `undefined`: nothing is
 * stated, also by `null`. Text that is no count is a complaint.
 */
export function readStatedTotal(value: unknown): StatedTotal | undefined | { readonly complaint: string } {
  if (value === undefined || value === null) return undefined;
  if (isPlainObject(value) && 'value' in value) {
    const inner = readStatedTotal(value.value);
    return inner === undefined || 'complaint' in inner
      ? inner
      : { ...inner, atLeast: inner.atLeast || isLowerBound(value.relation) };
  }
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : undefined;
  const [, digits, plus] = /^(\d{1,16}) ?(\+?)$/.exec(text?.trim() ?? '') ?? [];
  const records = Number(digits);
  if (digits === undefined || !Number.isSafeInteger(records))
    return { complaint: `the total must be a whole number (got ${(text ?? writeJson(value) ?? '').slice(0, 60)})` };
  return { records, atLeast: plus === '+' };
}

/** Whether a body says outside of its records that its total is only a lower bound: `hits.total.relation: 'gte'`. */
export const saysLowerBound = (body: unknown, records: readonly unknown[]): boolean =>
  envelopeFields(body, records).some(({ name, value }) => name === 'relation' && isLowerBound(value));

const isLowerBound = (relation: unknown): boolean => relation === 'gte' || relation === 'gt';

/** Totals at which search engines stop to count. */
const ROUND = new Set([1_000, 5_000, 10_000, 50_000, 100_000]);
/** Whether a total may be a limit of the API and not the number of its records. */
export const isRoundTotal = (records: number): boolean => ROUND.has(records);
