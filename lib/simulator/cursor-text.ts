import * as z from 'zod';

/** Indexes of records, from `low` to `high` - 1. */
export type Run = { readonly low: number; readonly high: number };

/** What a cursor stands for: which record of which listing comes next. It carries all of it, so no memory is needed. */
export type Cursor = {
  readonly stream: string;
  /** Index of the first record of the next page. */
  readonly start: number;
  /** It leads from a page on which nothing was shown. */
  readonly past?: boolean | undefined;
  /** The listing's window, epoch milliseconds; `null`: open. */
  readonly from: number | null;
  readonly to: number | null;
  /** Which records are the children of the listing's parents; absent: all. */
  readonly of?: readonly Run[] | undefined;
};

const moment = z.number().nullable();
const cursorSchema: z.ZodType<Cursor> = z.strictObject({
  stream: z.string(),
  start: z.int().min(0),
  past: z.boolean().optional(),
  from: moment,
  to: moment,
  of: z.array(z.strictObject({ low: z.int(), high: z.int() })).optional(),
});

/** A cursor as APIs send it: base64, with the `+`, `/` and `=` that a client must encode. */
export const cursorText = ({ stream, start, past, from, to, of }: Cursor): string =>
  Buffer.from(JSON.stringify({ stream, start, ...(past ? { past } : {}), from, to, of })).toString('base64');

/** The cursor of a text, or `undefined` if it never was one. */
export function parseCursor(text: string): Cursor | undefined {
  try {
    return cursorSchema.safeParse(JSON.parse(Buffer.from(text, 'base64').toString())).data;
  } catch {
    return undefined;
  }
}
