import type * as z from 'zod';
import { writeJson } from './json.ts';
import type { Stream } from './stream.ts';

/** One way in which a record departs from its declared schema. `sample`: the value as JSON, at most 60 characters. */
export type Departure = { readonly path: string; readonly change: 'missing' | 'retyped'; readonly sample: string };

export type Checked =
  | { readonly fits: true; readonly record: unknown }
  | { readonly fits: false; readonly departures: readonly Departure[] };

/** Holds a record against its stream's schema. */
export function checkRecord(stream: Stream, raw: unknown): Checked {
  const result = stream.schema.safeParse(raw);
  if (result.success) return { fits: true, record: result.data };
  return { fits: false, departures: result.error.issues.map((issue) => departure(issue, raw)) };
}

function departure(issue: z.core.$ZodIssue, raw: unknown): Departure {
  const value = at(raw, issue.path);
  const path = issue.path.map((step) => (typeof step === 'number' ? '[]' : String(step))).join('.');
  return {
    path: path === '' ? '(record)' : path,
    change: value === undefined ? 'missing' : 'retyped',
    sample: (writeJson(value) ?? 'undefined').slice(0, 60),
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
