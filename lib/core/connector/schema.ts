import type * as z from 'zod';
import { writeJson } from '../response/json.ts';
import type { Stream } from './stream.ts';
import { unknownFields } from './unknown-fields.ts';

/**
 * One way in which a record departs from its declared schema. `path`: names of fields, `[]` for the elements of a list, `*` for those of a record.
 * `unknown`: the schema has no such field, and drops it. `sample`: the value as JSON, at most 60 characters.
 */
export type SchemaDeparture = {
  readonly path: string;
  readonly change: 'missing' | 'retyped' | 'unknown';
  readonly sample: string;
};

/** A record that fits may have departures as well: fields that its schema drops. */
export type CheckedRecord =
  | { readonly fits: true; readonly record: unknown; readonly departures: readonly SchemaDeparture[] }
  | { readonly fits: false; readonly departures: readonly SchemaDeparture[] };

/** Holds a record against its stream's schema. `known`: fields that the schema drops and that were told already. */
export function checkRecord(stream: Stream, raw: unknown, known: ReadonlySet<string> = new Set()): CheckedRecord {
  const result = stream.schema.safeParse(raw);
  const departures: SchemaDeparture[] = [];
  unknownFields(stream.schema)?.(raw, '', (path, value) => {
    if (!known.has(path)) departures.push({ path, change: 'unknown', sample: sampleOf(value) });
  });
  if (result.success) return { fits: true, record: result.data, departures };
  return {
    fits: false,
    departures: [...result.error.issues.flatMap((issue) => departuresOf(issue, raw)), ...departures],
  };
}

const sampleOf = (value: unknown): string => (writeJson(value) ?? 'undefined').slice(0, 60);

function departuresOf(issue: z.core.$ZodIssue, raw: unknown): SchemaDeparture[] {
  if (issue.code !== 'unrecognized_keys') return [departure(issue.path, raw)];
  return issue.keys.map((key) => ({ ...departure([...issue.path, key], raw), change: 'unknown' }));
}

function departure(place: readonly PropertyKey[], raw: unknown): SchemaDeparture {
  const value = at(raw, place);
  const path = place.map((step) => (typeof step === 'number' ? '[]' : String(step))).join('.');
  return {
    path: path === '' ? '(record)' : path,
    change: value === undefined ? 'missing' : 'retyped',
    sample: sampleOf(value),
  };
}

function at(value: unknown, [step, ...rest]: readonly PropertyKey[]): unknown {
  if (step === undefined) return value;
  return typeof value === 'object' && value !== null ? at(Reflect.get(value, step), rest) : undefined;
}

/** The identity of a record as text, from its key fields; `undefined` if one of them is missing. */
export function recordKey(stream: Stream, record: unknown): string | undefined {
  if (typeof record !== 'object' || record === null) return undefined;
  const names = typeof stream.key === 'string' ? [stream.key] : stream.key;
  const values = names.map((name): unknown => Reflect.get(record, name));
  return values.some((value) => value === undefined || value === null) ? undefined : writeJson(values);
}
